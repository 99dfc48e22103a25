"""Generators ready to use: from a config, a checkpoint of ours or an official pickle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import FileError
from ..files.reading import check_file
from ..files.safetensors_io import list_misfits, name_some
from ..progress import Progress, no_progress
from .base import StyleGenerator
from .checkpoint import read_checkpoint
from .config import GeneratorConfig, StyleGAN2Config
from .full_head import FullHeadGenerator
from .full_head_config import FullHeadConfig
from .stylegan2 import StyleGAN2
from .triplane import TriplaneGenerator

if TYPE_CHECKING:
    from .official import Bases

_NETWORKS = (".pkl", ".safetensors", ".pt")  # what files of whole networks are called


@dataclass(frozen=True)
class LoadedGenerator:
    """A network in eval mode without gradients, and what its file says about itself."""

    network: StyleGenerator
    fingerprint: str
    metadata: Mapping[str, str]


def build_generator(config: GeneratorConfig) -> StyleGenerator:
    """A network with random weights."""
    return _construct(config).to(memory_format=torch.channels_last)


def _construct(config: GeneratorConfig) -> StyleGenerator:
    if isinstance(config, StyleGAN2Config):
        return StyleGAN2(config)
    return FullHeadGenerator(config) if isinstance(config, FullHeadConfig) else TriplaneGenerator(config)


def generator_from_tensors(config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> StyleGenerator:
    """A network with the given weights, strictly: every name and shape must match.

    The network is created outside inference mode, so that it can be optimised through later.

    Raises:
        FileError: missing, unexpected, misshapen or non-finite tensors, all named.
    """
    with torch.inference_mode(False):
        with torch.device("meta"):
            network = _construct(config)
        if problems := list_misfits(network.state_dict(), tensors):
            raise FileError(
                "The tensors do not fit the architecture",
                name_some(problems),
                f"the {len(network.state_dict())} tensors of the configuration",
                "convert or download the checkpoint again",
            )
        network.load_state_dict(
            {name: tensor.clone() if tensor.is_inference() else tensor for name, tensor in tensors.items()},
            strict=True,
            assign=True,
        )
        return network.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def load_generator(
    path: str | os.PathLike,
    progress: Progress = no_progress,
    base: str | os.PathLike | None = None,
    others: Iterable[Path] = (),
) -> LoadedGenerator:
    """Load ``.safetensors`` (ours), or ``.pkl``, ``.pt``, ``.pth`` of others, read without executing anything: EG3D,
    PanoHead, SphereHead, StyleGAN2, rosinality's StyleGAN2, or weights of a tuned network.

    Args:
        base: the base network that tuned weights belong to; None: it is looked for beside the file, then in ``others``.

    Raises:
        FileError, HostileFileError, ConfigError: with what is wrong and what to do.
    """
    path = check_file(
        path, "an existing .safetensors, .pkl, .pt or .pth file", "check the file name", "Checkpoint not found"
    )
    if path.suffix.lower() == ".safetensors":
        config, tensors, metadata = read_checkpoint(path)
    else:
        from .official import read_network

        foreign = read_network(path, progress=progress, bases=bases_for(path, base, others))
        config, tensors = foreign.config, foreign.tensors
        metadata = {**foreign.notes, "source_sha256": foreign.source_sha256, "licence": foreign.licence}
    network = generator_from_tensors(config, tensors)
    return LoadedGenerator(network, network.fingerprint(), metadata)


def bases_for(path: Path, base: str | os.PathLike | None = None, others: Iterable[Path] = ()) -> Bases:
    """Where the base network of weights in ``path`` may be: ``base``, else beside it and among ``others``."""
    from .official import Bases

    beside = sorted(other for other in path.parent.glob("*") if other.suffix.lower() in _NETWORKS)
    found = dict.fromkeys(other for other in (*beside, *others) if other.name != path.name)
    return Bases(tuple(found), None if base is None else Path(base))
