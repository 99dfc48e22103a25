"""SAT3DExportMesh: a face as a file for 3D programs."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from comfy_api.latest import io

from ..sat3d.errors import ConfigError
from ..sat3d.generators import StyleGenerator, as_view_generator
from ..sat3d.latent import Latent
from ..sat3d.mesh.extraction import DEFAULT_CELLS, Mesh, MeshOptions, extract_mesh
from ..sat3d.mesh.files import save_mesh
from ..sat3d.mesh.grid import COARSE_CELLS, MAX_CELLS
from ..sat3d.parts.generator import network_showing
from . import host, memory, newer_hosts, output_files, widgets
from .types import EG3D_LATENT, EG3D_MODEL

FORMATS = ["glb", "ply"]
_PACKAGES = {"skimage": "scikit-image", "scipy": "scipy"}  # module -> package
_STEPS = 100  # what extract_mesh counts to
_BYTES_A_CORNER = 4 * 4  # densities, and what marching cubes makes of them


class SAT3DExportMesh(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DExportMesh",
            display_name="Export Mesh",
            category="SAT3D/render",
            description="Saves the head as a closed mesh with its colours: for 3D programs, printing, Preview 3D. "
            "Several faces become several files.",
            **newer_hosts.found_by("3d head", "glb", "ply", "3d model", "3d print", "mesh"),
            inputs=[
                EG3D_MODEL.Input(
                    "model", tooltip="The generator that made the face; an EG3D, since flat faces have no surface."
                ),
                EG3D_LATENT.Input("latent", tooltip="One face or several."),
                io.Combo.Input(
                    "format",
                    options=FORMATS,
                    default=FORMATS[0],
                    tooltip="glb: for Preview 3D, Blender, web pages. ply: for MeshLab and research code.",
                ),
                io.Int.Input(
                    "resolution",
                    default=DEFAULT_CELLS,
                    min=COARSE_CELLS,
                    max=MAX_CELLS,
                    step=COARSE_CELLS,
                    tooltip="Cells along each side of the grid. Twice as many take about four times as long.",
                ),
                io.Float.Input(
                    "density_level",
                    default=0.0,
                    min=-10000.0,
                    max=10000.0,
                    step=1.0,
                    tooltip="The density of the surface. 0: found by itself, where the picture shows it. "
                    "Lower takes in more thin hair, higher makes the head thinner.",
                ),
                widgets.filename_prefix("sat3d/head"),
            ],
            outputs=[
                io.String.Output(
                    "model_file",
                    display_name="model_file",
                    is_output_list=True,
                    tooltip="The file below the output folder, for Preview 3D; a list, one per face.",
                ),
                *newer_hosts.file_3d_outputs(
                    "model_3d", "The file itself, for the host's newer 3D nodes, such as Preview 3D (Advanced)."
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str = "") -> bool | str:
        """Refuse a prefix that nothing can be saved under before anything runs."""
        return output_files.check_prefix(filename_prefix, f".{FORMATS[0]}")

    @classmethod
    def execute(
        cls,
        model: host.HostModel,
        latent: Latent,
        format: str,
        resolution: int,
        density_level: float,
        filename_prefix: str,
    ) -> io.NodeOutput:
        check_packages()
        options = MeshOptions(resolution, density_level or None)
        model.check(latent)
        as_view_generator(model.network, "A mesh")
        output_files.new_file(filename_prefix, f".{format}")  # refuses what could not be saved before it is computed
        working_bytes = memory.render_bytes(model.network.config) + resolution**3 * _BYTES_A_CORNER
        network = model.ready(working_bytes)
        report, files, notes = host.Report(cls), [], host.workflow_notes(cls)
        with host.cancellable(network):
            for i, face in enumerate(latent.faces()):
                mesh = extract(network, face, i, len(latent.styles), options, report)
                files.append(save(mesh, filename_prefix, f".{format}", notes))
        return io.NodeOutput(
            list(map(output_files.below_output, files)),
            *([list(map(newer_hosts.file_3d, files))] if newer_hosts.FILE_3D else []),
            ui={"3d": list(map(output_files.ui_entry, files))},
        )


def check_packages() -> None:
    """
    Raises:
        ConfigError: one that meshes are made with is not installed.
    """
    missing = [package for module, package in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"A mesh needs the Python package {missing[0]}",
            "it is not installed",
            ", ".join(_PACKAGES.values()),
            "install the pack's requirements.txt with the Python that runs ComfyUI, and start it again",
        )


def extract(
    network: StyleGenerator, face: Latent, number: int, count: int, options: MeshOptions, report: host.Report
) -> Mesh:
    """The mesh of one face, the ``number``-th of ``count``; ``report`` counts on over all faces."""
    report(number * _STEPS, count * _STEPS)
    shown, styles = as_view_generator(network_showing(network, face), "A mesh"), face.styles.to(network.device)
    step = lambda done, _: report(number * _STEPS + done, count * _STEPS)  # noqa: E731
    return extract_mesh(shown, shown.planes(styles), options, step, styles)


def save(mesh: Mesh, prefix: str, suffix: str, notes: Mapping[str, str]) -> Path:
    """Write a mesh; with the ``notes`` inside where the format has room for them."""
    return output_files.save_numbered(prefix, suffix, lambda path: save_mesh(mesh, path, False, notes))
