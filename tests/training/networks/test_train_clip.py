"""Training of the image-text model: phrases that are true, losses by hand, learning, going on, judging."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sat3d.clip import load_clip
from sat3d.clip.built_in_clip import KIND as CLIP
from sat3d.clip.tokenizer import WordTokenizer, words_of
from sat3d.domains import load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.files.network_files import load_network, save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion.encoder import KIND as ENCODER
from tests.training.tiny_generators import labelled_config, random_encoder, random_network, unlabelled_config
from tests.training.tiny_networks import SMALL_CLIP, WORDS, engine_of, plain
from training import train_clip
from training.common.random_numbers import Draws
from training.evaluation import clip as suite
from training.networks import clip as clip_task
from training.networks import command
from training.networks.clip import ClipTask, alikeness, clip_config, contrast, group_loss
from training.networks.clip_captions import ENDS, encode_short, short_caption
from training.networks.clip_phrases import GROUPS, HEADS_BOOK, JUDGED, book_for, book_of, judged_texts, targets
from training.networks.coded_heads import Coder, generate_views
from training.networks.generated_views import generated_views, joined
from training.networks.targets import UNKNOWN
from training.networks.task import Recipe
from training.synth.cameras import Pose
from training.synth.domain import find_domain
from training.synthheads.captions import caption
from training.synthheads.domain import HEADS
from training.synthheads.labels import ATTRIBUTE_VALUES
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST, INDEPENDENT, PHOTOGRAPHS


def task(**options) -> ClipTask:
    return ClipTask(plain(), config=SMALL_CLIP, **options)


def test_groups_speak_of_known_truths_in_different_words():
    for group in GROUPS:
        values = [value for choice in group.choices for value in choice.values]
        assert set(values) <= set(ATTRIBUTE_VALUES[group.fact]) and len(set(values)) == len(values) > 1
        texts = [text for choice in group.choices for text in choice.ways]
        assert len(set(texts)) == len(texts)
    assert len({(group.attribute, group.name) for group in GROUPS}) == len(GROUPS)


def test_targets_are_the_truth_and_leave_out_what_is_hidden():
    person = HeadParameters(hair_style="bald", beard="goatee", glasses="none")
    row = dict(zip([(group.attribute, group.name) for group in GROUPS], targets([person])[0].tolist(), strict=True))
    groups = {(group.attribute, group.name): group for group in GROUPS}
    for key, wanted in {("beard", "kind"): "a goatee", ("eyeglasses", "every glasses"): "no glasses"}.items():
        assert groups[key].answers[row[key]] == wanted
    assert row["hair_colour", "natural"] == row["eyeglasses", "frame"] == row["hairstyle", "full"] == UNKNOWN


def test_every_caption_and_phrase_can_be_read():
    length = clip_config().text["context_length"]
    tokenizer = WordTokenizer(WORDS, length)
    people = [INDEPENDENT.draw(9, head) for head in range(60)]
    texts, short = (
        [draw(person, np.random.default_rng(seed)) for person in people for seed in range(10)]
        for draw in (caption, lambda person, rng: short_caption(caption, person, rng, length - ENDS))
    )
    assert {word for text in texts for word in words_of(text)} <= set(WORDS)
    assert sum(a != b for a, b in zip(texts, short, strict=True)) < len(texts) / 100, "hardly any is too long"
    tokenizer(short)
    tokenizer([text for group in GROUPS for text in judged_texts(group)])
    assert 600 < len(WORDS) < 1200 and "colour" not in {
        word for group in GROUPS for word in words_of(judged_texts(group)[0])
    }


def test_nearly_all_that_is_said_of_photographs_can_be_read():
    phrases = [phrase for group in load_domain("face") for phrase in group.phrases]
    readable = [phrase for phrase in phrases if set(words_of(phrase)) <= set(WORDS)]
    assert len(readable) >= 0.95 * len(phrases)


def test_a_caption_that_says_too_much_is_drawn_again():
    person = INDEPENDENT.draw(9, 3)
    plain = [caption(person, np.random.default_rng(seed)) for seed in range(60)]
    short = [short_caption(caption, person, np.random.default_rng(seed), 20) for seed in range(60)]
    assert max(len(words_of(text)) for text in plain) > 20 >= max(len(words_of(text)) for text in short)
    assert all(a == b for a, b in zip(plain, short, strict=True) if len(words_of(a)) <= 20)


def test_weights_between_the_start_and_what_was_learned(tmp_path):
    first, second = task(), task()
    with torch.no_grad():
        for parameter in second.module.parameters():
            parameter.add_(1.0)
    first.save(first.module, tmp_path / "start.safetensors", {})
    second.start_from(tmp_path / "start.safetensors")
    with torch.no_grad():
        for parameter in second.module.parameters():
            parameter.add_(1.0)
    second.keep_start = 0.25
    second.save(second.module, tmp_path / "both.safetensors", {})
    started, learned, both = (
        dict(module.named_parameters())
        for module in (first.module, second.module, load_network(CLIP, tmp_path / "both.safetensors"))
    )
    for name, value in both.items():
        torch.testing.assert_close(value, 0.25 * started[name] + 0.75 * learned[name], atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize(
    ("share", "said"), [("1", "out of range"), ("nan", "out of range"), ("0.5", "nothing to keep")]
)
def test_a_share_of_the_start_that_makes_no_sense(share, said, tmp_path, capsys):
    assert train_clip.main(["--out", str(tmp_path / "x.safetensors"), "--keep-start", share]) == 2
    assert said in capsys.readouterr().err


def test_leaving_padding_out_changes_nothing():
    clip = task().module.eval().image_text()
    texts = ["no beard", "a face with a full beard and round glasses", "curls"]
    torch.testing.assert_close(encode_short(clip, texts), clip.encode_text(texts), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encode_short(clip, texts[:1]), clip.encode_text(texts)[:1], atol=1e-5, rtol=1e-4)


def test_captions_are_contrasted_by_hand():
    places = torch.eye(2)
    loss = contrast(places, places, torch.tensor(2.0), torch.tensor([0, 1]))
    own, other = math.log(math.e**2 / (math.e**2 + 1)), math.log(1 / (math.e**2 + 1))
    assert float(loss) == pytest.approx(-(0.9 * own + 0.1 * (own + other) / 2), abs=1e-6)
    assert float(contrast(places, places, torch.tensor(2.0), torch.tensor([7, 7]))) == pytest.approx(0, abs=1e-6)


def test_unknown_phrases_cost_nothing():
    scores = [torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.zeros(2, 3)]
    truth = torch.tensor([[0, UNKNOWN], [UNKNOWN, UNKNOWN]])
    assert float(group_loss(scores, truth)) == pytest.approx(1)
    assert float(group_loss(scores, torch.full((2, 2), UNKNOWN))) == 0


def test_answers_are_alike_above_the_allowed_cosine():
    same, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert float(alikeness(torch.stack([same, other]))) == 0
    assert float(alikeness(torch.stack([same, same]))) == pytest.approx(0.8)  # 1 − 0.6, for each of the two


def test_the_built_in_model_is_small_enough():
    torch.manual_seed(0)
    module = ClipTask(plain(), config=clip_config()).module
    assert 2 * sum(parameter.numel() for parameter in module.parameters()) < 10 * 2**20


def test_it_learns_what_is_seen(tmp_path, monkeypatch):
    """The pictures show nothing but the background's colour: its phrase gets a better chance than guessing gives."""
    backdrop = tuple(group for group in GROUPS if group.attribute == "background")
    monkeypatch.setattr(clip_task, "book_for", lambda things: replace(HEADS_BOOK, groups=backdrop))
    learner = task()
    engine = engine_of(learner, tmp_path / "clip.safetensors", 30, Recipe(batch=8, rate=4e-3))
    engine.run()
    loss = learner.loss(torch.arange(32), Draws(1, 1))["phrases"].item()
    assert loss < 0.87 * math.log(len(backdrop[0].choices))
    assert set(engine.scores) > {"accuracy", "expression.mood", "beard.kind"}


def test_both_towers_and_the_scale_get_gradients():
    learner = task()
    sum(learner.loss(torch.arange(8), Draws(0, 0)).values()).backward()
    parameters = dict(learner.module.named_parameters())
    for name in ("model.visual.conv1.weight", "model.token_embedding.weight", "model.logit_scale"):
        assert parameters[name].grad.abs().max() > 0


def test_starting_from_another_model_is_refused(tmp_path):
    engine = engine_of(task(), tmp_path / "clip.safetensors", 1)
    engine.run()
    again = task(seed=9)
    again.start_from(tmp_path / "clip.safetensors")
    weight = "model.visual.conv1.weight"
    torch.testing.assert_close(
        again.module.state_dict()[weight], engine.task.average.state_dict()[weight], atol=2e-3, rtol=0
    )
    with pytest.raises(ConfigError):
        ClipTask(plain()).start_from(tmp_path / "clip.safetensors")


def test_the_command_line_trains_and_resumes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "render_views", lambda seed, size, count: plain(size))
    monkeypatch.setattr(train_clip, "ClipTask", lambda *given: ClipTask(*given, config=SMALL_CLIP))
    out = str(tmp_path / "clip.safetensors")
    assert train_clip.main(["--out", out, "--steps", "1", "--batch", "4"]) == 0
    assert train_clip.main(["--out", out, "--steps", "2", "--batch", "4", "--resume"]) == 0
    assert "held out" in capsys.readouterr().out and load_clip(weights=out)


def test_the_suite_judges_each_group(tmp_path, monkeypatch, capsys):
    engine_of(task(), tmp_path / "clip.safetensors", 1).run()
    monkeypatch.setattr(suite, "_views", lambda options: plain())
    report = suite.run(suite.JudgeClip(weights=tmp_path / "clip.safetensors"))
    assert report["count"] == 68 and 0 <= report["groups"]["beard"]["kind"]["accuracy"] <= 1
    assert set(report["groups"]) == {group.attribute for group in JUDGED} and "beard.kind" in capsys.readouterr().out
    with pytest.raises(FileError):
        suite.run(suite.JudgeClip(weights=tmp_path / "missing.safetensors"))


def test_a_perfect_answer_gets_full_marks():
    report = suite.judge([torch.eye(len(group.choices), dtype=torch.int64) * 3 for group in JUDGED])
    assert report["accuracy"] == 1
    assert all(not part["worst"] for groups in report["groups"].values() for part in groups.values())


def test_generated_pictures_join_the_rendered():
    coder = Coder(random_network(labelled_config()), FIRST)
    made = generated_views(coder, 1, 3)
    assert len(made) == 3 and made.heads.tolist() == [0, 0, 1] and made.images.shape[1:] == (32, 32, 3)
    both = joined(plain(32, 4), made)
    assert len(both) == 11 and both.heads.tolist()[-3:] == [4, 4, 5] and both.parameters[-1] == made.parameters[-1]
    assert torch.equal(both.images[8:], made.images) and both.latents is None
    styles = coder.network.styles(coder.network.map(made.latents[:1]))
    image = generate_views(coder.network, styles, [Pose(float(made.yaw_rad[0]), float(made.pitch_rad[0]))]).image
    wanted = (image[0].permute(1, 2, 0) + 1) * 127.5
    assert (made.images[0].float() - wanted).abs().max() <= 0.51


def test_the_command_mixes_in_pictures_of_a_generator_nobody_labelled(tmp_path, monkeypatch, capsys):
    """Its z say nothing: an encoder sees the renders of heads, whose captions go with what is drawn of them."""
    seen = []

    def make(views, *given):
        seen.append(views)
        return ClipTask(views, *given, config=SMALL_CLIP)

    generator, encoder = random_network(unlabelled_config()), random_encoder(16)
    save_checkpoint(tmp_path / "generator.safetensors", generator.config, dict(generator.state_dict()), {})
    save_network(tmp_path / "encoder.safetensors", ENCODER, encoder)
    monkeypatch.setattr(command, "render_views", lambda seed, size, count: plain(size))
    monkeypatch.setattr(train_clip, "ClipTask", make)
    grey = SimpleNamespace(image=np.full((64, 64, 3), 128, np.uint8))
    monkeypatch.setattr("training.networks.coded_heads.render_head", lambda p, poses, size: [grey for _ in poses])
    arguments = ["--out", str(tmp_path / "clip.safetensors"), "--steps", "1", "--batch", "4", "--generated", "3",
                 "--generator", str(tmp_path / "generator.safetensors")]  # fmt: skip
    assert train_clip.main([*arguments, "--encoder", str(tmp_path / "encoder.safetensors")]) == 0
    (views,) = seen
    assert len(views) == 71 and views.images.shape[1] == clip_task.SIZE
    assert views.parameters[-1] == PHOTOGRAPHS.draw(50_000, 1) and load_clip(weights=tmp_path / "clip.safetensors")
    capsys.readouterr()
    assert train_clip.main([*arguments, "--restart"]) == 2 and "another generator" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["synthcars", "synthcats"])
def test_other_things_are_learned_by_their_own_words(name):
    domain = find_domain(name)
    drawn = [population.draw(9, i) for population in domain.populations.values() for i in range(300)]
    book = book_for(drawn)
    assert book.domain is domain and book_of(domain) is book and book_of(HEADS) is HEADS_BOOK
    words = WordTokenizer(book.vocabulary, clip_config(book).text["context_length"])
    rng = np.random.default_rng(1)
    for thing in drawn:
        assert set(words_of(short_caption(domain.caption, thing, rng, 40))) <= set(book.vocabulary)
    assert words([text for group in book.judged for text in book.judged_texts(group)]).shape[0] > 10
    found = book.targets(drawn, book.judged)
    for column, group in zip(found.unbind(1), book.judged, strict=True):
        assert set(range(len(group.answers))) <= set(column.tolist()), group.name
