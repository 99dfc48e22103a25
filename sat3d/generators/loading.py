"""Generators ready to use: from a config, a checkpoint of ours or an official pickle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import NoBaseError, Sat3dError
from ..files.network_files import ASSETS
from ..files.reading import check_file
from ..files.safetensors_io import check_fit
from ..progress import Progress, no_progress
from .base import StyleGenerator
from .checkpoint import is_checkpoint, read_checkpoint
from .child import ChildFile, is_child, read_child
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
    """A network in eval mode without gradients, and what its file says about itself. ``parent_fingerprint``: of the
    network that a child was fine-tuned from, whose latents, masks and sliders are the child's, too."""

    network: StyleGenerator
    fingerprint: str
    metadata: Mapping[str, str]
    parent_fingerprint: str = ""

    def known_as(self, fingerprint: str) -> str:
        """``fingerprint``, where it is that of this network or of its parent; else this network's own."""
        return fingerprint if fingerprint and fingerprint == self.parent_fingerprint else self.fingerprint


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
        check_fit(network.state_dict(), tensors, "the architecture", next_step="convert or download it again")
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
    if path.suffix.lower() == ".safetensors" and is_child(path):
        return _load_child(path, base, others, progress)
    if path.suffix.lower() == ".safetensors":
        config, tensors, metadata = read_checkpoint(path)
        config = _with_domain(config, metadata)
    else:
        from .official import read_network

        foreign = read_network(path, progress=progress, bases=bases_for(path, base, others))
        config, tensors = foreign.config, foreign.tensors
        metadata = {**foreign.notes, "source_sha256": foreign.source_sha256, "licence": foreign.licence}
    network = generator_from_tensors(config, tensors)
    return LoadedGenerator(network, network.fingerprint(), metadata)


def _with_domain(config: GeneratorConfig, metadata: Mapping[str, str]) -> GeneratorConfig:
    """Files say what they draw beside their architecture."""
    if isinstance(config, StyleGAN2Config) or config.domain:
        return config
    return replace(config, domain=metadata.get("domain", ""))


def _load_child(
    path: Path, base: str | os.PathLike | None, others: Iterable[Path], progress: Progress
) -> LoadedGenerator:
    """A child on its parent: ``base``, else a file of the name that it tells, else any of ours that comes with the
    package, lies beside it or is among ``others``.

    Raises:
        NoBaseError: its parent is not found. FileError, LayoutError: files that are not usable.
    """
    child = read_child(path)
    for candidate in [Path(base)] if base is not None else _parents_for(path, child, others):
        try:
            parent = load_generator(candidate, progress)
        except Sat3dError:
            if base is not None:
                raise
            continue
        if parent.fingerprint == child.parent_fingerprint:
            network = generator_from_tensors(parent.network.config, child.weights_on(parent.network.state_dict()))
            return LoadedGenerator(network, network.fingerprint(), child.metadata, parent.fingerprint)
    raise NoBaseError(
        "The parent of this network is not there",
        f"{path.name}, a child of {child.parent or 'a network without name'} ({child.parent_fingerprint})",
        "the very network that it was fine-tuned from",
        "put the parent beside it, or load the parent first and connect it as base",
    )


def _parents_for(path: Path, child: ChildFile, others: Iterable[Path]) -> list[Path]:
    places = [*ASSETS.glob("*.safetensors"), *path.parent.glob("*"), *others]
    files = [place for place in dict.fromkeys(places) if place.suffix.lower() in _NETWORKS and place != path]
    # No children: two that name each other would be looked for for ever.
    named = [place for place in files if place.name == child.parent and not is_child(place)]
    return named + [place for place in files if place not in named and is_checkpoint(place)]


def bases_for(path: Path, base: str | os.PathLike | None = None, others: Iterable[Path] = ()) -> Bases:
    """Where the base network of weights in ``path`` may be: ``base``, else beside it and among ``others``."""
    from .official import Bases

    beside = sorted(other for other in path.parent.glob("*") if other.suffix.lower() in _NETWORKS)
    found = dict.fromkeys(other for other in (*beside, *others) if other.name != path.name)
    return Bases(tuple(found), None if base is None else Path(base))
