"""Which faces are drawn, who gives to whom, and what M begins with."""

from dataclasses import replace

import pytest
import torch

from sat3d.clip import OwnClip, resizing
from sat3d.clip.built_in_clip import KIND as CLIP
from sat3d.clip.tokenizer import EXTRA_TOKENS, vocabulary_of
from sat3d.domains import DescriptorGroup, Domain, PictureSampling, Preselection, Quota, load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.files.network_files import save_network
from sat3d.learning.objective import gather
from sat3d.learning.presampling import Admission
from sat3d.learning.quick_start import population_channels
from sat3d.learning.sampling import Draw, draw_transfers, most_different, shown
from sat3d.learning.segmenters import PARSERS, load_segmenter
from sat3d.losses import LossWeights
from tests.training.masks.setup import arguments, make_trainer
from tests.training.tiny_networks import SMALL_CLIP
from training.common.distributed import Processes
from training.common.settings import parse
from training.masks import command
from training.masks import initialisation as start
from training.masks.attribution import Attributions, attributed_channels, attributions
from training.masks.preselect import normalise, preselected_channels, region_gradients
from training.masks.settings import MaskSettings


def test_faces_are_measured_once(trainer):
    studio, pairs = trainer.task.masks.studio, trainer.task.pairs
    with torch.no_grad():
        images = studio.pictures(pairs.styles[2:3], pairs.camera[2:3])
    torch.testing.assert_close(images, pairs.images[2:3].float(), atol=1e-3, rtol=0)
    torch.testing.assert_close(studio.qmm.measure(images).probabilities, pairs.scores[2:3], atol=1e-3, rtol=0)
    assert pairs.camera.unique(dim=0).shape[0] == 10 and pairs.images.shape == (10, 3, 64, 64)


def test_drawing_goes_on_where_it_was_killed(files, tmp_path, monkeypatch, trainer):
    monkeypatch.setitem(command.sample_pairs.__globals__, "_CHUNK", 4)
    studio = trainer.task.masks.studio
    whole = command.sample_pairs(studio, tmp_path / "whole", 5, 10)
    command.sample_pairs(studio, tmp_path / "broken", 5, 10)
    (tmp_path / "broken" / "pairs-00001.safetensors").unlink()
    again = command.sample_pairs(studio, tmp_path / "broken", 5, 10)
    assert len(again) == 10 and torch.equal(again.styles, whole.styles) and torch.equal(again.images, whole.images)
    (tmp_path / "broken" / "pairs-00000.safetensors").write_bytes(b"half")
    with pytest.raises(FileError, match="pairs-00000"):
        command.sample_pairs(studio, tmp_path / "broken", 5, 10)


def test_hats_are_dropped_and_glasses_are_worn():
    sampling = PictureSampling(drop={"hat": 0.01}, at_least={"glasses": Quota(0.4, 0.002)})
    admission = Admission(sampling, 5)
    bare, hat, worn = ({"hat": h, "glasses": g} for h, g in ((0.0, 0.0), (0.5, 0.1), (0.01, 0.1)))
    # Of five, three may be without glasses; hats never.
    assert [admission.admits(face) for face in (bare, hat, bare, bare, bare, worn, worn)] == [1, 0, 1, 1, 0, 1, 1]
    assert not Admission(sampling, 5, {"glasses": 3}).admits(bare)


@pytest.mark.slow
def test_filters_that_cannot_be_met_are_named(trainer, tmp_path):
    studio = trainer.task.masks.studio
    domain = replace(studio.domain, sampling=PictureSampling(at_least={"glasses": Quota(1.0, 1.0)}))
    qmm = type(studio.qmm)(studio.qmm.model, domain)
    with pytest.raises(ConfigError, match=r"120 pictures drawn.*glasses"):
        command.sample_pairs(replace(studio, qmm=qmm), tmp_path / "pairs", 0, 3)


def test_unknown_labels_and_parsers_are_found_at_once(trainer, files):
    studio = trainer.task.masks.studio
    domain = replace(studio.domain, preselection={"beard": Preselection("whiskers", 3, 1.8)})
    with pytest.raises(ConfigError, match="whiskers"):
        replace(studio, qmm=type(studio.qmm)(studio.qmm.model, domain))
    with pytest.raises(ConfigError, match=f"ear-finder.*{next(iter(PARSERS))}"):
        load_segmenter(Domain("x", "{}", {}, parser="ear-finder"), None, torch.device("cpu"))


def test_channels_are_found_by_the_region_they_paint():
    """Channels 0 and 1 paint the left half (1 twice as strongly), channel 2 the right, channel 3 nothing."""
    paint = torch.zeros(4, 3, 4, 4)
    paint[0, :, :, :2], paint[1, :, :, :2], paint[2, :, :, 2:] = 1, -2, 0.5
    labels = torch.zeros(4, 4, dtype=torch.uint8)
    labels[:, 2:] = 1
    table = region_gradients(lambda s: torch.einsum("bn,nchw->bchw", s, paint), torch.ones(1, 4), labels, 3)
    assert table[:2].tolist() == [[3, 6, 0, 0], [0, 0, 1.5, 0]]  # 3 colours a pixel; areas cancel
    assert table[2].isnan().all()  # a region that the face lacks
    shares = normalise(table[None])
    assert shares.tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    domain = Domain(
        "x", "{}", {}, preselection={"a": Preselection("left", 2, 1.8), "b": Preselection("right", 0.25, 1)}
    )
    chosen = preselected_channels(domain, ("left", "right", "none"), shares)
    assert sorted(chosen["a"][0].tolist()) == [0, 1] and chosen["b"][0].tolist() == [2]
    assert (chosen["a"][1], chosen["b"][1]) == (1.8, 1)


def test_faces_without_a_region_do_not_count_for_it():
    nan = float("nan")
    tables = torch.tensor([[[2.0], [nan]], [[4.0], [1.0]]])
    assert normalise(tables)[:, 0].tolist() == pytest.approx([3 / 4, 1 / 4])


def test_preselected_channels_begin_with_their_attribute(trainer):
    start, n = trainer.task.start.logits, trainer.task.start.logits.shape[1]
    chosen = start[2] == 1.8
    assert int(chosen.sum()) == round(0.6 * n) and start[:2].abs().sum() == 0
    assert torch.equal(start[3], 1 - chosen.float())


def test_attributed_channels_gain_certainly_and_do_no_sure_harm():
    gain = torch.tensor([[6.0, 3.0, 1.0, -9.0, 0.0, 4.0], [0.0, 8.0, 0.0, 1.0, 1.0, 0.0]])
    error = torch.tensor([[1.0, 1.0, 2.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5, 1.5, 1.0]])
    harm = torch.tensor([[5.0, 0.0, 0.0, 0.0, 0.0, 9.0], [0.0, 9.0, 0.0, 0.0, 0.0, 0.0]])
    chosen = attributed_channels(["a", "b"], Attributions(gain, error, harm, torch.full_like(harm, 4.6)))
    # Channel 0 does less harm than good; 1 is b's, whose harm of 9 is not sure (9.2 would be); 2 and 4 are uncertain.
    assert chosen["a"][0].tolist() == [0, 5] and chosen["b"][0].tolist() == [1, 3] and chosen["a"][1] == 5.0
    sure = attributed_channels(["a", "b"], Attributions(gain, error, harm, torch.full_like(harm, 4.4)))
    assert sure["a"][0].tolist() == [0, 1] and sure["b"][0].tolist() == [3]


@pytest.mark.slow
def test_attributions_add_up_to_what_the_line_changes(trainer, monkeypatch):
    monkeypatch.setattr(resizing, "whole_levels", lambda images: images)  # rounding is larger than these changes
    studio, targets = trainer.task.masks.studio, torch.arange(3)
    objective = start.judge(studio, LossWeights())
    same = lambda face: torch.full_like(targets, face)  # noqa: E731
    transfers = gather(trainer.task.pairs, Draw(same(0), same(5), targets), torch.device("cpu"))
    parts = [torch.stack(attributions(objective, transfers, (i + 0.5) / 24)).sum(-1) for i in range(24)]
    own = transfers.source.styles
    goal = studio.network.layout.with_editable(own, studio.network.layout.editable(transfers.reference.styles))
    with torch.no_grad():
        ends = [objective.attribute_losses(studio.pictures(styles, transfers.source.camera), transfers)
                for styles in (own, goal)]  # fmt: skip
    wanted = 3.5 * (ends[0][0] - ends[1][0])
    assert wanted.shape == (3,) and wanted.abs().max() > 1e-3
    torch.testing.assert_close(torch.stack(parts).mean(0)[0], wanted, atol=0.1 * float(wanted.abs().max()), rtol=0)


def test_a_training_begins_with_attributions(files, tmp_path):
    learner = make_trainer(files, tmp_path / "m.safetensors", "--start", "attributions")
    start = learner.task.start.logits
    assert set(start.unique().tolist()) == {0.0, 5.0} and torch.equal(start[3] == 0, (start[:3] == 5).any(0))
    again = make_trainer(files, tmp_path / "m.safetensors", "--start", "attributions")
    assert torch.equal(again.task.start.logits, start)


def test_a_training_begins_with_the_population(files, tmp_path):
    learner = make_trainer(files, tmp_path / "m.safetensors", "--start", "population")
    start, pairs, studio = learner.task.start.logits, learner.task.pairs, learner.task.masks.studio
    chosen = population_channels(studio, pairs, 0, tmp_path / "m.pairs", 2)
    assert (tmp_path / "m.pairs" / "probes-2.safetensors").is_file()
    begun = torch.zeros(start.shape[1], dtype=torch.bool)
    for row, name in enumerate(studio.domain.attributes):
        assert torch.equal((start[row] == 7).nonzero()[:, 0], chosen[name][0])
        begun[chosen[name][0]] = True
    assert torch.equal(start[3], 7.0 * ~begun) and set(start.unique().tolist()) <= {0.0, 7.0}


def test_transfers_are_of_two_faces_and_every_attribute_comes_as_often():
    draws = [draw_transfers(3, step, 4, 5, 3, 2) for step in range(60)]
    source, reference, target = (torch.cat([getattr(d, k) for d in draws]) for k in ("source", "reference", "target"))
    assert (source[:, None] != reference).all() and source.unique().numel() == reference.unique().numel() == 5
    assert target.bincount().tolist() == [80, 80, 80]
    again = draw_transfers(3, 7, 4, 5, 3, 2)
    assert torch.equal(again.source, draws[7].source) and torch.equal(again.target, draws[7].target)
    halves = [again.part(rank, 2).source for rank in range(2)]
    assert sorted(torch.cat(halves).tolist()) == sorted(again.source.tolist())


def test_of_several_references_the_most_different_is_taken():
    groups = {name: (DescriptorGroup(name, "g", ("yes", "no")),) for name in ("beard", "hair")}
    scores = torch.tensor([[0.9, 0.1, 0.5, 0.5], [0.8, 0.2, 0.0, 1.0], [0.2, 0.8, 0.5, 0.5]])
    draw = Draw(torch.tensor([0, 0]), torch.tensor([[1, 2], [1, 2]]), torch.tensor([0, 1]))
    assert most_different(draw, scores, Domain("x", "{}", groups)).reference.tolist() == [2, 1]


def test_faces_that_hide_an_attribute_neither_give_nor_get_it():
    groups = {"hair": (DescriptorGroup("hair", "g", ("bald", "long")),),
              "colour": (DescriptorGroup("colour", "g", ("red", "blue")),)}  # fmt: skip
    domain = Domain("x", "{}", groups, hidden={"colour": ("bald",)})
    scores = torch.tensor([[0.9, 0.1, 0.1, 0.9], [0.1, 0.9, 0.8, 0.2], [0.2, 0.8, 0.7, 0.3], [0.8, 0.2, 0.0, 1.0]])
    assert shown(scores, domain).tolist() == [[True, False], [True, True], [True, True], [True, False]]
    references = torch.tensor([[3, 2], [3, 2], [0, 3]])
    draw = most_different(Draw(torch.tensor([1, 1, 3]), references, torch.tensor([1, 0, 1])), scores, domain)
    assert draw.source.tolist() == [1, 1, 1]  # number 3 is bald, and 0 after it
    assert draw.reference.tolist() == [2, 3, 3]  # who is bald gives no colour, but a hairstyle; the last has no choice
    assert torch.equal(shown(scores, Domain("x", "{}", groups)), torch.ones(4, 2, dtype=torch.bool))


@pytest.mark.parametrize("name", ["car", "synthcars", "synthcats"])
def test_domains_in_which_nothing_is_parsed_learn_without_a_background_loss(files, tmp_path, name):
    words = [part for group in load_domain(name) for phrase in group.phrases for part in phrase.split()]
    known = vocabulary_of([*words, load_domain(name).template])
    text = {**SMALL_CLIP.text, "vocab_size": len(known) + EXTRA_TOKENS}
    clip = replace(SMALL_CLIP, vocabulary=known, text=text)
    torch.manual_seed(1)
    save_network(tmp_path / "clip.safetensors", CLIP, OwnClip(clip))
    asked = arguments(files, tmp_path / "masks.safetensors")
    asked[asked.index("--domain") + 1] = name
    asked[asked.index("--clip-weights") + 1] = str(tmp_path / "clip.safetensors")
    settings = parse(MaskSettings, [*asked, "--start", "plain"])
    loaded = command.load_generator(settings.generator)
    studio = command.make_studio(settings, loaded, torch.device("cpu"))
    assert studio.segmenter is None and studio.domain.name == name
    engine = command.prepare(settings, studio, loaded, Processes(torch.device("cpu")))
    engine.begin()
    losses = [engine.step() for _ in range(2)]
    assert all(torch.isfinite(loss["loss"]) and loss["bg"] == 0 and loss["src"] >= 0 for loss in losses)
