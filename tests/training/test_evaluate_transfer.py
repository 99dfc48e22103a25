"""The judge of transfers: what counts, methods with known answers, and the whole command on a tiny generator."""

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from sat3d.clip import OwnClip
from sat3d.clip.own import KIND as CLIP
from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.masks import AttributeMasks
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from sat3d.reader import KIND as READER
from sat3d.reader import AttributeReader
from sat3d.small_networks import save_network
from tests.training.masks.setup import random_network
from tests.training.test_train_clip import SMALL
from training import evaluate
from training.evaluation.transfer import command, gradients, labelled, report, scoring
from training.evaluation.transfer.gradients import TextDirection, leading_directions, phrase_for
from training.evaluation.transfer.labelled import fit_boundary, labels_of, single_channels, variance_ratio
from training.evaluation.transfer.methods import Copy, Method, Pairing, copy_all, copy_layers, from_masks, layer_mask
from training.evaluation.transfer.scored import SCORED, can_be_judged, edited_head, kept_attributes
from training.evaluation.transfer.stage import Quality, Seen
from training.evaluation.transfer.triples import draw_cases, draw_people
from training.evaluation.transfer.tuning import Choice, Tuning
from training.generator.presets import find_preset
from training.synthheads.parameters import HeadParameters
from training.vision.targets import CATEGORIES, NUMBERS, reader_config

PLAIN = HeadParameters(hair_style="short crop", hair_colour=(0.05, 0.04, 0.04))


@pytest.fixture(scope="module")
def network():
    return random_network(find_preset("tiny").network)


@pytest.fixture(scope="module")
def people(network):
    return draw_people(network, 5, 60)


# What counts


def test_the_table_speaks_of_what_reader_domain_and_heads_have():
    assert tuple(SCORED) == tuple(load_domain("synthheads").attributes)
    for scored in SCORED.values():
        assert set(scored.primary + scored.secondary) <= set(CATEGORIES) and set(scored.numbers) <= set(NUMBERS)
        assert all(hasattr(PLAIN, name) for name in scored.parameters)
    parameters = [name for scored in SCORED.values() for name in scored.parameters]
    assert len(set(parameters)) == len(parameters)


@pytest.mark.parametrize(
    ("attribute", "source", "reference", "wanted"),
    [
        ("beard", {}, {"beard": "goatee"}, True),
        ("beard", {"beard": "goatee", "beard_length": 0.1}, {"beard": "goatee", "beard_length": 0.9}, False),
        ("hair_colour", {}, {"hair_style": "bald"}, False),
        ("hair_colour", {"hair_style": "bald"}, {"hair_colour": (0.9, 0.8, 0.5)}, False),
        ("eye_region", {}, {"eye_shadow": 0.9}, True),
        ("eye_region", {"glasses": "sunglasses"}, {"eye_shadow": 0.9}, False),
        ("eye_region", {}, {"eye_shadow": 0.9, "glasses": "sunglasses"}, False),
        ("eye_region", {"expression": "eyes closed"}, {"eye_shadow": 0.9}, False),
        ("expression", {}, {"expression": "smile", "expression_strength": 0.3}, False),
        ("expression", {}, {"expression": "smile"}, True),
        ("eyeglasses", {}, {"glasses": "round"}, True),
    ],
)
def test_triples_differ_in_what_can_be_seen_and_named(attribute, source, reference, wanted):
    assert can_be_judged(replace(PLAIN, **source), replace(PLAIN, **reference), attribute) is wanted


def test_what_a_perfect_transfer_hides_or_changes_need_not_stay():
    dark, bald = replace(PLAIN, glasses="sunglasses", beard="goatee"), replace(PLAIN, hair_style="bald")
    assert kept_attributes(PLAIN, dark, "eyeglasses") == ["hairstyle", "hair_colour", "expression", "beard"]
    assert kept_attributes(PLAIN, dark, "beard") == [name for name in SCORED if name != "beard"]
    assert "hair_colour" not in kept_attributes(PLAIN, bald, "hairstyle")
    assert "hair_colour" not in kept_attributes(bald, PLAIN, "hairstyle")
    assert edited_head(PLAIN, dark, "beard") == replace(PLAIN, beard="goatee")


def test_triples_are_different_pairs_shared_evenly_and_drawn_again(people):
    cases = draw_cases(people, 3, 20)
    assert [len(some) for some in cases.values()] == [4, 4, 3, 3, 3, 3]
    for name, some in cases.items():
        pairs = list(zip(some.source.tolist(), some.reference.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs)
        assert all(can_be_judged(people.parameters[a], people.parameters[b], name) for a, b in pairs)
        assert not some.kept[:, list(SCORED).index(name)].any() and some.kept.any()
    again, other = draw_cases(people, 3, 20), draw_cases(people, 4, 20)
    assert torch.equal(again["beard"].source, cases["beard"].source)
    assert any(not torch.equal(other[name].source, cases[name].source) for name in cases)


def test_more_triples_than_people_give_are_refused(network):
    with pytest.raises(ConfigError, match="Too few people"):
        draw_cases(draw_people(network, 5, 8), 3, 57, ("beard",))


# Scores


def seen(**values) -> Seen:
    """Readings with certain values; all other categories show their first."""
    count = len(next(iter(values.values())))
    chances = {}
    for name, known in CATEGORIES.items():
        numbers = [known.index(v) for v in values.get(name, [known[0]] * count)]
        chances[name] = torch.nn.functional.one_hot(torch.tensor(numbers), len(known)).float()
    numbers = {name: torch.zeros(count, number.size) for name, number in NUMBERS.items()}
    return Seen(chances, numbers, torch.ones(count, 1))


def test_an_attribute_has_arrived_when_all_its_primary_categories_have():
    wanted = seen(iris_colour=["blue"] * 3, eye_shadow=["yes"] * 3)
    found = seen(iris_colour=["blue", "blue", "grey"], eye_shadow=["yes", "none", "yes"])
    assert scoring.alike(found, wanted, "eye_region").tolist() == [True, False, False]
    assert scoring.likely_alike(found, wanted, "eye_region").tolist() == [1, 0, 0]
    truths = [{"iris_colour": "blue", "eye_shadow": value} for value in ("yes", "none", "yes")]
    assert scoring.true_to(found, truths, "eye_region", CATEGORIES).tolist() == [True, True, False]
    soft = replace(wanted, chances={**wanted.chances, "eye_shadow": torch.tensor([[0.3, 0.7]] * 3)})
    assert scoring.likely_alike(soft, wanted, "eye_region").tolist() == pytest.approx([0.3] * 3)


def test_only_what_must_stay_counts_as_kept():
    same = torch.tensor([[1.0, 0, 1], [1, 0, 1], [0, 0, 0]])
    kept = torch.tensor([[True, True, False], [True, False, True], [False] * 3])
    found = scoring.kept_share(same, kept)
    assert found[:2].tolist() == [0.5, 1.0] and torch.isnan(found[2])


def test_numbers_count_by_what_they_are_nearer_to():
    source, reference, edit = seen(beard=["none"] * 2), seen(beard=["goatee"] * 2), seen(beard=["goatee"] * 2)
    reference.numbers["beard_length"] += 1.0
    edit.numbers["beard_length"] += torch.tensor([[0.6], [0.4]])
    assert scoring.secondary(edit, source, reference, "beard")["beard_length"] == 0.5


def test_views_agree_when_the_verdict_is_that_of_the_front(people):
    cases = draw_cases(people, 1, 3, ("beard",))["beard"]

    class View:
        def __init__(self, *beards):
            self.seen = seen(beard=list(beards))

    source, reference = View("none", "none", "none"), View("goatee", "goatee", "goatee")
    edits = [View("goatee", "goatee", "none"), View("goatee", "stubble", "none")]
    found = scoring.score_views(cases, edits, [source] * 2, [reference] * 2, front=0)
    assert found["view_consistency"] == pytest.approx(2 / 3, abs=1e-4) and found["views_held"] == 0.5
    assert [view["transfer"] for view in found["views"]] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    assert [view["preservation"] for view in found["views"]] == [1, 1]


# Methods


def pairing(network, people, attribute="beard") -> Pairing:
    return Pairing(network, people, draw_cases(people, 2, 5, (attribute,))[attribute])


def test_copies_are_the_reference_where_the_mask_is_one(network, people):
    pair, layout = pairing(network, people), network.layout
    (edit,) = copy_all(layout).options["beard"].values()
    torch.testing.assert_close(layout.editable(edit(pair, 1.0)), layout.editable(pair.reference))
    assert torch.equal(edit(pair, 0.0), pair.source)
    rest = [layout.slices[layer.name] for layer in layout.layers if layer not in layout.editable_layers]
    assert all(torch.equal(edit(pair, 2.0)[:, place], pair.source[:, place]) for place in rest)
    first = layout.editable_layers[0]
    one = Copy(layer_mask(layout, [first.name]))(pair, 1.0)
    changed = (one != pair.source).any(0)
    assert changed[layout.slices[first.name]].any() and changed.sum() <= first.channels


def test_every_range_of_levels_is_an_option(network):
    options = copy_layers(network.layout).options["beard"]
    levels = 4  # of 4, 8, 16 and 32 pixels
    assert len(options) == levels * (levels + 1) // 2
    assert options["b4-b32"].mask.eq(1).all() and options["b8-b8"].mask.sum() == sum(
        layer.channels for layer in network.layout.editable_layers if ".b8." in layer.name
    )


def test_masks_do_what_the_transfer_equation_says(network, people):
    pair, layout = pairing(network, people), network.layout
    masks = AttributeMasks.initial(["beard"], layout)
    (edit,) = from_masks("sat3d", masks).options["beard"].values()
    own, theirs = layout.editable(pair.source), layout.editable(pair.reference)
    wanted = own + 1.5 * masks.mask(["beard"]) * (theirs - own)
    torch.testing.assert_close(layout.editable(edit(pair, 1.5)), wanted)
    assert list(from_masks("sat3d", masks).options) == ["beard"]


def test_the_variance_ratio_by_hand():
    codes = torch.tensor([[0.0, 1, 5], [2, 1, 0], [10, 2, 5], [12, 2, 0], [99, 99, 99]])
    found = variance_ratio(codes, torch.tensor([0, 0, 1, 1, -1]))
    assert found[0].item() == pytest.approx(25) and found[1] > 1e6 and found[2].item() == pytest.approx(0)


def test_single_channels_are_those_that_tell_the_label(network, people):
    codes = people.styles.clone()
    index = network.layout.editable_index[7]
    codes[:, index] = torch.tensor([100.0 * len(truth["beard"]) for truth in people.truths])
    method = single_channels(network.layout, replace(people, styles=codes))
    assert method.options["beard"]["1 channels"].mask.nonzero().flatten().tolist() == [7]


def test_a_boundary_is_crossed_as_far_as_members_are():
    stream = torch.Generator().manual_seed(0)
    values = ["none", "round", "sunglasses", "other"]
    number = torch.randint(4, (3000,), generator=stream)
    w = torch.randn(3000, 6, generator=stream)
    w[:, 0] += 4.0 * (number == 1) - 4.0 * (number == 2)
    truths = [{"glasses": values[i]} for i in number.tolist()]
    assert labels_of(truths, "glasses")[0].min() == -1
    boundary = fit_boundary(w, truths, "glasses")
    members = w[number == 0]
    moved = members + boundary.step(members, ["none"] * len(members), ["round"] * len(members))
    found = (moved @ boundary.weight.T + boundary.bias).argmax(1)
    assert (found == boundary.values.index("round")).float().mean() > 0.95
    assert (moved - members)[:, 0].mean().item() == pytest.approx(4, abs=0.6)
    assert (moved - members)[:, 1:].mean(0).norm() < 0.6
    there = w[number == 1] + 50 * torch.eye(6)[0]
    assert boundary.step(there, ["none"] * len(there), ["round"] * len(there)).abs().max() == 0  # far beyond already


def test_a_text_direction_moves_the_channels_that_follow_it():
    domain = load_domain("synthheads")
    texts = {phrase: torch.zeros(3) for group in domain.groups("beard") for phrase in group.phrases}
    texts |= {"no beard": torch.tensor([0.0, 0, 0]), "a goatee": torch.tensor([1.0, 0, 0])}
    changes = torch.tensor([[2.0, -1.0, 0.1, 0.0], [0, 0, 1.0, 1.0], [0, 0, 0, 1.0]])
    direction = TextDirection(domain, "beard", texts, changes, torch.tensor([1.0, 2, 3, 4]), 2, 5.0)
    change = direction.change({"beard": "none"}, {"beard": "goatee"})
    torch.testing.assert_close(change, torch.tensor([5.0, -10, 0, 0]))


def test_the_closest_phrase_of_a_value():
    domain = load_domain("synthheads")
    assert phrase_for(domain, "hairstyle", "hair_style", "quiff") == "a quiff"
    assert phrase_for(domain, "eye_region", "iris_colour", "dark") == "brown eyes"
    assert phrase_for(domain, "beard", "beard", "hidden") is None


def test_leading_directions_span_what_differs():
    vectors = torch.tensor([[3.0, 0, 1], [-3, 0, 1], [0, 1, 1], [0, -1, 1]])
    torch.testing.assert_close(leading_directions(vectors, 2).abs(), torch.eye(3)[:2])


def test_tuning_takes_the_best_option_and_then_the_best_intensity(people):
    cases = draw_cases(people, 1, 12, ("beard",))
    asked = []

    class Known(Tuning):
        def __init__(self):
            self.cases = cases

        def product(self, edit, cases, delta):
            asked.append((edit, len(cases), delta))
            return -abs(edit - 3) - abs(delta - 1.5)

    method = Method("numbers", "", {"beard": {str(i): i for i in range(8)}})
    assert Known().choose(method, "beard", (0.5, 1.0, 1.5)) == Choice("3", 1.5)
    assert sum(count == 4 for _, count, _ in asked) == 8 and sum(count == 12 for _, count, _ in asked) == 4 + 3


# Report


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


# The command


@pytest.fixture(scope="module")
def files(tmp_path_factory, network):
    """A tiny generator, its judges, and masks that give every channel to the beard."""
    folder = tmp_path_factory.mktemp("models")
    save_checkpoint(folder / "generator.safetensors", network.config, network.state_dict(), {"licence": "free"})
    torch.manual_seed(1)
    save_network(folder / "clip.safetensors", CLIP, OwnClip(SMALL))
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
             "--samples", 6, 4, "--deltas", "0,1", "--threads", 1]  # fmt: skip
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
            assert scores["best"]["delta"] in (0, 1) and scores["count"] == 1
            assert set(scores["views"]) == {"-30", "0", "30"}
            assert 0 <= scores["transfer"] <= 1 and len(scores["kept"]) == 5
    assert found["seconds"]["pictures"] > 100 and set(found["ceiling"]) == set(SCORED)
    text = (judged / "r.md").read_text(encoding="utf-8")
    assert all(text.count(f"| {name} |") == len(SCORED) for name in command.BASELINES) and "## Targets" in text


def test_masks_of_all_channels_score_as_copying_all_styles(judged):
    found = json.loads((judged / "r.json").read_text(encoding="utf-8"))["methods"]
    mine, all_styles = found["everything"]["beard"], found["copy_all"]["beard"]
    keys = ("transfer", "preservation", "identity", "d_mean", "kept", "views")
    assert {key: mine[key] for key in keys} == {key: all_styles[key] for key in keys}


def test_sheets_show_source_reference_and_each_edit(judged):
    with Image.open(judged / "sheets" / "beard.png") as sheet:
        assert sheet.size == ((3 + len(command.BASELINES)) * 134 + 6, 150 + 6)
    assert sorted(path.stem for path in (judged / "sheets").glob("*.png")) == sorted(SCORED)


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
        assert (best["preservation"], best["d_mean"], best["identity"]) == (1, 0, 0)
        assert best["transfer"] == found["ceiling"][name]["unedited"] and scores["view_consistency"] is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--count", "3"), "--count is out of range"),
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
