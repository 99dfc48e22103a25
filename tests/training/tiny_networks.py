"""Tiny small networks, the pictures they learn from, and a training of them."""

import dataclasses
from pathlib import Path

import numpy as np
import torch

from sat3d.clip import ClipConfig
from sat3d.parsing.parser import ParserConfig
from training.common.clock import Budget
from training.common.engine import Engine, Run
from training.common.report import Report
from training.data.views import Views
from training.networks.clip_phrases import vocabulary
from training.networks.targets import reader_config
from training.networks.task import NetworkTask, Recipe, SmallNetwork
from training.synthheads.populations import FIRST, INDEPENDENT

_SIZES = {"input_px": 64, "source_px": 128, "widths": (8, 16, 16, 16), "depths": (0, 0, 1, 0)}
SMALL_READER = dataclasses.replace(reader_config(), **_SIZES, squeezed=8, hidden=32, told=0)
SMALL_SECOND = dataclasses.replace(reader_config("second"), **_SIZES, attention_blocks=1)
SMALL_PARSER = ParserConfig(input_px=64, widths=(8, 16, 16, 16), depths=(0, 0, 0, 1))
WORDS = vocabulary()
SMALL_CLIP = ClipConfig(
    embed_dim=16,
    image={"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32},
    text={"context_length": 64, "vocab_size": len(WORDS) + 3, "width": 16, "heads": 2, "layers": 1},
    vocabulary=WORDS,
)


def striped(size: int, people: int = 34) -> Views:
    """Two equal views of each person: stripes in the colours of background, hair and clothes."""
    parameters = [INDEPENDENT.draw(5, head) for head in range(people) for _ in range(2)]
    images = torch.zeros(len(parameters), size, size, 3)
    labels = torch.zeros(len(parameters), size, size, dtype=torch.uint8)
    third = -(-size // 3)
    for i, p in enumerate(parameters):
        for row, (colour, label) in enumerate(((p.background, 0), (p.hair_colour, 2), (p.cloth_colour, 11))):
            images[i, row * third : (row + 1) * third] = torch.tensor(colour)
            labels[i, row * third : (row + 1) * third] = label
    heads = torch.arange(people).repeat_interleave(2)
    angles = np.zeros(len(parameters), np.float32)
    return Views((images * 255).round().byte(), labels, heads, parameters, angles, angles)


def lit(size: int = 128, people: int = 18) -> Views:
    """Two views of each person: the background's colour, brighter where the camera stands to the right."""
    latents = [FIRST.draw_latent(5, head) for head in range(people) for _ in range(2)]
    parameters = [FIRST.parameters(z) for z in latents]
    yaw = np.tile(np.array([-0.5, 0.5], np.float32), people)
    images = torch.tensor([p.background for p in parameters])[:, None, None].expand(-1, size, size, 3)
    images = images * (0.75 + 0.5 * torch.from_numpy(yaw)[:, None, None, None])
    labels = torch.zeros(len(yaw), size, size, dtype=torch.uint8)
    heads = torch.arange(people).repeat_interleave(2)
    z = torch.from_numpy(np.stack(latents))
    return Views((images * 255).round().clamp(0, 255).byte(), labels, heads, parameters, yaw, 0 * yaw, z)


def plain(size: int = 32, people: int = 34) -> Views:
    """Two equal views of each person: nothing but the background's colour."""
    parameters = [INDEPENDENT.draw(5, head) for head in range(people) for _ in range(2)]
    images = torch.tensor([p.background for p in parameters])[:, None, None].expand(-1, size, size, 3)
    labels, angles = torch.zeros(len(parameters), size, size, dtype=torch.uint8), np.zeros(len(parameters), np.float32)
    heads = torch.arange(people).repeat_interleave(2)
    return Views((images * 255).round().byte(), labels, heads, parameters, angles, angles)


def engine_of(network: SmallNetwork, out: Path, steps: int, recipe: Recipe | None = None) -> Engine:
    """A training of ``network``, which says nothing."""
    task = NetworkTask(network, recipe or Recipe(batch=4), out)
    return Engine(task, Run(out, Budget(steps=steps)), report=Report(write=lambda line: None))
