"""What a device does: the same pictures as a CPU, how many views and steps a second, and how much memory.

    python training/device_check.py [--device cuda|cpu] [--size full|small] [--compile] --json OUT

At most six minutes on a GPU. ``full``: the EG3D FFHQ512-128 network with random weights; ``small``: a tiny one, for
tests. Prints a table for ``docs/benchmark.md``.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from training.common.console import script
from sat3d.camera import orbit
from sat3d.files.writing import check_target, write_text
from sat3d.generators import (
    BackboneConfig,
    RenderingConfig,
    RenderOptions,
    SuperresolutionConfig,
    TriplaneConfig,
    TriplaneGenerator,
    build_generator,
)
from sat3d.generators.hardware import quick_dtype
from training.common.settings import Maybe, Settings
from training.common.timing import machine_facts, tensor_rise_mib

_SECONDS_EACH = {"full": 20.0, "small": 0.2}  # of what is repeated
_LIMITS = {"float32": 1e-3, "quick": 3e-2}  # largest mean difference from the CPU's picture
Rows = dict[str, float | str]


def make_network(size: str) -> TriplaneGenerator:
    """Random weights, always the same."""
    torch.manual_seed(0)
    small = TriplaneConfig(
        BackboneConfig(16, 25, 24, 2, 32, 24, 256, 16),
        RenderingConfig(8, 8),
        SuperresolutionConfig(16, (12, 8), (True, True)),
        neural_rendering_resolution=16,
    )
    return build_generator(TriplaneConfig() if size == "full" else small).eval().requires_grad_(False)


def compare_pictures(network: TriplaneGenerator, styles: Tensor, camera: Tensor, device: str) -> Rows:
    """Mean differences from the exact float32 picture of the CPU."""
    with torch.no_grad():
        wanted = network.synthesize(styles, camera).image
        other = network.to(device)
        options = {
            "float32": RenderOptions(),
            "quick": RenderOptions(superresolution_dtype=quick_dtype(torch.device(device))),
            "fast": RenderOptions(fast=True),
        }
        inputs = styles.to(device), camera.to(device)
        pictures = {name: other.synthesize(*inputs, each).image.cpu() for name, each in options.items()}
    return {f"difference {name}": float((picture - wanted).abs().mean()) for name, picture in pictures.items()}


def per_second(run: Callable[[], object], device: str, seconds: float) -> float:
    """Runs a second, after one that warms up."""
    run()
    _wait(device)
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        run()
        _wait(device)
        done += 1
    return done / (time.perf_counter() - begin)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def descent_step(network: TriplaneGenerator, camera: Tensor, tuned: bool) -> Callable[[], object]:
    """A step of W+ (``tuned``: of pivotal tuning), without the networks that compare pictures."""
    z = torch.zeros(1, network.config.backbone.z_dim, device=camera.device)
    with torch.no_grad():
        ws = network.map(z)
    ws = ws.clone().requires_grad_(not tuned)
    free = list(network.backbone.synthesis.parameters()) if tuned else [ws]

    def step() -> None:
        for tensor in free:
            tensor.requires_grad_()
        with torch.enable_grad():
            loss = network.synthesize(network.styles(ws), camera).image.square().mean()
            torch.autograd.grad(loss, free, allow_unused=True)
        if tuned:
            network.requires_grad_(False)

    return step


def check_device(size: str, device: str, compiled: bool = False) -> Rows:
    """All figures."""
    network, seconds = make_network(size), _SECONDS_EACH[size]
    with torch.no_grad():
        styles = network.styles(network.map(torch.zeros(1, network.config.backbone.z_dim)))
    cameras = network.rig.label(*orbit(8))
    rows = compare_pictures(network, styles, cameras[:1], device)
    styles, cameras = styles.to(device), cameras.to(device)
    if compiled:
        network.superresolution = torch.compile(network.superresolution)
    options = RenderOptions(superresolution_dtype=quick_dtype(torch.device(device)))
    with torch.no_grad():
        for name, each in {"exact": options, "fast": replace(options, fast=True)}.items():
            run = lambda each=each: network.synthesize(styles, cameras, each)  # noqa: E731
            rows[f"views a second {name}"] = len(cameras) * per_second(run, device, seconds)
            rows[f"memory MiB {name}"] = tensor_rise_mib(run, device) or "not told"
    for name, tuned in {"W+": False, "PTI": True}.items():
        step = descent_step(network, cameras[:1], tuned)
        rows[f"{name} steps a second"] = per_second(step, device, seconds)
        rows[f"memory MiB {name}"] = tensor_rise_mib(step, device) or "not told"
    return rows


def failures(rows: Rows) -> list[str]:
    """Which pictures are not those of the CPU."""
    return [name for name, limit in _LIMITS.items() if not rows[f"difference {name}"] <= limit]


def format_rows(rows: Rows) -> str:
    cells = [
        f"| {name} | {value if isinstance(value, str) else format(value, '.3g')} |" for name, value in rows.items()
    ]
    return "\n".join(["| what | figure |", "|---|---|", *cells])


@dataclass(frozen=True, kw_only=True)
class DeviceCheck(Settings):
    device: Literal["cpu", "cuda"] = "cuda" if torch.cuda.is_available() else "cpu"
    size: Literal["full", "small"] = "full"
    compile: bool = False  # super-resolution through torch.compile
    json: Maybe[Path] = None  # write the figures here


@script(DeviceCheck)
def main(settings: DeviceCheck) -> int:
    if settings.json:
        check_target(settings.json)
    rows = check_device(settings.size, settings.device, settings.compile)
    print(format_rows(rows))
    if settings.json:
        report = {"machine": machine_facts(settings.device), "size": settings.size, "compile": settings.compile}
        write_text(settings.json, json.dumps({**report, "figures": rows}, indent=1))
    wrong = failures(rows)
    for name in wrong:
        print(f"The {name} picture is not that of the CPU.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
