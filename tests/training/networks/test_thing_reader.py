"""The reader of any rendered domain: what it says is what the domain's tables name; it learns; it is kept."""

import math

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.networks.reader import load_reader
from tests.training.tiny_networks import engine_of
from training.data.views import Views
from training.networks.targets import UNKNOWN
from training.networks.task import Recipe
from training.networks.thing_reader import ThingReaderTask, thing_reader_config, thing_targets
from training.synth.domain import domain_of, find_domain
from training.synthcars.parameters import CarParameters
from training.synthcars.populations import INDEPENDENT
from training.synthcats.parameters import CatParameters

CARS, CATS = find_domain("synthcars"), find_domain("synthcats")


def painted_cars(count: int = 48) -> Views:
    """A picture a car: nothing but its paint."""
    cars = [INDEPENDENT.draw(5, index) for index in range(count)]
    images = torch.tensor([car.paint for car in cars])[:, None, None].expand(-1, 128, 128, 3)
    angles = np.zeros(count, np.float32)
    return Views((images * 255).round().byte(), None, torch.arange(count), cars, angles, angles)


@pytest.fixture(scope="module")
def task() -> ThingReaderTask:
    return ThingReaderTask(painted_cars())


def test_a_thing_knows_its_domain():
    assert domain_of(CarParameters()) is CARS and domain_of(CatParameters()) is CATS


@pytest.mark.parametrize("domain", [CARS, CATS], ids=["cars", "cats"])
def test_it_says_every_named_truth_and_the_numbers_that_can_be_moved(domain):
    config = thing_reader_config(domain)
    assert dict(config.categories).keys() == domain.attribute_values.keys()
    assert not any({"other", "hidden"} & set(values) for _, values in config.categories)
    numbers = {name.removeprefix("number."): size for name, size in config.numbers}
    assert all(np.size(getattr(domain.default, name)) == size for name, size in numbers.items())
    moved = {name for names in domain.edits.values() for name in names}
    assert numbers.keys() == {name for name in moved if not isinstance(getattr(domain.default, name), str)}


def test_targets_are_the_truth_and_leave_out_what_is_not_there():
    config = thing_reader_config(CARS)
    plain = CarParameters(body="van", two_tone="none")
    between = CarParameters(two_tone="roof", second_paint=(0.9, 0.9, 0.9), paint=(0.5, 0.42, 0.3))
    classes, numbers = thing_targets(CARS, config, [plain, between])
    names = [name for name, _ in config.categories]
    values = dict(config.categories)
    assert values["body"][classes[0, names.index("body")]] == "van"
    assert values["two_tone"][classes[1, names.index("two_tone")]] == "roof"
    assert CARS.attributes_of(between)["paint"] == "other" and classes[1, names.index("paint")] == UNKNOWN
    columns = dict(zip((name for name, _ in config.numbers), numbers.split(config.number_sizes, 1), strict=True))
    assert columns["number.second_paint"][0].isnan().all(), "a car of one colour has no second"
    assert torch.allclose(columns["number.second_paint"][1], torch.full((3,), 0.9))
    assert columns["number.length"][0, 0] == plain.length


def test_it_learns_to_read_paint(task, tmp_path):
    engine = engine_of(task, tmp_path / "reader.safetensors", 24, Recipe(batch=16, rate=3e-3))
    engine.begin()
    errors = [float(engine.step()["numbers"].detach()) for _ in range(24)]
    assert np.mean(errors[-8:]) < 0.9 * np.mean(errors[:8]), "most numbers cannot be seen in plain pictures; paint can"
    engine.checkpoint()
    reader = load_reader(tmp_path / "reader.safetensors")
    white = torch.full((1, 3, 128, 128), 1.0)
    assert reader.read(white)[0].names.keys() == CARS.attribute_values.keys()
    assert math.isfinite(reader.read(white)[0].confidence["paint"])


def test_it_begins_with_a_reader_of_the_same_domain_alone(task, tmp_path):
    path = tmp_path / "cars.safetensors"
    task.save(task.module, path, {})
    task.start_from(path)
    cats = [CatParameters()] * 20
    angles = np.zeros(20, np.float32)
    images = torch.zeros(20, 128, 128, 3, dtype=torch.uint8)
    other = ThingReaderTask(Views(images, None, torch.arange(20), cats, angles, angles))
    with pytest.raises(ConfigError, match="synthcats"):
        other.start_from(path)
