"""Samples against true heads, and true edits against what inversion makes of them: by hand, and with perfect judges."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sat3d.networks.reader import load_reader
from tests.training.tiny_generators import random_encoder, random_network, unlabelled_config
from training.evaluation import changes, samples
from training.evaluation.changes import judge_changes, seen_edit
from training.evaluation.samples import Crowds, draw_crowds, frechet_distance, judge_samples, recall, traits_of
from training.networks import coded_heads
from training.networks.coded_heads import Coder, generate_views
from training.synthheads.edits import PARAMETERS, true_edit
from training.synthheads.populations import PHOTOGRAPHS


def normal(count: int, size: int, number: int) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(number))


def test_frechet_distances_by_hand():
    """Of diagonal covariances: the squared distance of the means, and of the deviations."""
    axes = torch.cat([torch.eye(3), -torch.eye(3)]) * (6 / 2) ** 0.5 * (5 / 6) ** 0.5  # means 0, covariance I
    assert frechet_distance(axes, axes) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(axes, axes + torch.tensor([3.0, 0.0, 4.0])) == pytest.approx(25, rel=1e-5)
    assert frechet_distance(axes, 3 * axes) == pytest.approx(3 * (3 - 1) ** 2, rel=1e-5)
    turned = axes * torch.tensor([2.0, 1.0, 1.0])
    assert frechet_distance(turned, turned[:, [1, 0, 2]]) == pytest.approx(2 * (2 - 1) ** 2, rel=1e-5)


def test_a_frechet_distance_of_fewer_heads_than_features_is_finite():
    few, others = normal(5, 20, 0), normal(6, 20, 1)
    assert 0 < frechet_distance(few, others) < 100 and frechet_distance(few, few) == pytest.approx(0, abs=1e-4)


def test_recall_by_hand():
    """Samples at 0, 1, 2, 10: the first neighbours are 1, 1, 1 and 8 away."""
    drawn = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    true = torch.tensor([[-0.9], [-1.1], [2.5], [4.0], [19.0], [1.9]])
    assert recall(true, drawn, neighbours=1) == pytest.approx(4 / 6)  # not -1.1, not 19
    assert recall(drawn, drawn, neighbours=1) == 1
    assert recall(true, drawn, neighbours=99) == pytest.approx(1), "all reach as far as the farthest of them"


class Reader:
    """Features are the means of the three colours; it is as sure as a picture is bright."""

    def seen(self, images):
        return images

    def faces(self, images):
        return None

    def features(self, seen, faces=None):
        return seen.mean((2, 3))

    def __call__(self, images):
        bright = images.mean((1, 2, 3))
        return SimpleNamespace(
            scores={"glasses": torch.stack([bright, -bright], 1), "beard": torch.zeros(len(images), 4)}
        )


def coloured(colours: torch.Tensor) -> torch.Tensor:
    return colours[:, :, None, None].expand(-1, 3, 64, 64)


def test_the_same_people_score_as_others_do_and_strangers_worse():
    drawn, true, others = (coloured(0.2 * normal(150, 3, number)) for number in range(3))
    same = judge_samples(Reader(), Crowds(drawn, true, others))
    assert 0.1 < same["frechet_ratio"] < 10 and same["recall"] == pytest.approx(same["recall_true"], abs=0.1)
    far = judge_samples(Reader(), Crowds(drawn + 0.5, true, others))
    assert far["frechet_ratio"] > 10 * same["frechet_ratio"] and far["recall"] < same["recall"]
    narrow = judge_samples(Reader(), Crowds(0.1 * drawn, true, others))
    assert narrow["recall"] < 0.3 < 0.7 < narrow["recall_true"], "samples that are all alike leave most heads out"
    assert far["recall_true"] == narrow["recall_true"] == same["recall_true"]


def test_confidence_is_the_mean_chance_of_what_is_said():
    found = traits_of(Reader(), coloured(torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])))
    wanted = [(1 / (1 + np.exp(-2.0)) + 0.25) / 2, (0.5 + 0.25) / 2]
    assert found.confidence.tolist() == pytest.approx(wanted, abs=1e-5)


def test_features_of_the_built_in_reader_are_what_it_speaks_from():
    reader, images = load_reader(), torch.rand(2, 3, 64, 64) * 2 - 1
    found = traits_of(reader, images)
    assert found.features.shape == (2, reader.config.hidden)
    told = reader.faces(images)
    torch.testing.assert_close(reader.scores(found.features), reader.raw(reader.seen(images), told).scores)


class Render:
    """A head as a picture whose every square of 8 pixels is one of its parameters."""

    def __init__(self, p, size):
        values = [(*p.background, 0)[:3], p.hair_colour, p.iris_colour, [p.age] * 3, [p.gaze_yaw / 2 + 0.5] * 3]
        self.image = np.zeros((size, size, 3), np.uint8)
        for number, value in enumerate(values):
            self.image[:8, 8 * number : 8 * number + 8] = np.array(value) * 255


@pytest.fixture
def coder(monkeypatch):
    render = lambda p, poses, size: [Render(p, size) for _ in poses]  # noqa: E731
    monkeypatch.setattr(coded_heads, "render_head", render)
    return Coder(random_network(unlabelled_config()), PHOTOGRAPHS, random_encoder(16), 2)


def test_crowds_are_samples_and_two_sets_of_true_heads_from_the_same_sides(coder):
    crowds = draw_crowds(coder.network, PHOTOGRAPHS, 3, 4)
    assert crowds.drawn.shape == crowds.true.shape == crowds.others.shape == (4, 3, 64, 64)
    for row, head in ((0, 0), (3, 3)):
        wanted = torch.from_numpy(Render(PHOTOGRAPHS.draw(3, head), 64).image).permute(2, 0, 1) / 127.5 - 1
        torch.testing.assert_close(crowds.true[row], wanted)
    wanted = torch.from_numpy(Render(PHOTOGRAPHS.draw(3, 5), 64).image).permute(2, 0, 1) / 127.5 - 1
    torch.testing.assert_close(crowds.others[1], wanted)
    z = torch.from_numpy(coded_heads.draw_z(coder.network, 3, 2))[None]
    styles = coder.network.styles(coder.network.map(z))
    image = generate_views(coder.network, styles, PHOTOGRAPHS.draw_poses(3, 2, 1)).image
    torch.testing.assert_close(crowds.drawn[2:3], image)
    again = draw_crowds(coder.network, PHOTOGRAPHS, 3, 4)
    assert torch.equal(again.drawn, crowds.drawn)


@pytest.mark.parametrize(
    ("found", "delta"),
    [
        (lambda picture: picture, 1.0),
        (lambda picture: 0.5 * picture, 0.75),
        (lambda picture: 0 * picture + 0.3, 0.0),
        (lambda picture: -picture, -3.0),
    ],
    ids=["all of it", "half of it", "none of it", "the contrary"],
)
def test_deltas_of_inversions_that_are_known(coder, monkeypatch, found, delta):
    monkeypatch.setattr(changes, "invert_picture", lambda coder, picture: found(picture))
    report = judge_changes(coder, 3, 3, ("hair_colour", "age", "gaze"))
    assert report == pytest.approx({"hair_colour": delta, "age": delta, "gaze": delta}, abs=1e-3)


def test_what_no_picture_shows_is_not_judged(coder, monkeypatch):
    asked = []
    monkeypatch.setattr(changes, "invert_picture", lambda coder, picture: asked.append(1) or picture)
    monkeypatch.setattr(changes, "_TRIED", 3)
    assert judge_changes(coder, 3, 2, ("light", "age")) == {"light": None, "age": pytest.approx(1)}
    assert len(asked) == 2 + 2, "a head is inverted once, whatever is edited"


def test_the_edit_is_of_the_first_head_that_looks_different(coder, monkeypatch):
    own = PHOTOGRAPHS.draw(3, 500)
    heads = {500: own, 501: true_edit(PHOTOGRAPHS.draw(3, 7), own, "hair_colour"), 502: PHOTOGRAPHS.draw(3, 8)}
    monkeypatch.setattr(type(PHOTOGRAPHS), "draw", lambda self, seed, head: heads[head])
    picture = coded_heads.picture_of(own, 64)
    edit = seen_edit(coder, 3, 500, picture, "hair_colour")
    torch.testing.assert_close(edit, coded_heads.picture_of(true_edit(own, heads[502], "hair_colour"), 64))


def test_inversion_itself_finds_some_change(coder):
    """On a network that draws nothing of the kind: numbers, and none for what these renders do not show."""
    report = judge_changes(coder, 3, 1, ("hair_colour", "make_up"))
    assert report["make_up"] is None and isinstance(report["hair_colour"], float) and report["hair_colour"] < 1
    assert set(PARAMETERS) >= set(report)


def test_pictures_are_found_by_the_encoder_and_a_descent(coder):
    picture = coded_heads.picture_of(PHOTOGRAPHS.draw(3, 1), 64)
    found = changes.invert_picture(coder, picture)
    assert found.shape == (3, 64, 64) and found.abs().max() <= 1
    longer = Coder(coder.network, PHOTOGRAPHS, coder.encoder, 12)
    near = changes.invert_picture(longer, picture)
    assert (near - picture).square().mean() < (found - picture).square().mean()
    assert samples._NEIGHBOURS == 3
