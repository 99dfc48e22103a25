"""The whole comparison on a tiny generator: report, sheets, repetition, wrong arguments."""

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from sat3d.clip import OwnClip
from sat3d.clip.built_in_clip import KIND as CLIP
from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.masks import AttributeMasks
from sat3d.networks.reader import KIND as READER
from sat3d.networks.reader import AttributeReader
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from tests.training.tiny_networks import SMALL_CLIP
from training import evaluate
from training.evaluation.transfer import command, gradients, labelled, report
from training.evaluation.transfer.renderer_and_judges import Quality
from training.evaluation.transfer.triples import SCORED
from training.networks.targets import reader_config


def test_targets_by_hand():
    def scores(transfer, preservation, d_mean):
        best = {"transfer": transfer, "preservation": preservation, "product": transfer * preservation}
        return {"beard": {"best": {**best, "d_mean": d_mean}}}

    mine = scores(0.9, 0.96, 1.0)
    methods = {"sat3d": mine, "weak": scores(0.5, 1.0, 0.1), "strong": scores(0.95, 0.5, 4.0)}
    found = report.targets(methods, "sat3d")["beard"]
    assert found == {"transfer": True, "preservation": True, "d_mean_ratio": 0.25, "d_mean": True, "first": True}
    assert report.targets({"sat3d": mine, "strong": scores(0.9, 0.97, 2.0)}, "sat3d")["beard"] == {
        "transfer": True, "preservation": True, "d_mean_ratio": 0.5, "d_mean": False, "first": False,
    }  # fmt: skip
    assert report.targets({"sat3d": mine}, "sat3d")["beard"]["d_mean"] is None


@pytest.fixture(scope="module")
def files(tmp_path_factory, network):
    """A tiny generator, its judges, and masks that give every channel to the beard."""
    folder = tmp_path_factory.mktemp("models")
    save_checkpoint(folder / "generator.safetensors", network.config, network.state_dict(), {"licence": "free"})
    torch.manual_seed(1)
    save_network(folder / "clip.safetensors", CLIP, OwnClip(SMALL_CLIP))
    save_network(folder / "parser.safetensors", PARSER, HeadParser(ParserConfig(64, (8, 8, 8), (0, 1, 1))))
    small = replace(reader_config(), input_px=64, widths=(8, 8, 8, 8), depths=(0, 0, 0, 0), squeezed=8, hidden=32)
    save_network(folder / "reader.safetensors", READER, AttributeReader(small))
    masks = AttributeMasks.initial(["beard"], network.layout)
    masks.logits[0] = 40.0
    masks.save(folder / "masks.safetensors")
    return folder


def arguments(files, *more) -> list[str]:
    fixed = ["transfer", "--seed", 3, "--count", 6, "--generator", files / "generator.safetensors",
             "--reader", files / "reader.safetensors", "--parser", files / "parser.safetensors",
             "--clip-weights", files / "clip.safetensors", "--masks", f"everything={files / 'masks.safetensors'}",
             "--tune", 1, "--faces", 1, "--views", 3, "--views-count", 6, "--neural-resolution", 16,
             "--samples", 6, 4, "--deltas", "0,1", "--walks", 2, "--threads", 1]  # fmt: skip
    return [str(part) for part in [*fixed, *more]]


@pytest.fixture(scope="module")
def judged(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_BANK_PEOPLE", 150)
        patch.setattr(command, "_TUNING_QUALITY", Quality(16, (6, 4)))
        patch.setattr(labelled, "_CHANNELS", (1, 5))
        patch.setattr(gradients, "_LAYERS", (1, 2))
        patch.setattr(gradients, "_CHANNELS", (10,))
        patch.setattr(gradients, "_IMAGE_DIRECTIONS", 4)
        more = ("--json", folder / "r.json", "--pictures", folder / "sheets", "--rows", 2)
        assert evaluate.main(arguments(files, *more)) == 0
    return folder


def test_the_report_has_every_score_of_every_method(judged):
    found = json.loads((judged / "r.json").read_text(encoding="utf-8"))
    assert list(found["methods"]) == ["everything", *command.BASELINES]
    for name, method in found["methods"].items():
        assert list(method) == (["beard"] if name == "everything" else list(SCORED))
        for scores in method.values():
            assert {"transfer", "preservation", "identity", "d_mean", "view_consistency"} <= set(scores)
            assert scores["best"]["intensity"] in (0, 1) and scores["count"] == 1
            assert {"delta", "leak", "specifics"} <= set(scores) & set(scores["best"])
            assert scores["delta"] < 0.5 and scores["leak"] > 0, "no picture of this network is a head"
            assert set(scores["views"]) == {"-30", "0", "30"}
            assert 0 <= scores["transfer"] <= min(scores["parts"].values()) <= 1 and len(scores["kept"]) == 5
    assert found["seconds"]["pictures"] > 100 and set(found["ceiling"]) == set(SCORED)
    text = (judged / "r.md").read_text(encoding="utf-8")
    assert all(text.count(f"| {name} |") >= 2 * len(SCORED) + 4 for name in command.BASELINES) and "## Targets" in text


def test_masks_of_all_channels_score_as_copying_all_styles(judged):
    found = json.loads((judged / "r.json").read_text(encoding="utf-8"))["methods"]
    mine, all_styles = found["everything"]["beard"], found["copy_all"]["beard"]
    keys = ("transfer", "preservation", "identity", "d_mean", "kept", "views", "delta", "leak", "specifics")
    assert {key: mine[key] for key in keys} == {key: all_styles[key] for key in keys}


def test_who_takes_everything_over_at_once_has_arrived_after_the_first_step(judged):
    rows = json.loads((judged / "r.json").read_text(encoding="utf-8"))["chain"]["copy_all"]
    assert [row["attribute"] for row in rows] == [None, *SCORED]
    assert len({row["to_reference"] for row in rows[1:]}) == 1 and rows[1]["to_reference"] < rows[0]["to_reference"]
    assert (rows[0]["moved"], rows[0]["staying"], rows[0]["identity"], rows[-1]["staying"]) == (None, 1, 0, None)


def test_sheets_show_source_reference_the_truth_and_each_edit(judged):
    """Two heads and two renders, the generator's own edit, the masks and the baselines."""
    with Image.open(judged / "sheets" / "beard.png") as sheet:
        assert sheet.size == ((2 + 2 + 1 + 1 + len(command.BASELINES)) * 134 + 6, 150 + 6)
    chains = [f"chain_{name}" for name in command.BASELINES]  # the masks know the beard alone
    assert sorted(path.stem for path in (judged / "sheets").glob("*.png")) == sorted([*SCORED, *chains])
    with Image.open(judged / "sheets" / "chain_copy_all.png") as sheet:
        assert sheet.size == (8 * 134 + 6, 2 * 150 + 6)


def test_the_same_seed_gives_the_same_scores(judged, files, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_TUNING_QUALITY", Quality(16, (6, 4)))
    more = ("--methods", "copy_all", "--json", tmp_path / "again.json")
    assert evaluate.main(arguments(files, *more)) == 0
    first, again = (json.loads(p.read_text(encoding="utf-8")) for p in (judged / "r.json", tmp_path / "again.json"))
    assert again["methods"]["copy_all"] == first["methods"]["copy_all"] and again["targets"] == {}


def test_no_change_is_no_transfer_and_keeps_everything(files, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_TUNING_QUALITY", Quality(16, (6, 4)))
    more = ("--methods", "copy_all", "--json", tmp_path / "r.json", "--deltas", "0", "--views", "1")
    assert evaluate.main(arguments(files, *more)) == 0
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    for name, scores in found["methods"]["copy_all"].items():
        best = scores["best"]
        assert (best["preservation"], best["identity"]) == (1, 0)
        assert (best["delta"], best["leak"]) == pytest.approx((0, 0), abs=1e-3)
        assert best["transfer"] == found["ceiling"][name]["unedited"] and scores["view_consistency"] is None
    distances = {scores["best"]["d_mean"] for scores in found["methods"]["copy_all"].values()}
    assert {0} <= distances <= {0, None}, "None: this parser finds the region everywhere"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--count", "3"), "--count is out of range"),
        (("--walks", "-1"), "--walks is out of range"),
        (("--views", "4"), "must include the front"),
        (("--deltas", "1,x"), "--deltas cannot be read"),
        (("--deltas", "nan"), "--deltas cannot be read"),
        (("--methods", "magic"), "Unknown --methods"),
        (("--masks", "copy_all=x.safetensors"), "Two methods of one name"),
        (("--masks", "nowhere.safetensors"), "nowhere.safetensors"),
        (("--pictures", "nowhere/sheets"), "does not exist"),
        (("--samples", "1", "4"), "--samples is out of range"),
        (("--device", "toaster"), "--device cannot be used"),
    ],
)
def test_wrong_arguments_are_named(more, message, files, capsys):
    assert evaluate.main(arguments(files, *more)) == 2
    assert message in capsys.readouterr().err
