"""The built-in encoder on renders of people it has never seen: how well the head it finds looks like them."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.inversion import PortraitEncoder, encode, load_encoder
from sat3d.networks.loading import resize
from training.data.views import Views
from training.generator.scores import psnr

from .generator import CHECKPOINT, load_domain_generator
from .people import Crowd, render_plain

_TIMED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7); not a seed that was trained on")
    add("--count", type=int, default=200, help="number of pictures, two of each person (200)")
    add("--yaw", type=float, default=35.0, dest="yaw_deg", help="largest yaw, in degrees (35)")
    add("--checkpoint", type=Path, default=CHECKPOINT, help="the generator's .safetensors file (the built-in one)")
    add("--encoder", type=Path, help="a .safetensors file (the built-in one)")


def run(options: argparse.Namespace) -> dict:
    """Report with the keys ``psnr`` (input view, found camera), ``camera_deg`` (median of the larger error of yaw and
    pitch), ``seconds`` (one picture, median)."""
    network, encoder = load_domain_generator(options.checkpoint), load_encoder(options.encoder)
    crowd = Crowd(options.seed, options.count, network.config.img_resolution, options.yaw_deg)
    views = render_plain(crowd)
    found = encoder(views.inputs(torch.arange(len(views))))
    truth = torch.stack([torch.from_numpy(views.yaw_rad), torch.from_numpy(views.pitch_rad)], 1)
    off = (torch.stack([found.yaw_rad, found.pitch_rad], 1) - truth).abs().rad2deg()
    report = {
        "seed": options.seed,
        "count": len(views),
        "yaw_deg": options.yaw_deg,
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
