"""Training of the encoder where no latent is known: by drawing again, with the generator, what it has seen."""

from __future__ import annotations

import torch
from torch import Tensor

from sat3d.generators import RenderOptions, TriplaneGenerator
from sat3d.inversion import FeatureLoss
from sat3d.inversion.encoder import EncoderConfig, PortraitEncoder
from sat3d.inversion.options import Weights
from sat3d.inversion.scores import psnr
from sat3d.inversion.w_statistics import check_usable
from sat3d.networks.loading import resize
from sat3d.networks.reader import load_reader

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.degradations import degrade
from ..data.views import Views
from .coded_heads import styles_of
from .encoder import AnyEncoderTask, angles_of, camera_errors

_DRAWN = 8  # heads of a batch that are drawn again: a picture costs as much as a hundred that the encoder sees
_SCORED = 32  # held-out views that are drawn again at an evaluation
_NEURAL_PX = 48  # side of the volume renderings, as in most steps of an inversion
_PRIOR_FACES = 4096
_CAMERA_SPREAD_RAD = 0.3
_CPU = Machine()


class InversionTask(AnyEncoderTask):
    """See :class:`training.networks.task.SmallNetwork`. The generator stays as it is.

    A head is found in one view and drawn from the true camera of any view of it, so that it is right from all sides;
    what is drawn is compared as by an inversion. It begins with w of the generator's own spread, but is meant to go on
    (``start_from``) from the encoder that was made along with the generator.
    """

    def __init__(self, views: Views, machine: Machine = _CPU, seed: int = 0, *, network: TriplaneGenerator):
        check_usable(network)
        self.views, self.held_out = views.split()
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.features, self.weights = FeatureLoss(load_reader()).to(self.device), Weights()
        self.angles, self.held_out_angles = (angles_of(some).to(self.device) for some in (self.views, self.held_out))
        torch.manual_seed(seed)
        self.module = fresh_encoder(network)
        self.views_of = {int(head): (self.views.heads == head).nonzero()[:, 0] for head in self.views.heads.unique()}

    def facts(self) -> dict[str, object]:
        return {**super().facts(), "taught": "inversion"}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        images = degrade(self.views.inputs(index, self.device), draws)
        with self.machine.autocast():
            raw = self.raw(self.module, images, self.views.told(index, self.device))
        raw = raw.float()
        some = draws.choices(len(index), _DRAWN)
        shown = self.any_views(index[some], draws)
        w = self.module.units(raw[some.to(raw.device)]).w
        picture, wanted = self.drawn(w, self.angles[shown.to(self.device)], self.views.inputs(shown, self.device))
        with torch.no_grad():
            features = self.features.features(wanted)
        return {
            "pixels": self.weights.pixel * (picture - wanted).square().mean(),
            "features": self.weights.features * self.features(picture, features),
            "camera": self.camera_loss(raw, self.angles[index.to(self.device)]),
        }

    def any_views(self, index: Tensor, draws: Draws) -> Tensor:
        """For each view a view of the same head, itself or another."""
        known = [self.views_of[head] for head in self.views.heads[index].tolist()]
        return torch.stack([views[draws.whole(0, len(views) - 1)] for views in known])

    def drawn(self, w: Tensor, angles: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Heads ``w [B, w_dim]`` from cameras ``angles [B, 2]``, and the true ``images`` in the same size."""
        camera = self.network.rig.label(*angles.cpu().unbind(1)).to(w)
        neural_px = min(_NEURAL_PX, self.network.config.neural_rendering_resolution)
        picture = self.network.synthesize(styles_of(self.network, w), camera, RenderOptions(neural_px)).image
        return picture, resize(images, *picture.shape[2:])

    @torch.no_grad()
    def evaluate(self, module: PortraitEncoder) -> dict[str, float]:
        """``psnr`` of held-out views drawn again, in dB; median errors of the cameras found."""
        index = torch.arange(len(self.held_out))[:: max(1, len(self.held_out) // _SCORED)][:_SCORED]
        images, angles = self.held_out.inputs(index, self.device), self.held_out_angles[index.to(self.device)]
        found = module.units(self.raw(module, images, self.held_out.told(index, self.device)))
        scores = [psnr(*self.drawn(*(part[None] for part in row))) for row in zip(found.w, angles, images, strict=True)]
        return {"psnr": sum(scores) / len(scores), **camera_errors(found, angles)}


@torch.no_grad()
def fresh_encoder(network: TriplaneGenerator) -> PortraitEncoder:
    """One that has learned nothing, in units of the spread of w that the generator's mapping gives."""
    backbone = network.config.backbone
    z = torch.randn(_PRIOR_FACES, backbone.z_dim, generator=torch.Generator().manual_seed(0)).to(network.device)
    w = network.map(z)[:, 0].cpu()
    encoder = PortraitEncoder(EncoderConfig(backbone.w_dim))
    encoder.mean[:-2], encoder.std[:-2] = w.mean(0), w.std(0).clamp_min(1e-4)
    encoder.std[-2:] = _CAMERA_SPREAD_RAD
    return encoder
