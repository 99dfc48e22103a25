"""Facts of the cars and the cats, and a tiny generator of cars with its encoder and an untrained reader."""

import pytest
import torch

from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion.encoder import KIND as ENCODER
from sat3d.masks import AttributeMasks
from sat3d.networks.loading import large_enough
from sat3d.networks.reader import KIND as READER
from sat3d.networks.reader import AttributeReader, ReaderConfig
from tests.training.tiny_generators import random_encoder, random_network
from training.evaluation.things.facts import find_facts
from training.generator.presets import find_preset
from training.networks.coded_heads import as_picture, styles_of
from training.synth.truths import HIDDEN, OTHER
from training.synth.views import render_views
from training.synthcars.domain import CARS

SMALL = {"input_px": 64, "widths": (8, 8, 8, 8), "depths": (0, 0, 0, 0), "squeezed": 8, "hidden": 32}


@pytest.fixture(scope="session")
def cars():
    return find_facts("synthcars")


@pytest.fixture(scope="session")
def cats():
    return find_facts("synthcats")


@pytest.fixture(scope="session")
def network():
    return random_network(find_preset("tiny").for_domain(CARS).network)


@pytest.fixture(scope="session")
def files(tmp_path_factory, network):
    """Masks "all" give every channel to the colour, and "none" give the others everything."""
    folder = tmp_path_factory.mktemp("models")
    save_checkpoint(folder / "generator.safetensors", network.config, network.state_dict(), {"licence": "free"})
    save_network(folder / "encoder.safetensors", ENCODER, telling_encoder(network))
    save_network(folder / "reader.safetensors", READER, telling_reader(network))
    for name, row in (("all", 0), ("none", -1)):
        masks = AttributeMasks.initial(["colour", "shape", "two_tone"], network.layout)
        masks.logits[row] = 60.0
        masks.save(folder / f"{name}.safetensors")
    return folder


@torch.no_grad()
def telling_encoder(network):
    """Untrained; its codes differ from thing to thing, as N(0, I) does."""
    encoder = random_encoder(network.config.backbone.w_dim)
    cars = (CARS.population("independent").draw(1, i) for i in range(24))
    views = [render_views(CARS, p, [CARS.views.front], 64)[0] for p in cars]
    raw = encoder.raw(*encoder.see(torch.stack([as_picture(view.image) for view in views])))
    encoder.std.copy_(1 / raw.std(0))
    encoder.mean.copy_(-raw.mean(0) / raw.std(0))
    return encoder


@torch.no_grad()
def telling_reader(network):
    """Untrained; what it sees differs from one generated picture to the other."""
    values = {name: [v for v in some if v not in (HIDDEN, OTHER)] for name, some in CARS.attribute_values.items()}
    torch.manual_seed(1)
    reader = AttributeReader(ReaderConfig(tuple(values.items()), (("yaw_rad", 1),), **SMALL)).eval()
    front = network.rig.label(CARS.views.front.yaw_rad, CARS.views.front.pitch_rad).expand(24, -1)
    pictures = network.synthesize(styles_of(network, torch.randn(24, network.config.backbone.w_dim)), front).image
    scores = reader.raw(reader.seen(large_enough(pictures).clamp(-1, 1))).scores
    reader.scores.bias -= scores.mean(0)
    return reader
