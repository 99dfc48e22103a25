"""A quick start with tiny networks: masks, verdicts, going on after a cancel, domains that nothing parses."""

import json
import sys

import pytest
import torch

from sat3d.clip import load_clip
from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.generators import load_generator
from sat3d.learning import Studio, View, choosing, presampling, quick_start
from sat3d.learning.segmenters import load_segmenter
from sat3d.masks import load_masks
from sat3d.qmm import QMM
from tests.training.masks.setup import write_files


class Cancelled(Exception):
    """Of the host."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def studios(files):
    network, clip = (
        load_generator(files / "generator.safetensors").network,
        load_clip(weights=files / "clip.safetensors"),
    )

    def studio(name):
        domain = load_domain(files / name)
        parser = load_segmenter(domain, files / "parser.safetensors", torch.device("cpu"))
        return Studio(network, QMM(clip, domain), parser, View(neural_resolution=16))

    return {name: studio(name) for name in ("heads.json", "unparsed.json")}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    here = sys.modules["sat3d.learning.quick_start"]
    for name, value in {"FEWEST_FACES": 4, "PROBES": 2, "HELD_OUT": 6}.items():
        monkeypatch.setattr(here, name, value)
    monkeypatch.setattr(presampling, "_CHUNK", 8)
    monkeypatch.setattr(sys.modules["sat3d.learning.subspace_start"], "JUDGES", 6)
    monkeypatch.setattr(choosing, "TRANSFERS", 2)
    examine = here.examine
    monkeypatch.setattr(here, "examine", lambda *given, **more: examine(*given, **{"transfers": 2, **more}))


@pytest.mark.parametrize("name", ["heads.json", "unparsed.json"])
def test_masks_and_a_verdict_for_each_attribute(studios, tmp_path, name):
    told, studio = [], studios[name]
    learned = quick_start(studio, 12, 3, tmp_path, lambda *seen: told.append(seen), {"licence": "free"})
    masks, report = learned.masks, learned.report
    assert masks.attributes == ("beard", "eyeglasses", "hairstyle") and masks.metadata["licence"] == "free"
    masks.check_layout(studio.network.layout)
    assert masks.warning_for(studio.network.fingerprint()) is None
    assert [verdict.attribute for verdict in report.verdicts] == list(masks.attributes)
    assert report.sheet.shape[:2] == (1, 3) and report.sheet.shape[3] == 5 * 96 and torch.isfinite(report.sheet).all()
    done = [number for number, _, _ in told]
    assert done == sorted(done) and done[-1] == 1000 and told[1][2].shape[:2] == (1, 3)
    again = quick_start(studio, 12, 3, tmp_path / "other", notes={"licence": "free"})
    assert torch.equal(again.masks.logits, masks.logits) and str(again.report) == str(report)


def test_after_a_cancel_it_goes_on(studios, tmp_path, monkeypatch):
    studio, drawn = studios["unparsed.json"], []
    measure = presampling.measure
    monkeypatch.setattr(presampling, "measure", lambda *given: (drawn.append(1), measure(*given))[1])

    def cancel(done, total, picture=None):
        if len(drawn) > 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        quick_start(studio, 16, 3, tmp_path, cancel)
    assert len(list(tmp_path.glob("pairs-*"))) == 1
    whole = quick_start(studio, 16, 3, tmp_path / "whole").masks
    before = len(drawn)
    assert torch.equal(quick_start(studio, 16, 3, tmp_path).masks.logits, whole.logits)
    assert len(drawn) - before == 2  # the second chunk, and the faces that judge


def test_too_few_faces_are_refused(studios, tmp_path):
    with pytest.raises(ConfigError, match="too few faces"):
        quick_start(studios["unparsed.json"], 3, 0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_attribute_gets_a_subspace_only_where_that_fares_better(studios, tmp_path, monkeypatch):
    """By the scores that are told: of every attribute the best is what it got."""
    masks = quick_start(studios["heads.json"], 12, 3, tmp_path, directions=3).masks
    scores = json.loads(masks.metadata["first_scores"])
    assert list(scores) == list(masks.attributes)
    assert all(next(iter(ways)) == "mask" and len(ways) == 1 + len(choosing.CHOICES) for ways in scores.values())
    wanted = {name for name, ways in scores.items() if max(ways.values()) > ways["mask"] + choosing.LEAST_GAIN}
    assert set(masks.subspaces) == wanted
    masks.save(tmp_path / "both.safetensors")
    again = load_masks(tmp_path / "both.safetensors", studios["heads.json"].network.layout)
    assert set(again.subspaces) == wanted
    plain = quick_start(studios["heads.json"], 12, 3, tmp_path / "plain").masks
    assert not plain.subspaces and "first_scores" not in plain.metadata
