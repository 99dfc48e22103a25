"""Rendered balls as heads and a tiny preset, for all tests of the generator's training."""

import pytest

from tests.training.ball_heads import write_balls
from training.data.packed import open_pack
from training.generator.presets import find_preset
from training.synthheads.domain import HEADS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return write_balls(tmp_path_factory.mktemp("balls"), patch)


@pytest.fixture(scope="module")
def pack(data):
    return open_pack(data)


@pytest.fixture(scope="module")
def tiny():
    return find_preset("tiny").for_domain(HEADS)
