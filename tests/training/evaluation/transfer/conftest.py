"""A tiny generator and people of it, for all tests of transfers."""

import pytest

from tests.training.tiny_generators import labelled_config, random_network
from training.evaluation.transfer.triples import draw_people
from training.networks.coded_heads import Coder
from training.synthheads.populations import FIRST


@pytest.fixture(scope="module")
def network():
    return random_network(labelled_config())


@pytest.fixture(scope="module")
def people(network):
    return draw_people(Coder(network, FIRST), 5, 60)
