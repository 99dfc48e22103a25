"""Generators ready to use: from a config, a checkpoint of ours or an official pickle."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..files.reading import check_file
from ..files.safetensors_io import check_fit
from ..progress import Progress, no_progress
from .base import StyleGenerator
from .checkpoint import read_checkpoint
from .config import GeneratorConfig, StyleGAN2Config
from .stylegan2 import StyleGAN2
from .triplane import TriplaneGenerator


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
    return StyleGAN2(config) if isinstance(config, StyleGAN2Config) else TriplaneGenerator(config)


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


def load_generator(path: str | os.PathLike, progress: Progress = no_progress) -> LoadedGenerator:
    """Load ``.safetensors`` (ours) or ``.pkl`` (official EG3D / StyleGAN2, read without executing anything).

    Raises:
        FileError, HostileFileError, ConfigError: with what is wrong and what to do.
    """
    path = check_file(path, "an existing .safetensors or .pkl file", "check the file name", "Checkpoint not found")
    if path.suffix.lower() == ".safetensors":
        config, tensors, metadata = read_checkpoint(path)
    else:
        from .official import read_network

        foreign = read_network(path, progress=progress)
        config, tensors = foreign.config, foreign.tensors
        metadata = {**foreign.notes, "source_sha256": foreign.source_sha256, "licence": OFFICIAL_LICENCE}
    network = generator_from_tensors(config, tensors)
    return LoadedGenerator(network, network.fingerprint(), metadata)


OFFICIAL_LICENCE = (
    "official NVIDIA checkpoints are under the NVIDIA Source Code License (non-commercial use only); "
    "files of others: check your source"
)
