"""The judge of readers and parsers: a perfect answer gets full marks, and the command says what is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sat3d.files.network_files import save_network
from sat3d.networks.reader import KIND as READER
from sat3d.networks.reader import AttributeReader, ReaderOutput
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from training import evaluate
from training.evaluation import judging
from training.evaluation.judging import judge_parser, judge_reader
from training.evaluation.people import Crowd, render_crowd
from training.evaluation.readers import CHANGES, blurred, summary
from training.evaluation.second_reader import agreement
from training.networks.targets import (
    ACTIONS,
    CATEGORIES,
    NUMBER_SIZES,
    UNKNOWN,
    person_vector,
    reader_config,
    targets_of,
)
from training.synthheads.parameter_spec import change
from training.synthheads.populations import FIRST, INDEPENDENT, PHOTOGRAPHS

SIZE = 64


@pytest.fixture(scope="module")
def crowd():
    return render_crowd(Crowd(seed=11, count=6, size=SIZE, population=INDEPENDENT))


class Oracle:
    """Answers with the truth; knows a picture by its pixels."""

    config = reader_config()

    def __init__(self, *views):
        self.rows = {}
        for part in views:
            truth = targets_of(part.parameters, part.yaw_rad, part.pitch_rad)
            for i, p in enumerate(part.parameters):
                row = truth.classes[i], torch.from_numpy(truth.numbers[i]), torch.from_numpy(person_vector(p))
                self.rows[part.inputs(torch.tensor([i])).numpy().tobytes()] = row

    def __call__(self, images) -> ReaderOutput:
        rows = [self.rows[image[None].numpy().tobytes()] for image in images]
        numbers = torch.stack([row[1] for row in rows]).nan_to_num(0.0).split(list(NUMBER_SIZES.values()), 1)
        scores = {
            name: torch.stack([50.0 * (torch.arange(len(values)) == max(int(row[0][c]), 0)) for row in rows])
            for c, (name, values) in enumerate(CATEGORIES.items())
        }
        identity = torch.nn.functional.normalize(torch.stack([row[2] for row in rows]), dim=1)
        return ReaderOutput(scores, dict(zip(NUMBER_SIZES, numbers, strict=True)), {}, identity)


@pytest.mark.slow
def test_the_truth_gets_full_marks(crowd):
    report = judge_reader(Oracle(*crowd), *crowd, lambda images: images)
    assert report["accuracy"] == 1
    assert all(not part["worst"] and part["confidence"] > 0.99 for part in report["categories"].values())
    assert all(part["mean_error"] in (0, None) for part in report["numbers"].values())
    assert report["numbers"].keys() == NUMBER_SIZES.keys() and report["actions"]["weak"] == []
    assert report["actions"]["mean"] == report["actions"]["least"] == 1
    assert report["people"] == {
        "same_look_of_2": 1.0, "same_look_of_10": 1.0, "other_look_of_2": 1.0, "other_look_of_10": 1.0,
    }  # fmt: skip


class Misreading(Oracle):
    """Takes every gaze for the next in the list, and jaws for a little more open than they are, by ``jaw``."""

    def __init__(self, *views, jaw: float):
        super().__init__(*views)
        self.jaw = jaw

    def __call__(self, images) -> ReaderOutput:
        found = super().__call__(images)
        found.scores["gaze"] = found.scores["gaze"].roll(1, 1)
        found.numbers["action_jaw_open"] = found.numbers["action_jaw_open"] + self.jaw * found.numbers["yaw_rad"].sign()
        return found


def test_an_action_that_is_read_badly_is_named(crowd):
    report = judge_reader(Misreading(*crowd, jaw=5.0), *crowd, lambda images: images)
    assert report["actions"]["weak"] == ["jaw_open"] and report["categories"]["gaze"]["accuracy"] == 0
    assert report["actions"]["least"] == report["numbers"]["action_jaw_open"]["explained"] < 0
    assert report["actions"]["mean"] < 1


def test_what_an_older_reader_does_not_know_is_left_out(crowd):
    class Older(Oracle):
        config = replace(
            reader_config(),
            categories=tuple(item for item in CATEGORIES.items() if item[0] not in ("mouth", "gaze")),
            numbers=tuple(item for item in NUMBER_SIZES.items() if item[0] not in ACTIONS),
        )

        def __call__(self, images) -> ReaderOutput:
            found = super().__call__(images)
            scores = {name: found.scores[name] for name, _ in self.config.categories}
            return replace(found, scores=scores, numbers={name: found.numbers[name] for name, _ in self.config.numbers})

    report = judge_reader(Older(*crowd), *crowd, lambda images: images)
    assert report["accuracy"] == 1 and not {"mouth", "gaze"} & report["categories"].keys()
    assert report["actions"] == {"mean": None, "least": None, "weak": []}
    assert (
        not {"mouth", "gaze"}
        & agreement(Older(*crowd), Oracle(*crowd), crowd[0], lambda images: images)["categories"].keys()
    )


def test_readers_agree_as_far_as_they_say_the_same(crowd):
    plain, right, wrong = crowd[0], Oracle(*crowd), Misreading(*crowd, jaw=0.1)
    same = agreement(right, right, plain, lambda images: images)
    assert same["same"] == 1 and same["same_mistake"] == 0 and same["errors_alike"] is None
    mixed = agreement(right, wrong, plain, lambda images: images)
    assert mixed["categories"]["gaze"] == {"same": 0.0, "same_mistake": 0.0}
    assert mixed["categories"]["glasses"] == {"same": 1.0, "same_mistake": 0.0} and mixed["same"] < 1
    assert 0 < mixed["numbers"]["action_jaw_open"]["explained"] < 1
    both = agreement(wrong, Misreading(*crowd, jaw=-0.2), plain, lambda images: images)
    assert both["categories"]["gaze"] == {"same": 1.0, "same_mistake": 1.0}
    assert both["numbers"]["action_jaw_open"]["errors_alike"] == both["errors_alike"] == -1


def test_what_no_picture_shows_is_not_judged(crowd, monkeypatch):
    """Glasses and beards are hidden in every picture: null, and the mean is that of the other categories."""
    hidden, wrong = ("beard", "glasses"), "hair_colour"

    def with_hidden(*arguments):
        truth = targets_of(*arguments)
        classes = truth.classes.copy()
        classes[:, [list(CATEGORIES).index(name) for name in hidden]] = UNKNOWN
        column = list(CATEGORIES).index(wrong)
        classes[:, column] = (classes[:, column] + 1) % len(CATEGORIES[wrong])
        return replace(truth, classes=classes)

    monkeypatch.setattr(judging, "targets_of", with_hidden)
    report = judge_reader(Oracle(*crowd), *crowd, lambda images: images)
    for name in hidden:
        part = report["categories"][name]
        assert part["accuracy"] is None and part["confidence"] is None and not part["worst"]
        assert set(part["recall"].values()) == {None}
    shown = len(CATEGORIES) - len(hidden)
    assert report["categories"][wrong]["accuracy"] == 0
    assert report["accuracy"] == pytest.approx((shown - 1) / shown, abs=1e-4)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    judged = dict.fromkeys(CHANGES, report)
    assert "–" in summary({"count": 6, "seed": 11, "reader": judged})


def test_a_crowd_of_which_nothing_is_known_has_no_accuracy(crowd, monkeypatch):
    nothing = lambda *arguments: replace(  # noqa: E731
        targets_of(*arguments), classes=np.full_like(targets_of(*arguments).classes, UNKNOWN)
    )
    monkeypatch.setattr(judging, "targets_of", nothing)
    assert judge_reader(Oracle(*crowd), *crowd, lambda images: images)["accuracy"] is None


def test_the_true_labels_get_full_marks(crowd):
    plain, _ = crowd

    class Labels:
        def labels(self, images):
            inputs = plain.inputs(torch.arange(len(plain)))
            found = [int((inputs == image).flatten(1).all(1).nonzero()[0]) for image in images]
            return plain.labels[torch.tensor(found)].long()

    report = judge_parser(Labels(), plain, lambda images: images)
    assert report["miou"] == 1 and report["iou"].keys() == set(LABEL_NAMES)


def test_a_disguise_keeps_the_person_only():
    crowd = Crowd(seed=11, count=4)
    assert crowd.person(0) == FIRST.draw(11, 0)
    assert Crowd(seed=11, count=4, population=PHOTOGRAPHS).person(1) == PHOTOGRAPHS.draw(11, 1)
    person, disguised, other = crowd.person(0), crowd.disguised(0), crowd.person(1)
    assert (person_vector(person) == person_vector(disguised)).all()
    assert replace(
        disguised, **{n: getattr(other, n) for n in ("shape", "sex", "age", "weight", "ancestry")}
    ) == change(
        other,
        **{n: getattr(person, n) for n in ("skin_tone", "skin_warmth", "skin_redness", "freckles", "iris_colour")},
    )


def test_blurred_pictures_keep_their_size_and_lose_detail():
    images = torch.rand(1, 3, 256, 256) * 2 - 1
    assert blurred(images).shape == images.shape and blurred(images).std() < images.std()


@pytest.fixture
def networks(tmp_path):
    torch.manual_seed(0)
    config = replace(reader_config(), widths=(4, 4, 4, 4, 4), squeezed=4, hidden=8)
    save_network(tmp_path / "reader.safetensors", READER, AttributeReader(config))
    second = replace(reader_config("second"), widths=(4, 4, 4, 4), squeezed=4, hidden=8)
    save_network(tmp_path / "second.safetensors", READER, AttributeReader(second))
    save_network(tmp_path / "parser.safetensors", PARSER, HeadParser(ParserConfig(64, (4, 4), (0, 0))))
    return "--reader", tmp_path / "reader.safetensors", "--parser", tmp_path / "parser.safetensors"


def judge(*arguments) -> int:
    return evaluate.main(["readers", *map(str, arguments)])


def test_the_command_writes_a_report(tmp_path, networks, capsys):
    out = tmp_path / "report.json"
    assert judge("--count", 4, "--size", SIZE, "--seed", 3, *networks, "--json", out) == 0
    report = json.loads(out.read_text())
    assert report["count"] == 4 and set(report["reader"]) == set(report["parser"]) == {"clean", "blurred"}
    assert set(report["reader"]["clean"]["categories"]["glasses"]["recall"]) == set(CATEGORIES["glasses"])
    assert report["population"] == "independent" and set(report["reader"]["clean"]["actions"]) == {
        "mean",
        "least",
        "weak",
    }
    said = capsys.readouterr().out
    assert "mIoU" in said and "actions, mean explained" in said


@pytest.mark.slow
def test_the_second_reader_is_judged_beside_the_first(tmp_path, networks, capsys):
    out, both = tmp_path / "report.json", ("--second", tmp_path / "second.safetensors", "--only", "reader")
    assert (
        judge("--count", 4, "--size", SIZE, "--seed", 3, "--population", "photographs", *networks, *both, "--json", out)
        == 0
    )
    report = json.loads(out.read_text())
    assert set(report["second"]) == set(report["agreement"]) == {"clean", "blurred"} and "parser" not in report
    assert report["reader"]["clean"] != report["second"]["clean"]
    assert 0 <= report["agreement"]["clean"]["same"] <= 1
    assert report["agreement"]["clean"]["categories"].keys() == CATEGORIES.keys()
    said = capsys.readouterr().out
    assert said.index("second reader") < said.index("both say the same")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--count", 1),
        ("--size", 16),
        ("--yaw", 80),
        ("--seed", -1),
        ("--reader", "missing.safetensors"),
        ("--second", "missing.safetensors"),
        ("--data", "missing"),
        ("--json", "missing/report.json"),
    ],
)
def test_wrong_arguments_end_in_words(networks, capsys, arguments):
    assert judge(*networks, *arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")
