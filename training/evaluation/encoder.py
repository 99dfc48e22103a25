"""The built-in encoder on renders of people it has never seen: how well the head it finds looks like them."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.inversion import PortraitEncoder, encode, load_encoder
from sat3d.inversion.scores import psnr
from sat3d.networks.built_in import GENERATOR
from sat3d.networks.loading import resize
from training.common.settings import BuiltIn, Maybe
from training.data.views import Views
from training.networks.coded_heads import PopulationSettings, choose_population, load_domain_generator

from .people import Crowd, CrowdJudging, render_plain

_TIMED = 20


@dataclass(frozen=True, kw_only=True)
class JudgeEncoder(PopulationSettings, CrowdJudging):
    """The built-in encoder on renders of people it has never seen: how well the head it finds looks like them."""

    checkpoint: BuiltIn = GENERATOR  # the generator's .safetensors file
    encoder: Maybe[Path] = None  # a .safetensors file (the built-in one)


def run(settings: JudgeEncoder) -> dict:
    """Report with the keys ``psnr`` (input view, found camera), ``camera_deg`` (median of the larger error of yaw and
    pitch), ``seconds`` (one picture, median)."""
    network, encoder = load_domain_generator(settings.checkpoint), load_encoder(settings.encoder)
    people = choose_population(network, settings.population)
    crowd = Crowd(settings.seed, settings.count, network.config.img_resolution, settings.yaw_deg, people)
    views = render_plain(crowd)
    found = encoder(views.inputs(torch.arange(len(views))))
    truth = torch.stack([torch.from_numpy(views.yaw_rad), torch.from_numpy(views.pitch_rad)], 1)
    off = (torch.stack([found.yaw_rad, found.pitch_rad], 1) - truth).abs().rad2deg()
    report = {
        "seed": settings.seed,
        "count": len(views),
        "yaw_deg": settings.yaw_deg,
        "psnr": round(_mean_psnr(network, encoder, views), 3),
        "camera_deg": round(float(off.amax(1).median()), 3),
        "yaw_error_deg": round(float(off[:, 0].median()), 3),
        "pitch_error_deg": round(float(off[:, 1].median()), 3),
        "seconds": round(_seconds(network, encoder, views.inputs(torch.tensor([0]))), 4),
    }
    print(summary(report))
    return report


@torch.no_grad()
def _mean_psnr(network, encoder: PortraitEncoder, views: Views) -> float:
    total = 0.0
    for i in tqdm(range(len(views)), unit="view", desc="views"):
        image = views.inputs(torch.tensor([i]))
        latent = encode(encoder, network, image)
        found = network.synthesize(latent.styles, latent.camera).image.clamp(-1, 1)
        total += psnr(found, resize(image, *found.shape[2:]))
    return total / len(views)


def _seconds(network, encoder: PortraitEncoder, image: Tensor) -> float:
    times = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        encode(encoder, network, image)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def summary(report: dict) -> str:
    """One line for people."""
    return (
        f"{report['count']} pictures, seed {report['seed']}: {report['psnr']:.2f} dB at the input view, camera off by"
        f" {report['camera_deg']:.2f} degrees, {report['seconds']:.3f} s a picture"
    )
