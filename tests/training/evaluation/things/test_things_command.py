"""The whole comparison on a tiny generator of cars: report, sheets, repetition, wrong arguments."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from training import evaluate
from training.evaluation.things import command, report
from training.evaluation.things.run import Scene, choose, set_scene
from training.evaluation.things.stage import Shots, Stage
from training.evaluation.transfer import labelled
from training.evaluation.transfer.methods import Copy, Method
from training.evaluation.transfer.triples import Cases
from training.synth.cameras import Pose
from training.synth.edits import true_edit
from training.synthcars.domain import CARS

METHODS = ["all", "none", *command.BASELINES]


def arguments(files, *more) -> list[str]:
    fixed = ["things", "--domain", "synthcars", "--seed", 3, "--count", 6, "--population", "traffic"]
    for name in ("generator", "encoder", "reader"):
        fixed += [f"--{name}", files / f"{name}.safetensors"]
    for name in ("all", "none"):
        fixed += ["--masks", f"{name}={files / f'{name}.safetensors'}"]
    return [str(part) for part in [*fixed, "--tune", 1, "--bank", 32, "--threads", 1, *more]]


@pytest.fixture(scope="module")
def judged(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelled, "_CHANNELS", (1, 5))
        more = ("--json", folder / "r.json", "--pictures", folder / "sheets", "--rows", 2)
        assert evaluate.main(arguments(files, *more)) == 0
    return folder


def test_report_has_every_score_of_every_method(judged):
    found = json.loads((judged / "r.json").read_text(encoding="utf-8"))
    assert list(found["methods"]) == METHODS and found["told_labels"] == ["single_channels", "linear_boundary"]
    assert found["domain"] == "synthcars.1" and found["population"] == "traffic"
    keys = {
        "transfer",
        "transfer_truth",
        "kept",
        "kept_of",
        "product",
        "dragged",
        "dragged_by",
        "delta",
        "leak",
        "count",
        "option",
    }
    for method in found["methods"].values():
        assert list(method) == ["colour", "shape", "two_tone"]
        for attribute, scores in method.items():
            assert set(scores) == keys and scores["count"] == 2 and attribute not in scores["dragged_by"]
            assert 0 <= scores["transfer"] <= 1 and len(scores["dragged_by"]) == 2
    assert all(0 <= share <= 1 for share in found["ceiling"].values()) and len(found["ceiling"]) == 3


def test_masks_of_nothing_change_nothing_and_masks_of_all_copy_all(judged):
    methods = json.loads((judged / "r.json").read_text(encoding="utf-8"))["methods"]
    for scores in methods["none"].values():
        assert (scores["delta"], scores["leak"], scores["kept"]) == (0.0, 0.0, 1.0)
        assert scores["dragged"] in (0.0, None)
    ours, copied = ({k: v for k, v in methods[m]["colour"].items() if k != "option"} for m in ("all", "copy_all"))
    assert ours == copied and ours["leak"] > 1
    assert methods["all"]["shape"]["leak"] == 0


def test_sheets_show_source_reference_edits_and_the_true_edit(judged):
    assert sorted(path.name for path in (judged / "sheets").iterdir()) == ["colour.png", "shape.png", "two_tone.png"]
    sheet = np.asarray(Image.open(judged / "sheets" / "colour.png").convert("RGB")).astype(int)
    cells = sheet.shape[1] // 134
    assert cells == 3 + len(METHODS) and sheet.shape[0] == 2 * (134 + 16) + 6
    column = [sheet[22:150, 6 + 134 * i : 134 * (i + 1)] for i in range(cells)]  # below the label
    assert abs(column[0] - column[3]).max() <= 1  # masks of nothing leave the source
    assert abs(column[0] - column[2]).max() > 8 and abs(column[0] - column[-1]).mean() > 8


def test_table_names_the_columns_and_what_knows_labels(judged):
    text = (judged / "r.md").read_text(encoding="utf-8")
    assert "| method | transfer | by truth | others kept | product | delta | leak | dragged |" in text
    assert "drags shape | drags two_tone | option |" in text and "labels: single_channels, linear_boundary." in text
    assert text.count("\n| none | ") == 4 and "## Mean over the attributes" in text


def test_means_leave_out_methods_of_some_attributes_and_scores_that_are_none():
    def scores(value):
        return dict.fromkeys(report._COLUMNS, value)

    found = {"ceiling": {"a": 1.0, "b": 1.0}, "methods": {"m": {"a": scores(0.5), "b": scores(None)}, "n": {"a": 1}}}
    rows = report._means(found)
    assert rows[-1].startswith("| m | 50.0%") and not any("| n |" in row for row in rows)


@pytest.fixture(scope="module")
def stage(files, cars, network):
    from sat3d.inversion import load_encoder
    from sat3d.networks.reader import load_reader

    encoder, reader = load_encoder(files / "encoder.safetensors"), load_reader(files / "reader.safetensors")
    return Stage(network, encoder, reader, cars, CARS.population("independent"))


def test_triples_differ_and_are_the_same_for_a_seed(stage, cars):
    scene = set_scene(stage, 5, 9)
    for name, cases in scene.cases.items():
        assert len(cases) == 3
        for own, theirs in zip(cases.source.tolist(), cases.reference.tolist(), strict=True):
            a, b = (cars.named(scene.people.truths[i], name) for i in (own, theirs))
            assert a != b and None not in (a, b)
    again = stage.draw_cases(scene.people, 5, 9)
    assert all(torch.equal(again[name].source, cases.source) for name, cases in scene.cases.items())
    other = stage.draw_cases(scene.people, 6, 9)
    assert not all(torch.equal(other[name].source, cases.source) for name, cases in scene.cases.items())


def test_the_true_edit_is_the_source_with_what_belongs_to_the_attribute(stage, monkeypatch):
    shown = []
    monkeypatch.setattr(Stage, "render", lambda self, p: shown.append(p) or torch.zeros(3, 64, 64, dtype=torch.uint8))
    scene = set_scene(stage, 5, 3)
    shown.clear()
    stage.render_truths(scene.people, {"shape": scene.cases["shape"]})
    (own,), (theirs,) = (part.tolist() for part in (scene.cases["shape"].source, scene.cases["shape"].reference))
    source, edit = shown
    assert source == scene.people.parameters[own]
    assert edit == true_edit(CARS.edits, source, scene.people.parameters[theirs], "shape") != source
    assert edit.paint == source.paint and edit.body == scene.people.parameters[theirs].body


def test_pictures_are_taken_from_the_domains_front(stage, network):
    styles = stage.draw(5, 2).styles[:2]
    shots = stage.shoot(styles)
    camera = network.rig.label(CARS.views.front.yaw_rad, CARS.views.front.pitch_rad)
    wanted = network.synthesize(styles, camera.expand(2, -1)).image
    assert shots.images.shape == (2, 3, 64, 64) and len(shots.seen) == 2
    small = torch.nn.functional.avg_pool2d(shots.images.float(), 2)
    assert (small - wanted.clamp(-1, 1)).abs().mean() < 0.05
    assert CARS.views.front != Pose(0.0, 0.0)


def test_descent_begins_at_the_encoders_code_and_comes_nearer(stage):
    picture = stage.render(CARS.default)[None]
    w, first = stage._find(picture, 0)
    began, found = stage._find(picture, 12)
    assert torch.equal(w, began) and not torch.equal(first, found.to(first))
    wanted = picture.float() / 127.5 - 1
    before, after = ((stage.shoot(styles).images.float() - wanted).square().mean() for styles in (first, found))
    assert after < before


def test_options_are_chosen_by_transfer_and_what_is_kept(stage, monkeypatch):
    people = stage.draw(11, 2)
    kept = torch.tensor([[False, True, True]])
    cases = {"colour": Cases("colour", torch.tensor([0]), torch.tensor([1]), kept)}
    own, theirs = (
        {"paint": p, "body": b, "stature": "tall", "two_tone": "none"} for p, b in (("red", "van"), ("blue", "SUV"))
    )
    shots = Shots(torch.zeros(2, 3, 4, 4), [own, theirs])
    told = {0.0: own, 1.0: theirs, 2.0: {**own, "paint": "blue"}}  # by the mask's value: nothing, all, the colour alone
    monkeypatch.setattr(Scene, "edit", lambda self, edit, *_: Shots(shots.images[:1], [told[float(edit.mask)]]))
    options = {name: Copy(torch.tensor(value)) for name, value in (("nothing", 0.0), ("all", 1.0), ("colour", 2.0))}
    found = choose(Scene(stage, people, cases, shots), Method("m", "", {"colour": options}), "colour", 1.0)
    assert found == "colour"
    del options["colour"]
    assert choose(Scene(stage, people, cases, shots), Method("m", "", {"colour": options}), "colour", 1.0) == "all"


def test_wrong_arguments_are_said_in_words(files, tmp_path, capsys):
    def refused(*more) -> str:
        assert evaluate.main(arguments(files, *more)) == 2
        return capsys.readouterr().err

    assert "no_such_things" in refused("--domain", "no_such_things")
    assert "rain" in refused("--population", "rain")
    assert "dci" in refused("--methods", "all,dci")
    assert "hue" in refused("--attributes", "hue")
    assert "Two methods of one name" in refused("--masks", f"copy_all={files / 'all.safetensors'}")
    assert "folder for pictures" in refused("--pictures", tmp_path / "nowhere" / "sheets")
    assert "cameras are not those of synthcats" in refused("--domain", "synthcats", "--population", "independent")
