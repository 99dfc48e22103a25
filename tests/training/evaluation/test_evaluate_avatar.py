"""The avatar suite: what counts as right, ways side by side, pictures that are randomised, the sheet."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training.common.settings import parse
from training.data.views import Views
from training.evaluation import avatar as suite
from training.networks.targets import CATEGORIES, reader_config, targets_of
from training.synthheads.populations import PHOTOGRAPHS

PEOPLE = 4


def seen() -> Views:
    parameters = [PHOTOGRAPHS.draw(3, head) for head in range(PEOPLE)]
    images = torch.full((PEOPLE, 64, 64, 3), 200, dtype=torch.uint8)
    labels, angles = torch.zeros(PEOPLE, 64, 64, dtype=torch.uint8), np.zeros(PEOPLE, np.float32)
    return Views(images, labels, torch.arange(PEOPLE), parameters, angles, angles)


class Reader:
    """Reads what is true, but of the first ``wrong`` people another beard; it looks at the pictures' number alone."""

    config = reader_config()

    def __init__(self, wrong: int):
        views, self.wrong = seen(), wrong
        truth = targets_of(views.parameters, views.yaw_rad, views.pitch_rad).classes
        self.names = [
            {name: values[max(0, row[i])] for i, (name, values) in enumerate(CATEGORIES.items())} for row in truth
        ]
        beards = CATEGORIES["beard"]
        for names in self.names[:wrong]:
            names["beard"] = beards[(beards.index(names["beard"]) + 1) % len(beards)]

    def read(self, images):
        assert images.abs().max() <= 1
        return [SimpleNamespace(names=names) for names in self.names[: len(images)]]


def test_shares_are_of_people_and_the_mean_of_attributes():
    shares = suite.shares_right(Reader(1), seen(), torch.full((PEOPLE, 3, 64, 64), 1.5))
    assert shares["beard"] == 0.75 and shares["hair_style"] == 1 and set(shares) == {*suite.ATTRIBUTES, "mean"}
    assert shares["mean"] == pytest.approx(0.95)


@pytest.fixture
def suite_at_hand(monkeypatch):
    looks, network = [], SimpleNamespace(config=SimpleNamespace(img_resolution=64))

    def render(crowd, look):
        looks.append((look, crowd.people, crowd.yaw_deg))
        return seen()

    monkeypatch.setattr(suite, "load_domain_generator", lambda path: network)
    monkeypatch.setattr(suite, "choose_population", lambda network, name: PHOTOGRAPHS)
    monkeypatch.setattr(suite, "load_reader", lambda path: Reader(2))
    monkeypatch.setattr(suite, "render_people", render)
    monkeypatch.setattr(suite, "_ways", lambda settings, network: {"encoder": torch.neg, "avatar": torch.abs})
    return looks


def test_every_look_is_judged_in_every_way(suite_at_hand, tmp_path, capsys):
    given = ["--count", "4", "--looks", "clay", "ink", "--yaw", "10", "--pictures", str(tmp_path / "sheet.png")]
    report = suite.run(parse(suite.JudgeAvatar, given))
    assert suite_at_hand == [("clay", 4, 10.0), ("ink", 4, 10.0)] and (tmp_path / "sheet.png").exists()
    assert report["looks"]["ink"]["avatar"]["beard"] == 0.5
    assert set(report["looks"]["clay"]) == {"picture", "encoder", "avatar"}
    json.dumps(report)
    said = capsys.readouterr().out
    assert "clay, avatar" in said and "50.0" in said and "4 people, seed 7, 20 steps" in said


def test_pictures_are_randomised_each_in_its_way_and_the_same_every_time():
    plain = parse(suite.JudgeAvatar, ["--count", "4"])
    changed = parse(suite.JudgeAvatar, ["--count", "4", "--randomised"])
    before, after = suite._pictures(plain, seen()), suite._pictures(changed, seen())
    assert torch.equal(after, suite._pictures(changed, seen())) and not torch.equal(before, after)
    assert after.abs().max() <= 1 and len(after.mean((1, 2, 3)).unique()) > 1


def test_at_once_and_beside_and_with_steps(monkeypatch):
    """What is asked of whom: encoders at once, avatars by the first alone."""
    asked = []
    monkeypatch.setattr(suite, "measure_w_statistics", lambda network: "statistics")
    monkeypatch.setattr(suite, "load_encoder", lambda path: str(path))

    def note(kind):
        def ask(tools, picture, options):
            asked.append((kind, tools.encoder, options.method, options.steps))
            return SimpleNamespace(picture=picture)

        return ask

    monkeypatch.setattr(suite, "invert", note("invert"))
    monkeypatch.setattr(suite, "find_avatar", note("avatar"))
    settings = parse(suite.JudgeAvatar, ["--count", "4", "--steps", "9", "--encoder", "own", "--beside", "other"])
    for find in suite._ways(settings, None).values():
        find(torch.zeros(1, 3, 64, 64))
    assert [each[:3] for each in asked] == [
        ("invert", "other", "encoder"), ("invert", "own", "encoder"), ("avatar", "own", "W"),
    ]  # fmt: skip
    assert asked[-1][3] == 9
    assert set(suite._ways(parse(suite.JudgeAvatar, ["--count", "4", "--steps", "0"]), None)) == {"encoder"}
