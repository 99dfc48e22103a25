"""How the time of views grows with their number, with faces, pixels, samples and cores; fast beside exact views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from sat3d.camera import orbit
from sat3d.generators import RenderOptions, TriplaneGenerator

Case = tuple[str, Callable[[], object], Callable[[], object]]
_VIEWS, _FACES, _SHARES = (1, 4, 12), (1, 4), (0.5, 1.0, 2.0)


def growth_cases(network: TriplaneGenerator, options: RenderOptions, cores: int) -> list[Case]:
    """``(name, fast, exact)``: all else is one face, one view, the network's own resolution and samples."""
    own, cases = network.own_resolution, []
    for views in _VIEWS:
        cases.append(_case(f"{views} views", network, options, views=views))
    for faces in _FACES[1:]:
        cases.append(_case(f"{faces} faces", network, options, faces=faces))
    for share in _SHARES:
        side = max(4, round(own * share))
        cases.append(_case(f"{side}² rays", network, replace(options, neural_resolution=side)))
    for share in _SHARES[:2]:
        cases.append(_case(f"{share:g} of the samples", network.coarser(share), options))
    for number in sorted({1, cores}):
        name, *runs = _case(f"{number} threads", network, options)
        cases.append((name, *(_on_cores(run, number) for run in runs)))
    return cases


def _case(name: str, network: TriplaneGenerator, options: RenderOptions, views: int = 1, faces: int = 1) -> Case:
    z = torch.randn(faces, network.config.backbone.z_dim, generator=torch.Generator().manual_seed(0))
    styles = network.styles(network.map(z.to(network.device)))
    cameras = network.rig.label(*orbit(views)).to(network.device)

    def run(fast: bool) -> None:
        for _ in network.views(styles, cameras, replace(options, fast=fast)):
            pass

    return name, lambda: run(True), lambda: run(False)


def _on_cores(run: Callable[[], object], number: int) -> Callable[[], object]:
    def limited() -> object:
        with threads(number):
            return run()

    return limited


@contextmanager
def threads(number: int) -> Iterator[None]:
    """PyTorch with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
