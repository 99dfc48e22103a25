"""Training of the encoder: which w made a picture, as the styles that it becomes tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sat3d.errors import ConfigError
from sat3d.generators import StyleGenerator, TriplaneGenerator
from sat3d.inversion.encoder import KIND, EncoderConfig, PortraitEncoder
from sat3d.networks.loading import load_network, save_network
from sat3d.networks.reader import load_reader

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.degradations import degrade
from ..data.views import Views

SIZE = 128
_EVALUATION_BATCH = 64
_CAMERA_WEIGHT, _SPREAD_WEIGHT = 0.5, 0.1
_CPU = Machine()


class EncoderTask:
    """See :class:`training.networks.task.SmallNetwork`.

    The truth is the w that the generator's own mapping gives to the latent a picture was rendered from. Errors count
    by what they do to the styles: w says much that no layer listens to.
    """

    def __init__(self, views: Views, machine: Machine = _CPU, seed: int = 0, *, network: StyleGenerator):
        self.views, self.held_out = views.split()
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        self.truth = truth_of(network, self.views).to(self.device)
        self.held_out_truth = truth_of(network, self.held_out).to(self.device)
        torch.manual_seed(seed)
        self.module = PortraitEncoder(EncoderConfig(network.config.backbone.w_dim))
        self.module.mean.copy_(self.truth.mean(0))
        self.module.std.copy_(self.truth.std(0).clamp_min(1e-4))
        self.gram = style_gram(network).to(self.device)
        self.variance = float((self.gram * self.truth[:, :-2].T.cov()).sum())

    def start_from(self, path: Path) -> None:
        """Take over the weights of a trained encoder.

        Raises:
            FileError: it is missing, damaged or of another kind; ConfigError: for another generator.
        """
        network = load_network(KIND, path)
        if network.config != self.module.config:
            raise ConfigError("The encoder to start from has other sizes", path, None, "train without --start")
        self.module.load_state_dict(network.state_dict(), strict=False)

    def start_from_reader(self) -> None:
        """Take over what the built-in attribute reader sees, if its layers are the same: saves half the training."""
        reader = load_reader()
        for name in ("trunk", "squeeze"):
            getattr(self.module, name).load_state_dict(getattr(reader, name).state_dict())

    def facts(self) -> dict[str, object]:
        return {"network": "encoder", "views": self.total, "w_dim": self.module.config.w_dim}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        images = degrade(self.views.inputs(index, self.device), draws)
        with self.machine.autocast():
            raw = self.module.raw(images)
        raw, truth = raw.float(), self.truth[index.to(self.device)]
        found = self.module.units(raw)
        standard = (truth - self.module.mean) / self.module.std
        return {
            "styles": self._style_error(found.w - truth[:, :-2]).mean() / self.variance,
            "w": _SPREAD_WEIGHT * F.mse_loss(raw[:, :-2], standard[:, :-2]),
            "camera": _CAMERA_WEIGHT * F.smooth_l1_loss(raw[:, -2:], standard[:, -2:], beta=0.1),
        }

    def _style_error(self, off: Tensor) -> Tensor:
        """``off [B, w_dim]`` -> the squared error of all styles, ``[B]``."""
        return ((off @ self.gram) * off).sum(1)

    @torch.no_grad()
    def evaluate(self, module: PortraitEncoder) -> dict[str, float]:
        parts = torch.arange(len(self.held_out)).split(_EVALUATION_BATCH)
        raw = torch.cat([module.raw(self.held_out.inputs(index, self.device)) for index in parts])
        found, truth = module.units(raw), self.held_out_truth
        error = torch.stack([found.yaw_rad, found.pitch_rad], 1) - truth[:, -2:]
        yaw, pitch = error.abs().rad2deg().median(0).values.tolist()
        explained = 1 - float(self._style_error(found.w - truth[:, :-2]).mean()) / self.variance
        return {"styles_explained": explained, "yaw_deg": yaw, "pitch_deg": pitch}

    def save(self, module: nn.Module, path: Path, facts: Mapping[str, str]) -> None:
        save_network(path, KIND, module, facts)


@torch.no_grad()
def truth_of(network: StyleGenerator, views: Views) -> Tensor:
    """``[N, w_dim + 2]``: w of each view's head, yaw and pitch in radians.

    Raises:
        ConfigError: the data set does not hold this generator's latents.
    """
    z_dim = network.config.backbone.z_dim
    if not isinstance(network, TriplaneGenerator) or views.latents is None or views.latents.shape[1] != z_dim:
        got = None if views.latents is None else views.latents.shape[1]
        wanted = f"latents of {z_dim} numbers"
        raise ConfigError("The data set does not belong to the generator", got, wanted, "check both")
    w = torch.cat([network.map(part)[:, 0] for part in views.latents.split(4096)])
    angles = torch.from_numpy(views.yaw_rad), torch.from_numpy(views.pitch_rad)
    return torch.cat([w, torch.stack(angles, 1)], 1)


def style_gram(network: StyleGenerator) -> Tensor:
    """``G [w_dim, w_dim]``: Δwᵀ G Δw is the mean squared change of a style channel."""
    affines = [network.get_submodule(layer.name).affine for layer in network.layout.layers]
    rows = torch.cat([(affine.weight * affine.weight_gain).detach() for affine in affines])
    return rows.T @ rows / len(rows)
