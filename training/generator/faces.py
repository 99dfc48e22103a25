"""What an encoder's look at faces says of all pictures: which of what the landmark network sees it passes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sat3d.files.safetensors_io import check_fit, read_header, read_tensors, write_tensors
from sat3d.inversion.encoder import EncoderConfig
from sat3d.inversion.face_look import FaceLook
from sat3d.networks.seen_faces import SeenFaces
from training.common.distributed import Processes
from training.synth.render_command import read_plan

from ..data.packed import HeadPack
from ..data.seen_faces import facts_of_data, seen_faces
from .components import Components, find_components
from .presets import Preset
from .settings import GeneratorSettings

SCHEMA = "sat3d-face-look/1"
LOOK = "faces.safetensors"
_LEAST_SPREAD = 1e-3  # of a feature: what hardly moves says little
_AT_ONCE = 256  # heads


def fit_look(seen: Tensor, held_out: int, config: EncoderConfig, seed: int = 0) -> FaceLook:
    """Principal components of what is seen in every head's first view, of ``seen [n, V, 1946]``; the first ``held_out``
    heads have no part in finding them. Features count alike, points by how far they move."""
    first = SeenFaces.parted(seen[held_out:, 0])
    points, features = first.points, first.features
    spread = features.std(0) + _LEAST_SPREAD
    of_features = find_components(features / spread, config.face_features, seed)
    found = {
        "points": find_components(points, config.face_points, seed),
        "features": Components(of_features.mean * spread, of_features.map / spread[:, None], of_features.explained),
    }
    look = FaceLook(config.face_points, config.face_features)
    state = {f"{name}_{part}": getattr(some, part) for name, some in found.items() for part in ("mean", "map")}
    look.load_state_dict(state)
    return look


def told_of(look: FaceLook, seen: Tensor) -> Tensor:
    """``[n, V, D]`` float32 of ``seen [n, V, 1946]``."""
    return torch.cat([look.summary(SeenFaces.parted(some)) for some in seen.split(_AT_ONCE)])


def with_told_faces(
    pack: HeadPack, options: GeneratorSettings, preset: Preset, processes: Processes
) -> tuple[HeadPack, FaceLook | None]:
    """The pack with what its faces tell, and the look that says so, found once and kept beside the training; as it was
    where the preset has no use for that."""
    config = preset.encoder
    if not config.face_points + config.face_features:
        return pack, None
    path = options.out / LOOK
    if processes.is_first and not path.exists():
        save_look(path, fit_look(_seen(pack, options, processes), preset.held_out_heads, config, options.seed))
    processes.wait()
    look = load_look(path, config)
    return replace(pack, faces=told_of(look, _seen(pack, options, processes))), look


def _seen(pack: HeadPack, options: GeneratorSettings, processes: Processes) -> Tensor:
    """``[n, V, 1946]``."""
    folder = options.cache or options.data[0] / "packed"
    facts = facts_of_data([read_plan(path) for path in options.data])

    def pictures(index: Tensor) -> Tensor:
        index = index.to(pack.image.device)
        return pack.pictures(index // pack.views, index % pack.views)

    count, beside = len(pack) * pack.views, folder.with_name(f"{folder.name}-faces")
    return seen_faces(pictures, count, facts, beside, str(processes.device)).unflatten(0, (len(pack), pack.views))


def save_look(path: Path, look: FaceLook) -> None:
    write_tensors(path, look.state_dict(), {"schema": SCHEMA})


def load_look(path: Path, config: EncoderConfig) -> FaceLook:
    """
    Raises:
        FileError: missing, damaged, of another kind or of another size.
    """
    read_header(path, SCHEMA, "a look at faces", "begin the training anew")
    look, tensors = FaceLook(config.face_points, config.face_features), read_tensors(path)
    check_fit(look.state_dict(), tensors, "the look at faces", path.name, "begin the training anew")
    look.load_state_dict(tensors)
    return look
