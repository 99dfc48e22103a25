"""Training of the encoder where latents are known: which w made a picture, as the styles that it becomes tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sat3d.errors import ConfigError
from sat3d.files.network_files import load_network, save_network
from sat3d.generators import StyleGenerator, TriplaneGenerator
from sat3d.inversion.encoder import KIND, Encoded, EncoderConfig, PortraitEncoder
from sat3d.networks.reader import load_reader
from sat3d.networks.seen_faces import SeenFaces

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.degradations import degrade
from ..data.views import Views

SIZE = 128
_EVALUATION_BATCH = 64
_CAMERA_WEIGHT, _SPREAD_WEIGHT = 0.5, 0.1
_CPU = Machine()


class AnyEncoderTask:
    """What trainings of an encoder have in common: a start, cameras, a file."""

    module: PortraitEncoder
    total: int

    def start_from(self, path: Path) -> None:
        """Take over a trained encoder of any size.

        Raises:
            FileError: it is missing, damaged or of another kind; ConfigError: for another generator.
        """
        network = load_network(KIND, path)
        if network.config.w_dim != self.module.config.w_dim:
            got, wanted = f"w of {network.config.w_dim} numbers", f"w of {self.module.config.w_dim} numbers"
            step = "choose the encoder of this generator, or train without --start"
            raise ConfigError("The encoder to start from belongs to another generator", got, wanted, step)
        self.module = PortraitEncoder(network.config)
        self.module.load_state_dict(network.state_dict())

    def start_from_reader(self) -> None:
        """Take over what the built-in attribute reader sees, if its layers are the same: saves half the training."""
        reader = load_reader()
        for name in ("trunk", "squeeze"):
            getattr(self.module, name).load_state_dict(getattr(reader, name).state_dict())

    def facts(self) -> dict[str, object]:
        return {"network": "encoder", "views": self.total, "encoder": asdict(self.module.config)}

    def raw(self, module: PortraitEncoder, images: Tensor, told: Tensor | None) -> Tensor:
        """Pictures of any size, and what the landmark network sees in them where that is known -> what ``module`` says,
        in standard units."""
        return module.raw(*module.see(images, None if told is None else SeenFaces.parted(told)))

    def camera_loss(self, raw: Tensor, angles: Tensor) -> Tensor:
        """``raw [B, w_dim + 2]`` against the true yaw and pitch, ``angles [B, 2]``."""
        wanted = (angles - self.module.mean[-2:]) / self.module.std[-2:]
        return _CAMERA_WEIGHT * F.smooth_l1_loss(raw[:, -2:], wanted, beta=0.1)

    def save(self, module: nn.Module, path: Path, facts: Mapping[str, str]) -> None:
        save_network(path, KIND, module, facts)


def angles_of(views: Views) -> Tensor:
    """``[N, 2]``: yaw and pitch in radians."""
    return torch.stack([torch.from_numpy(views.yaw_rad), torch.from_numpy(views.pitch_rad)], 1)


def camera_errors(found: Encoded, angles: Tensor) -> dict[str, float]:
    """Median errors of yaw and pitch, in degrees."""
    error = torch.stack([found.yaw_rad, found.pitch_rad], 1) - angles
    return dict(zip(("yaw_deg", "pitch_deg"), error.abs().rad2deg().median(0).values.tolist(), strict=True))


class EncoderTask(AnyEncoderTask):
    """See :class:`training.networks.task.SmallNetwork`.

    The truth is the w that the generator's own mapping gives to the latent a picture was rendered from, or ``codes [n,
    w_dim]`` of the heads, from which the generator has learned to draw them. Errors count by what they do to the
    styles: w says much that no layer listens to.
    """

    def __init__(
        self,
        views: Views,
        machine: Machine = _CPU,
        seed: int = 0,
        *,
        network: StyleGenerator,
        codes: Tensor | None = None,
    ):
        self.views, self.held_out = views.split()
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        self.network, self.codes = network, codes
        self.truth, self.held_out_truth = (self.truth_about(some) for some in (self.views, self.held_out))
        torch.manual_seed(seed)
        self.module = PortraitEncoder(EncoderConfig(network.config.backbone.w_dim))
        self.module.mean.copy_(self.truth.mean(0))
        self.module.std.copy_(self.truth.std(0).clamp_min(1e-4))
        self.gram = style_gram(network).to(self.device)
        self.variance = float((self.gram * self.truth[:, :-2].T.cov()).sum())

    def truth_about(self, views: Views) -> Tensor:
        """``[N, w_dim + 2]``: w, yaw and pitch."""
        known = truth_of(self.network, views) if self.codes is None else coded_truth(self.codes, self.network, views)
        return known.to(self.device)

    def pictures(self, index: Tensor, draws: Draws) -> Tensor:
        """What the encoder sees of these views."""
        return degrade(self.views.inputs(index, self.device), draws)

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        images = self.pictures(index, draws)
        with self.machine.autocast():
            raw = self.raw(self.module, images, self.views.told(index, self.device))
        raw, truth = raw.float(), self.truth[index.to(self.device)]
        found = self.module.units(raw)
        standard = (truth - self.module.mean) / self.module.std
        return {
            "styles": self._style_error(found.w - truth[:, :-2]).mean() / self.variance,
            "w": _SPREAD_WEIGHT * F.mse_loss(raw[:, :-2], standard[:, :-2]),
            "camera": self.camera_loss(raw, truth[:, -2:]),
        }

    def _style_error(self, off: Tensor) -> Tensor:
        """``off [B, w_dim]`` -> the squared error of all styles, ``[B]``."""
        return ((off @ self.gram) * off).sum(1)

    @torch.no_grad()
    def evaluate(self, module: PortraitEncoder) -> dict[str, float]:
        found, truth = self.found(module, self.held_out), self.held_out_truth
        return {"styles_explained": self.explained(found.w, truth), **camera_errors(found, truth[:, -2:])}

    def explained(self, w: Tensor, truth: Tensor) -> float:
        """Share of the variance of the styles, at most 1; ``w [N, w_dim]`` against ``truth [N, w_dim + 2]``."""
        return 1 - float(self._style_error(w - truth[:, :-2]).mean()) / self.variance

    def found(self, module: PortraitEncoder, views: Views) -> Encoded:
        """In views as they are."""
        parts = torch.arange(len(views)).split(_EVALUATION_BATCH)
        seen = ((views.inputs(index, self.device), views.told(index, self.device)) for index in parts)
        return module.units(torch.cat([self.raw(module, *some) for some in seen]))


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
    return torch.cat([w, angles_of(views)], 1)


def coded_truth(codes: Tensor, network: StyleGenerator, views: Views) -> Tensor:
    """The same of heads whose ``codes [n, w_dim]`` are known.

    Raises:
        ConfigError: codes of other heads, or for another generator.
    """
    w_dim, people = network.config.backbone.w_dim, int(views.heads.max()) + 1
    if codes.shape[1] != w_dim or len(codes) < people:
        got, wanted = tuple(codes.shape), f"codes of {w_dim} numbers, of {people} heads at least"
        raise ConfigError("The codes do not belong to the generator and the data", got, wanted, "check all three")
    return torch.cat([codes[views.heads], angles_of(views)], 1)


def style_gram(network: StyleGenerator) -> Tensor:
    """``G [w_dim, w_dim]``: Δwᵀ G Δw is the mean squared change of a style channel."""
    affines = [network.get_submodule(layer.name).affine for layer in network.layout.layers]
    rows = torch.cat([(affine.weight * affine.weight_gain).detach() for affine in affines])
    return rows.T @ rows / len(rows)
