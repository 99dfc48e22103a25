"""The judge of readers and parsers: a perfect answer gets full marks, and the command says what is wrong."""

import json
from dataclasses import replace

import pytest
import torch

from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from sat3d.reader import KIND as READER
from sat3d.reader import AttributeReader, ReaderOutput
from sat3d.small_networks import save_network
from training import evaluate
from training.evaluation.judging import judge_parser, judge_reader
from training.evaluation.people import Crowd, render_crowd
from training.evaluation.readers import blurred
from training.synthheads.fields import change
from training.vision.targets import CATEGORIES, NUMBERS, person_vector, reader_config, targets_of

SIZE = 64


@pytest.fixture(scope="module")
def crowd():
    return render_crowd(Crowd(seed=11, count=6, size=SIZE))


class Oracle:
    """Answers with the truth; knows a picture by its pixels."""

    def __init__(self, *views):
        self.rows = {}
        for part in views:
            truth = targets_of(part.parameters, part.yaw_rad, part.pitch_rad)
            for i, p in enumerate(part.parameters):
                row = truth.classes[i], torch.from_numpy(truth.numbers[i]), torch.from_numpy(person_vector(p))
                self.rows[part.inputs(torch.tensor([i])).numpy().tobytes()] = row

    def __call__(self, images) -> ReaderOutput:
        rows = [self.rows[image[None].numpy().tobytes()] for image in images]
        names = [*NUMBERS, "yaw_rad", "pitch_rad"]
        sizes = [number.size for number in NUMBERS.values()] + [1, 1]
        numbers = torch.stack([row[1] for row in rows]).nan_to_num(0.0).split(sizes, 1)
        scores = {
            name: torch.stack([50.0 * (torch.arange(len(values)) == max(int(row[0][c]), 0)) for row in rows])
            for c, (name, values) in enumerate(CATEGORIES.items())
        }
        identity = torch.nn.functional.normalize(torch.stack([row[2] for row in rows]), dim=1)
        return ReaderOutput(scores, dict(zip(names, numbers, strict=True)), {}, identity)


def test_the_truth_gets_full_marks(crowd):
    report = judge_reader(Oracle(*crowd), *crowd, lambda images: images)
    assert report["accuracy"] == 1
    assert all(not part["worst"] and part["confidence"] > 0.99 for part in report["categories"].values())
    assert all(part["mean_error"] in (0, None) for part in report["numbers"].values())
    assert report["people"] == {
        "same_look_of_2": 1.0, "same_look_of_10": 1.0, "other_look_of_2": 1.0, "other_look_of_10": 1.0,
    }  # fmt: skip


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
    assert "mIoU" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--count", 1),
        ("--size", 16),
        ("--yaw", 80),
        ("--seed", -1),
        ("--reader", "missing.safetensors"),
        ("--data", "missing"),
        ("--json", "missing/report.json"),
    ],
)
def test_wrong_arguments_end_in_words(networks, capsys, arguments):
    assert judge(*networks, *arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")
