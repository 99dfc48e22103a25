"""The trained network as a checkpoint that anyone can load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sat3d.generators import TriplaneGenerator
from sat3d.generators.checkpoint import save_checkpoint

LICENCE = "free for any use: trained on rendered pictures of {} alone (see the licence of the repository)"


def export_network(path: Path, network: TriplaneGenerator, notes: Mapping[str, object]) -> None:
    """Write ``network`` in half precision (vectors in full); ``notes``: its domain's name and how it was trained."""
    tensors = {name: _shrink(tensor) for name, tensor in network.state_dict().items()}
    domain = str(notes.get("domain", ""))
    metadata = {"licence": LICENCE.format(domain), "domain": domain, "training": json.dumps(dict(notes))}
    save_checkpoint(path, network.config, tensors, metadata, overwrite=True)


def _shrink(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.ndim >= 2 and tensor.is_floating_point() else tensor


@torch.no_grad()
def round_as_exported(network: TriplaneGenerator) -> TriplaneGenerator:
    """The weights as a reader of the file sees them; scores should be those of what is shipped."""
    for tensor in network.state_dict().values():
        tensor.copy_(_shrink(tensor))
    return network
