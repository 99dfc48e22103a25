"""The networks that ship: small enough, free, and as good as their cards say, on people they have never seen."""

import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from sat3d.networks.reader import load_reader
from sat3d.parsing.parser import load_parser
from training.evaluation.judging import judge_parser, judge_reader
from training.evaluation.people import Crowd, render_crowd
from training.evaluation.readers import blurred
from training.synthheads.populations import PHOTOGRAPHS

ASSETS = Path(__file__).resolve().parents[2] / "sat3d" / "assets"
LARGEST_MB = {"attribute-reader": 4, "head-parser": 2}


@pytest.fixture(scope="module")
def crowd():
    return render_crowd(Crowd(seed=4242, count=96, population=PHOTOGRAPHS))


@pytest.mark.parametrize("name", LARGEST_MB)
def test_each_asset_is_small_and_has_a_card(name):
    assert (ASSETS / f"{name}.safetensors").stat().st_size < LARGEST_MB[name] * 2**20
    card = (ASSETS / f"{name}.md").read_text(encoding="utf-8")
    assert "CC0" in card and "--seed" in card and "## Scores" in card


@pytest.mark.parametrize("file", sorted(ASSETS.glob("*.safetensors")), ids=lambda file: file.stem)
def test_no_asset_tells_where_it_was_made(file):
    with safe_open(file, "pt") as opened:
        said = " ".join((opened.metadata() or {}).values())
    assert not re.search(r"""(?:^|[\s"'=])(?:/\w|[A-Za-z]:[\\/])""", said)


@pytest.mark.slow
@pytest.mark.parametrize(("change", "least"), [(lambda images: images, 0.90), (blurred, 0.82)])
def test_the_reader_knows_strangers(crowd, change, least):
    plain, disguised = crowd
    judged = judge_reader(load_reader(), plain, disguised, change)
    for name in ("hair_style", "hair_colour", "beard", "glasses"):
        assert judged["categories"][name]["accuracy"] >= least
    assert judged["categories"]["expression"]["accuracy"] >= least - 0.05
    assert judged["people"]["other_look_of_2"] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("change", "least"), [(lambda images: images, 0.85), (blurred, 0.70)])
def test_the_parser_finds_the_regions(crowd, change, least):
    assert judge_parser(load_parser(), crowd[0], change)["miou"] >= least


def test_readings_do_not_depend_on_the_batch_or_the_size(crowd):
    images, reader = crowd[0].inputs(torch.arange(3)), load_reader()
    alone, together = reader.read(images[:1])[0], reader.read(images)[0]
    torch.testing.assert_close(alone.identity, together.identity, atol=1e-4, rtol=0)
    assert alone.names == together.names
