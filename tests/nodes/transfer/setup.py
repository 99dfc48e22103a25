"""Masks that give every other channel to an attribute."""

import torch

from sat3d.masks import AttributeMasks


def masks_of(network, attributes=("beard", "eyeglasses"), **notes) -> AttributeMasks:
    """Even channels are the first attribute's, odd ones the second's, the last channel nobody's."""
    logits = torch.full((len(attributes) + 1, network.layout.num_editable), -50.0)
    logits[0, ::2] = logits[1, 1::2] = 50
    logits[:, -1] = torch.tensor([-50.0] * len(attributes) + [50.0])
    return AttributeMasks(logits, tuple(attributes), network.layout.to_json(), network.layout.fingerprint, notes)
