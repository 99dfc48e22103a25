"""The suite ``masks``: one transfer of mask learning, as trained and by the readable twin, on the built-in networks.

The twin (``training/masks/reference.py``) follows the paper to the letter: three pictures a step, all in float32, with
gradients through every sample. Both do the whole step, backward and optimiser included.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from sat3d.clip import load_clip
from sat3d.domains import load_domain
from sat3d.generators import StyleGenerator, load_generator
from sat3d.learning.face_cache import Pairs
from sat3d.learning.presampling import draw_candidates, measure
from sat3d.learning.segmenters import load_segmenter
from sat3d.learning.studio import Studio, View
from sat3d.losses import PAPER_WEIGHTS
from sat3d.masks import AttributeMasks
from sat3d.networks.built_in import GENERATOR
from sat3d.qmm import QMM
from training.common.clock import Budget
from training.common.device import choose_machine
from training.common.engine import Run
from training.masks.estimate import silent_engine
from training.masks.optimizer import make_ranger
from training.masks.reference import paper_losses
from training.masks.settings import Recipe

_FACES = 8
_BATCH = 8
# What is timed -> how pictures are made, and transfers a step.
_WAYS: dict[str, tuple[View, int]] = {
    "exact gradients": (View(exact=True), 1),
    "defaults": (View(), 1),
    "64² rays": (View(neural_resolution=64), 1),
    f"64² rays, batch {_BATCH}": (View(neural_resolution=64), _BATCH),
    f"48² rays, batch {_BATCH}": (View(neural_resolution=48), _BATCH),
}
Step = Callable[[], object]


def mask_steps(device: str, generator: StyleGenerator | None = None) -> tuple[dict[str, tuple[Step, int]], Step]:
    """Name -> (a training step, transfers in it), and the twin's step of one transfer.

    ``generator``: the built-in one by default.
    """
    torch.manual_seed(0)
    network = generator or load_generator(GENERATOR).network
    network = network.to(device).requires_grad_(False)
    domain = load_domain("synthheads")
    parts = network, QMM(load_clip(device=device), domain), load_segmenter(domain, None, torch.device(device))
    quick = choose_machine(device, "auto")
    pairs = measure(Studio(*parts), *draw_candidates(network, domain.sampling, 0, 0, _FACES))
    run = Run(Path("unwritten.safetensors"), Budget(steps=300_000))
    steps = {
        name: (silent_engine(Recipe(batch=batch), run, Studio(*parts, view, quick.dtype), pairs).step, batch)
        for name, (view, batch) in _WAYS.items()
    }
    return steps, _plain_step(Studio(*parts), pairs)


def _plain_step(studio: Studio, pairs: Pairs) -> Step:
    start = AttributeMasks.initial(list(studio.domain.attributes), studio.network.layout)
    logits = torch.nn.Parameter(start.logits.to(studio.device))
    optimizer, target = make_ranger([logits], rate=0.01), next(iter(studio.domain.attributes))
    faces = [pairs.select(torch.tensor([i]), studio.device) for i in range(2)]
    styles, cameras = [face.styles for face in faces], [face.camera for face in faces]

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        paper_losses(studio, logits, *styles, *cameras, target, PAPER_WEIGHTS)["loss"].backward()
        optimizer.step()

    return step
