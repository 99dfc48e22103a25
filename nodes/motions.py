"""SAT3DSaveMotion and SAT3DLoadMotion: motions of faces as files."""

from comfy_api.latest import io

from ..sat3d.animation.coefficients import MAP_SCHEMA, load_coefficients
from ..sat3d.animation.driver import describe_missing
from ..sat3d.animation.motion import Motion
from ..sat3d.animation.motion_files import SCHEMA, SUFFIXES, load_motion, save_motion
from . import newer_hosts, output_files, widgets
from .library import Library
from .types import SAT3D_MOTION

SAVED_UNDER = "sat3d_motions"  # of the host's output folder
LIBRARY = Library("sat3d_motions", SCHEMA, "motions", "Save Motion makes such files", SUFFIXES)
MAPS = Library("sat3d_motion_maps", MAP_SCHEMA, "maps of coefficients", "the help page tells how to write one",
               (".json",))  # fmt: skip
NO_MAP = "none: a motion of this pack"


class SAT3DSaveMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DSaveMotion",
            display_name="Save Motion",
            category="SAT3D/animation",
            description="Saves a motion into a file in the output folder, so that it drives other faces later without "
            "its video.",
            **newer_hosts.found_by("motion", "blendshapes", "arkit", "expression"),
            inputs=[
                SAT3D_MOTION.Input("motion", tooltip="The motion of a face."),
                widgets.filename_prefix(f"{SAVED_UNDER}/motion", " Load Motion lists what is in that folder."),
                io.Combo.Input("format", options=[suffix[1:] for suffix in SUFFIXES], default=SUFFIXES[0][1:],
                               tooltip="npz: small. json: readable, for other programs. Both hold the same numbers."),
            ],
            outputs=[io.String.Output("path", display_name="path", tooltip="The file that was written.")],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, filename_prefix: str = "") -> bool | str:
        """Refuse a prefix that nothing can be saved under before anything runs."""
        return output_files.check_prefix(filename_prefix, SUFFIXES[0])

    @classmethod
    def execute(cls, motion: Motion, filename_prefix: str, format: str = "npz") -> io.NodeOutput:
        path = output_files.save_numbered(
            filename_prefix, f".{format}", lambda path: save_motion(motion, path, overwrite=False)
        )
        return io.NodeOutput(str(path), ui={"files": [output_files.ui_entry(path)], "text": [str(path)]})


class SAT3DLoadMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DLoadMotion",
            display_name="Load Motion",
            category="SAT3D/animation",
            description="Loads a motion that Save Motion has written, or coefficients of another program, such as "
            "FLAME's, by a map that says what they move.",
            **newer_hosts.found_by("motion", "blendshapes", "arkit", "flame", "expression"),
            inputs=[
                io.Combo.Input("motion_file", options=LIBRARY.entries(),
                               tooltip="A file in output/sat3d_motions or in models/sat3d_motions. Press R after "
                               "saving."),
                io.Combo.Input("map_file", options=[NO_MAP, *MAPS.own_files()], default=NO_MAP, optional=True,
                               tooltip="For coefficients of another program: a map in models/sat3d_motion_maps."),
            ],
            outputs=[
                SAT3D_MOTION.Output("motion", display_name="motion", tooltip="For Animate Face."),
                io.String.Output("info", display_name="info", tooltip="How long it is and what it moves."),
            ],
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, motion_file: str = "", map_file: str = "") -> bool | str:
        """Say in words which file is missing, and before anything runs."""
        found = LIBRARY.check(motion_file)
        return found if found is not True or map_file in ("", NO_MAP) else MAPS.check(map_file)

    @classmethod
    def fingerprint_inputs(cls, motion_file: str = "", map_file: str = "", **linked) -> str:
        return f"{LIBRARY.stamp(motion_file)} {'' if map_file in ('', NO_MAP) else MAPS.stamp(map_file)}"

    @classmethod
    def execute(cls, motion_file: str, map_file: str = NO_MAP) -> io.NodeOutput:
        path = LIBRARY.path(motion_file)
        motion = load_motion(path) if map_file == NO_MAP else load_coefficients(path, MAPS.path(map_file))
        return io.NodeOutput(motion, describe_motion(motion))


def describe_motion(motion: Motion) -> str:
    """A few lines for people: how long, of what, where it was filled."""
    strongest = motion.values.abs().amax(0)
    moving = [motion.names[i] for i in strongest.argsort(descending=True).tolist() if strongest[i] > 0][:6]
    lines = [
        motion.name,
        f"{len(motion)} frames, {motion.seconds:.2f} s at {motion.fps:g} a second",
        f"{len(motion.names)} movements, most of all {', '.join(moving)}" if moving else "a face at rest",
        describe_missing(motion),
        f"cuts before frames {', '.join(str(start + 1) for start in motion.starts)}" if motion.starts else "",
    ]
    return "\n".join(filter(None, lines))
