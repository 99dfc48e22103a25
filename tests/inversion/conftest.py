"""An own face of the tiny generator, seen from the side: what the inversions are to find again."""

from dataclasses import dataclass

import pytest
import torch

from sat3d.inversion import FeatureLoss, Inverter
from sat3d.networks.reader import AttributeReader, ReaderConfig

YAW, PITCH = 0.2, -0.1


@dataclass
class Case:
    tools: Inverter
    styles: torch.Tensor
    picture: torch.Tensor  # [1, 3, 64, 64]


def tiny_reader() -> AttributeReader:
    torch.manual_seed(5)
    config = ReaderConfig((("glasses", ("no", "yes")),), (("age", 1),), 4, 64, (8, 8, 8, 8), (0, 1, 0, 0), 8, 8)
    return AttributeReader(config).eval().requires_grad_(False)


@pytest.fixture
def case(triplane) -> Case:
    with torch.no_grad():
        for _, block in triplane.superresolution.blocks():  # few pixels outside of -1..1, as of trained networks
            block.torgb.weight *= 0.01
            block.torgb.bias *= 0.01
        styles = triplane.styles(triplane.map(torch.randn(1, 16, generator=torch.Generator().manual_seed(4))))
        picture = triplane.synthesize(styles, triplane.rig.label(YAW, PITCH)).image.clamp(-1, 1)
    return Case(Inverter(triplane, "abc", features=FeatureLoss(tiny_reader())), styles, picture)
