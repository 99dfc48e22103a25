"""Time and memory, as ratios to a plain twin that runs in the same process.

    python training/benchmark.py --suite generator|growth|inversion|masks --json OUT [--repeats 5] [--device cpu|cuda]

``generator``: the full-size EG3D FFHQ512-128 network with random weights, stage by stage; the twin is
``sat3d/generators/reference.py`` (grouped convolutions, ``grid_sample`` over all samples at once, no chunks).
``growth``: how the time of views of the built-in network grows; fast views, the twin is the exact renderer.
``inversion``: steps of the descent on the built-in network; in the twin every sample gets a gradient.
``masks``: one transfer of mask learning on the built-in networks; the twin is ``training/masks/reference.py``. One JSON
and one table; memory is how far that of all tensors rises in one run; a stage that cannot be measured says "not yet".
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor

from training.common.console import script
from sat3d.camera import orbit
from sat3d.files.writing import check_target, write_text
from sat3d.generators import (
    RenderOptions,
    TriplaneConfig,
    TriplaneGenerator,
    build_generator,
    load_generator,
    reference,
)
from sat3d.networks.built_in import GENERATOR
from training.common.descents import descent_cases
from training.common.growth import growth_cases
from training.common.settings import Maybe, Range, Settings
from training.common.timing import Measurement, machine_facts, measure

ORBIT_VIEWS = 8
Stage = tuple[str, Callable[[], object], Callable[[], object] | None]


def generator_stages(network: TriplaneGenerator, options: RenderOptions) -> list[Stage]:
    """``(name, fast, plain twin or None)``; inputs are computed once, outside the measured code."""
    device, resolution = network.device, network.config.neural_rendering_resolution
    cameras = network.rig.label(*orbit(ORBIT_VIEWS)).to(device)
    z, camera = (
        torch.randn(1, network.config.backbone.z_dim, generator=torch.Generator().manual_seed(0)).to(device),
        cameras[:1],
    )
    ws = network.map(z)
    styles = network.styles(ws)
    planes = network.planes(styles)
    features = network.render_features(planes, camera, options).features
    return [
        ("mapping", lambda: network.map(z), None),
        ("styles", lambda: network.styles(ws), None),
        ("backbone", lambda: network.planes(styles), lambda: reference.planes(network, styles)),
        (
            f"volume rendering {resolution}²",
            lambda: network.render_features(planes, camera, options),
            lambda: reference.render_features(network, planes, camera, resolution),
        ),
        (
            "super-resolution",
            lambda: network.superresolve(features, styles, options),
            lambda: reference.superresolve(network, features, styles),
        ),
        (
            f"orbit of {ORBIT_VIEWS} views",
            lambda: network.synthesize(styles, cameras, options),
            lambda: plain_orbit(network, styles, cameras),
        ),
        (
            f"fast orbit of {ORBIT_VIEWS} views",
            lambda: network.synthesize(styles, cameras, replace(options, fast=True)),
            lambda: plain_orbit(network, styles, cameras),
        ),
        (
            "forward + backward to styles",
            lambda: gradient(lambda s: network.synthesize(s, camera, options).image, styles),
            lambda: gradient(lambda s: reference.synthesize(network, s, camera), styles),
        ),
    ]


def plain_orbit(network: TriplaneGenerator, styles: Tensor, cameras: Tensor) -> Tensor:
    """The usual loop: planes once, one view after the other."""
    planes, resolution = reference.planes(network, styles), network.config.neural_rendering_resolution
    return torch.cat(
        [
            reference.superresolve(network, reference.render_features(network, planes, c[None], resolution)[0], styles)
            for c in cameras
        ]
    )


def gradient(synthesize: Callable[[Tensor], Tensor], styles: Tensor) -> Tensor:
    """Gradient of the mean square of the image with respect to the styles."""
    with torch.enable_grad():
        leaf = styles.detach().clone().requires_grad_()
        return torch.autograd.grad(synthesize(leaf).square().mean(), leaf)[0]


def run_generator(repeats: int, device: str) -> dict[str, dict]:
    torch.manual_seed(0)
    network = build_generator(TriplaneConfig()).eval().requires_grad_(False).to(device)
    options = RenderOptions(superresolution_dtype=torch.float16 if device == "cuda" else torch.float32)
    rows = {}
    with torch.no_grad():
        for name, fast, plain in generator_stages(network, options):
            print(f"  {name} …", end="", file=sys.stderr, flush=True)
            rows[name] = _row(*measure([fast, plain] if plain else [fast], repeats, device, with_rise=True))
            print(f" {rows[name]['fast']['seconds']:.3f} s", file=sys.stderr)
    orbit_row = rows[f"orbit of {ORBIT_VIEWS} views"]["fast"]
    rows["views/s on one H200"] = {
        "views_per_second": ORBIT_VIEWS / orbit_row["seconds"] if device == "cuda" else "not yet"
    }
    return rows


def run_growth(repeats: int, device: str) -> dict[str, dict]:
    """The built-in network's views; a row's twin is the exact renderer."""
    network = load_generator(GENERATOR).network.to(device).requires_grad_(False)
    with torch.no_grad():
        cases = growth_cases(network, RenderOptions(), os.cpu_count() or 1)
        return {name: _row(*measure([fast, exact], repeats, device)) for name, fast, exact in cases}


def run_inversion(repeats: int, device: str) -> dict[str, dict]:
    """The built-in network's steps; a row's twin gives every sample a gradient."""
    network = load_generator(GENERATOR).network.to(device).requires_grad_(False)
    return {
        name: _row(*measure([fast, plain], repeats, device, with_rise=True))
        for name, fast, plain in descent_cases(network)
    }


def run_masks(repeats: int, device: str) -> dict[str, dict]:
    """Seconds are those of one transfer; memory is what the whole step needs, however many transfers it makes."""
    from training.masks.benchmark import mask_steps  # the other suite needs no libraries of training

    steps, plain_step = mask_steps(device)
    *fast, plain = measure([step for step, _ in steps.values()] + [plain_step], repeats, device, with_rise=True)
    rows = {}
    for (name, (_, transfers)), whole in zip(steps.items(), fast, strict=True):
        each = replace(whole, seconds=whole.seconds / transfers, cpu_seconds=whole.cpu_seconds / transfers)
        rows[name] = _row(each, plain) | {"transfers_per_second": 1 / each.seconds}
    return rows


def _row(fast: Measurement, plain: Measurement | None = None) -> dict:
    row = {"fast": asdict(fast)}
    if plain:
        row |= {"plain": asdict(plain), "time_ratio": fast.seconds / plain.seconds}
        if fast.rise_mib is not None and plain.rise_mib:
            row["memory_ratio"] = fast.rise_mib / plain.rise_mib
    return row


def format_table(rows: dict[str, dict]) -> str:
    """A Markdown table; memory is the rise of all tensors above the loaded networks."""
    lines = [
        "| stage | seconds | plain twin | ratio | memory MiB | plain twin | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        fast, plain = row.get("fast", {}), row.get("plain", {})
        cells = [
            fast.get("seconds", row.get("views_per_second")),
            plain.get("seconds"),
            row.get("time_ratio"),
            fast.get("rise_mib"),
            plain.get("rise_mib"),
            row.get("memory_ratio"),
        ]
        lines.append(f"| {name} | " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _cell(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


SUITES = {"generator": run_generator, "growth": run_growth, "inversion": run_inversion, "masks": run_masks}


@dataclass(frozen=True, kw_only=True)
class Benchmark(Settings):
    suite: Literal[tuple(sorted(SUITES))] = "generator"
    json: Maybe[Path] = None  # write the figures here
    repeats: Annotated[int, Range(1)] = 5
    device: Literal["cpu", "cuda"] = "cuda" if torch.cuda.is_available() else "cpu"


@script(Benchmark)
def main(settings: Benchmark) -> int:
    if settings.json:
        check_target(settings.json)
    rows = SUITES[settings.suite](settings.repeats, settings.device)
    report = {
        "suite": settings.suite,
        "machine": machine_facts(settings.device),
        "repeats": settings.repeats,
        "stages": rows,
    }
    print(format_table(rows))
    if settings.json:
        write_text(settings.json, json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
