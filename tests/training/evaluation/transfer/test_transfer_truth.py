"""Edits against the true picture: hand-computed values, properties, and a generator that draws only what is true."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.networks.reader import KIND as READER
from sat3d.networks.reader import AttributeReader, ReaderConfig
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from tests.training.evaluation.transfer.perfect import RIG, PerfectGenerator, paint_head, shoot_perfectly
from training import evaluate
from training.evaluation.transfer import command, truth
from training.evaluation.transfer.ceiling import NOTHING_OWN, draw_own_edits, own_styles, score_own
from training.evaluation.transfer.renderer_and_judges import Seen, Shots, Stage
from training.evaluation.transfer.specifics import TrueNumbers
from training.evaluation.transfer.triples import SCORED, draw_cases, draw_people
from training.evaluation.transfer.truth import Truth, leak, render_truths, score_truth, share_of_change, true_heads
from training.networks.coded_heads import Coder
from training.synthheads import edits
from training.synthheads.labels import ATTRIBUTE_VALUES
from training.synthheads.populations import FIRST

NOT_READ = {"hair_rgb": None}
NO_NUMBERS = TrueNumbers("hair_colour", {"hair_rgb": torch.zeros(2, 3)}, {"hair_rgb": torch.zeros(2, 3)})


def levels(*changes) -> torch.Tensor:
    """Two pictures ``[2, 3, 7, 7]``, all 100 but for (picture, channel, row, column, level)."""
    pictures = torch.full((2, 3, 7, 7), 100, dtype=torch.uint8)
    for *place, level in changes:
        pictures[tuple(place)] = level
    return pictures


def shots(pictures) -> Shots:
    return Shots(pictures.float() / 127.5 - 1, Seen({}, {}, torch.zeros(len(pictures), 1)), None)


# The true change: 100 levels of red in the middle of the first picture, 2 of blue in a corner of the second.
RED, BLUE = (0, 0, 3, 3, 200), (1, 2, 0, 0, 102)
TRUTH = Truth(levels(), levels(RED, BLUE), NO_NUMBERS)
# Without the 5 x 5 pixels around the red one, and with all of the second picture: 24 + 49 pixels of three channels.
COUNTED = 3 * 73


@pytest.mark.parametrize(
    ("edited", "delta", "leaked"),
    [
        ((), 0, 0),
        ((RED, BLUE), 1, 2 / COUNTED),
        (((0, 0, 3, 3, 150),), 1 - (50**2 + 2**2) / (100**2 + 2**2), 0),
        (((0, 0, 3, 3, 0),), 1 - (200**2 + 2**2) / (100**2 + 2**2), 0),
        (((0, 0, 1, 1, 130),), -(30**2) / (100**2 + 2**2), 0),
        (((0, 1, 0, 3, 130),), -(30**2) / (100**2 + 2**2), 30 / COUNTED),
    ],
    ids=["no edit", "the true change", "half of it", "the contrary", "wrong beside it", "wrong elsewhere"],
)
def test_delta_and_leak_by_hand(edited, delta, leaked):
    found = score_truth(TRUTH, shots(levels(*edited)), shots(levels()))
    assert found["delta"] == pytest.approx(delta, abs=1e-4) and found["leak"] == pytest.approx(leaked, abs=1e-4)
    assert found["specifics"] == NOT_READ


def test_a_script_of_a_few_lines_finds_the_same():
    rng = np.random.default_rng(1)
    before, after, source, edit = rng.integers(0, 256, (4, 3, 3, 12, 12)).astype(np.uint8)
    after[:, :, :, 4:] = before[:, :, :, 4:] + (before[:, :, :, 4:] < 250) * rng.integers(0, 3, (3, 3, 12, 8))
    found = score_truth(
        Truth(torch.from_numpy(before), torch.from_numpy(after), NO_NUMBERS),
        *(shots(torch.from_numpy(pictures)) for pictures in (edit, source)),
    )
    true, made = (b.astype(float) - a for a, b in ((before, after), (source, edit)))
    assert found["delta"] == pytest.approx(1 - ((made - true) ** 2).sum() / (true**2).sum(), abs=1e-4)
    kept = [
        np.abs(made[n, :, y, x]).mean()
        for n in range(3) for y in range(12) for x in range(12)
        if np.abs(true[n, :, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]).max() <= 2
    ]  # fmt: skip
    assert 3 * 12 * 6 - 40 < len(kept) <= 3 * 12 * 6 and found["leak"] == pytest.approx(np.mean(kept), rel=1e-4)


def test_nothing_is_scored_where_there_is_nothing():
    assert share_of_change(torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)) is None
    assert leak(torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.bool)) is None


def test_a_generators_own_way_to_draw_the_source_is_not_held_against_it():
    odd = levels() + torch.randint(0, 100, (2, 3, 7, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = score_truth(TRUTH, shots(odd.int() + (TRUTH.edit.int() - TRUTH.source.int())), shots(odd))
    assert found["delta"] == 1


@pytest.fixture
def painted(monkeypatch):
    """The heads that the painter was asked for, in place of the renderer."""
    asked = []

    def paint(p, poses, size, *more):
        asked.append(p)
        return paint_head(p, poses, size)

    monkeypatch.setattr(truth, "render_head", paint)
    monkeypatch.setattr(edits, "render_head", paint)
    return asked


def test_truths_are_the_renders_of_the_pairs_and_each_source_is_rendered_once(painted):
    network = PerfectGenerator()
    people = draw_people(Coder(network, FIRST), 5, 32)
    cases = draw_cases(people, 5, 60)
    truths = render_truths(people, cases, network, 32)
    sources = torch.cat([some.source for some in cases.values()]).unique()
    assert len(painted) == 60 + len(sources) < 120 and list(truths) == list(SCORED)
    for name, some in cases.items():
        found, edited = truths[name], true_heads(people, some)
        for i, (own, theirs) in enumerate(zip(some.source.tolist(), some.reference.tolist(), strict=True)):
            assert edited[i] == edits.true_edit(people.parameters[own], people.parameters[theirs], name)
            for picture, head in ((found.source[i], people.parameters[own]), (found.edit[i], edited[i])):
                (view,) = paint_head(head, [edits.FRONT], 32)
                assert np.array_equal(picture.permute(1, 2, 0).numpy(), view.image)


def test_a_generator_that_looks_from_elsewhere_is_refused(painted):
    network = PerfectGenerator()
    people = draw_people(Coder(network, FIRST), 5, 32)
    network.rig = replace(RIG, radius=3.0)
    with pytest.raises(ConfigError, match="camera is not the renderer's"):
        render_truths(people, draw_cases(people, 5, 6), network, 32)


def test_what_the_generator_is_asked_for_is_the_true_edit():
    """Exactly so but for a beard's colour, which the latent knows only as a mixture with the hair's."""
    people = draw_people(Coder(PerfectGenerator(), FIRST), 5, 40)
    for name, some in draw_cases(people, 5, 60).items():
        styles = own_styles(PerfectGenerator(), people, some)
        for z, wanted in zip(styles.double().numpy(), true_heads(people, some), strict=True):
            made = FIRST.parameters(z)
            for field in fields(wanted):
                if name not in ("hair_colour", "beard") or field.name != "beard_colour":
                    assert _same(getattr(made, field.name), getattr(wanted, field.name)), (name, field.name)


def _same(made, wanted) -> bool:
    """Numbers but for the rounding of float32."""
    return made == wanted if isinstance(wanted, str) else np.allclose(made, wanted, atol=1e-4)


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    """A reader of few numbers, one of them by its own name and one as part of a vector, and a parser."""
    folder = tmp_path_factory.mktemp("judges")
    names = ("hair_style", "parting", "hair_colour", "iris_colour", "eye_shadow", "expression", "beard",
             "beard_colour", "glasses", "frame_colour")  # fmt: skip
    categories = tuple((name, ATTRIBUTE_VALUES[name]) for name in names)
    numbers = (("shape", 4), ("hair_rgb", 3), ("beard_length", 1), ("action_jaw_open", 1))
    sizes = {"input_px": 64, "widths": (8, 8, 8, 8), "depths": (0, 0, 0, 0), "squeezed": 8, "hidden": 32}
    torch.manual_seed(1)
    save_network(folder / "reader.safetensors", READER, AttributeReader(ReaderConfig(categories, numbers, **sizes)))
    save_network(folder / "parser.safetensors", PARSER, HeadParser(ParserConfig(64, (8, 8, 8), (0, 1, 1))))
    return folder


@pytest.fixture
def report(judges, tmp_path, painted, monkeypatch):
    """Of a generator that draws every head as the painter does."""
    monkeypatch.setattr(command, "load_domain_generator", lambda path: PerfectGenerator())
    monkeypatch.setattr(Stage, "_turn_some", shoot_perfectly)
    options = ["transfer", "--seed", 5, "--count", 60, "--reader", judges / "reader.safetensors", "--parser",
               judges / "parser.safetensors", "--methods", "copy_all", "--tune", 1, "--views", 1, "--walks", 0,
               "--deltas", "0,1", "--json", tmp_path / "r.json", "--rows", 2, "--pictures",
               tmp_path / "sheets"]  # fmt: skip
    assert evaluate.main([str(option) for option in options]) == 0
    return json.loads((tmp_path / "r.json").read_text(encoding="utf-8")), tmp_path


def test_the_report_of_a_perfect_generator(report):
    found, folder = report
    for name, best in found["ceiling"].items():
        assert (best["delta"], best["leak"]) == (1, 0)
        scores = found["methods"]["copy_all"][name]
        assert scores["delta"] < 0.5 and scores["leak"] > 10, "everything of the reference is far too much"
        assert scores["best"]["intensity"] in (0, 1)
        if scores["best"]["intensity"] == 0:
            assert (scores["best"]["delta"], scores["best"]["leak"]) == (0, 0)
    specifics = found["methods"]["copy_all"]["expression"]["specifics"]
    assert specifics["actions"] is None and specifics["action_smile_left"] is None
    assert set(specifics["action_jaw_open"]) == {"nearer", "nearer_count", "r2", "r2_count"}
    hair = found["methods"]["copy_all"]["hair_colour"]["specifics"]
    assert list(hair) == ["hair_rgb"] and hair["hair_rgb"]["r2_count"] == 10 >= hair["hair_rgb"]["nearer_count"] > 5
    text = (folder / "r.md").read_text(encoding="utf-8")
    assert text.count("| the generator itself | 1.00 | 0.00 | – | – |") == len(SCORED)
    assert "| beard_length |" in text and "Not read: frame_rgb, frame_thickness, glasses_size, lens_darkness." in text
    assert len(list((folder / "sheets").glob("*.png"))) == len(SCORED)


def test_without_latents_the_generator_is_asked_for_nothing(painted):
    people = replace(draw_people(Coder(PerfectGenerator(), FIRST), 5, 32), latents=None)
    assert draw_own_edits(None, people, {}) == {} and set(NOTHING_OWN) == {"delta", "leak", "specifics"}
    assert score_own(TRUTH, None, None, None) == dict.fromkeys(NOTHING_OWN)
