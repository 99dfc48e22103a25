"""A tiny generator and people of it, for all tests of transfers."""

import pytest

from tests.training.masks.setup import random_network
from training.evaluation.transfer.triples import draw_people
from training.generator.presets import find_preset


@pytest.fixture(scope="module")
def network():
    return random_network(find_preset("tiny").network)


@pytest.fixture(scope="module")
def people(network):
    return draw_people(network, 5, 60)
