"""Texts to tokens, by the built-in model's tokenizer and by open_clip's: whole, or refused in the same words."""

import unicodedata

import pytest
import torch
from open_clip import SimpleTokenizer

from sat3d.clip import ImageText
from sat3d.clip.tokenizer import WholeTextTokenizer, WordTokenizer, words_of
from sat3d.domains import parse_domain
from sat3d.errors import ConfigError, ShapeError
from sat3d.qmm import QMM

TEMPLATE = "the face of a person with {}"
ENDS = 2
CHINESE = "一个留着浓密的黑色大胡子并且戴着一副圆形金属框眼镜的中年男人的面部特写照片背景是白色的墙壁没有戴帽子"


class MeanOfTokens(torch.nn.Module):
    """In place of towers: texts with the same tokens have the same vector, any others do not."""

    def __init__(self, words: int):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(words, 8)
        self.logit_scale = torch.nn.Parameter(torch.tensor(2.0))

    def encode_text(self, tokens):
        places = torch.arange(1.0, 1 + tokens.shape[1])[:, None]
        return (self.table(tokens) * places).mean(1)


def built_in() -> ImageText:
    words = sorted({*words_of(TEMPLATE), "full", "half", "beard", "café", "au", "lait", "x"})
    return ImageText(MeanOfTokens(len(words) + 3), WordTokenizer(words, 77), (32, 32), (0.5,) * 3, (0.5,) * 3)


def open_clips() -> ImageText:
    tokenizer = SimpleTokenizer()
    return ImageText(
        MeanOfTokens(tokenizer.vocab_size), WholeTextTokenizer(tokenizer), (32, 32), (0.5,) * 3, (0.5,) * 3
    )


MODELS = {"built-in": built_in, "open_clip": open_clips}
BOTH = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def domain(*phrases: str):
    group = {"kind": list(phrases)}
    return parse_domain({"schema": "sat3d-domain/1", "name": "m", "template": TEMPLATE, "attributes": {"beard": group}})


def test_all_unknown_words_are_named_with_known_ones_that_look_like_them():
    tokenizer = WordTokenizer(["beard", "bearded", "full", "half", "moustache"], 20)
    with pytest.raises(ConfigError) as caught:
        tokenizer(["a full beards", "mustache", "a zzz"])
    error = caught.value
    assert "'beards' in 'a full beards'" in error.got and "'zzz'" in error.got and "'a' in" in error.got
    assert "for 'beards' beard, bearded" in error.wanted and "for 'mustache' moustache" in error.wanted
    assert "for 'zzz' none that looks like it" in error.wanted and "its 5 words" in error.wanted
    assert "open_clip_model.safetensors" in error.next_step and "models/open_clip" in error.next_step


@BOTH
def test_a_text_that_fills_the_model_to_the_last_place_is_read(model):
    words = 77 - ENDS
    tokens = model().tokens([" ".join(["x"] * words), "x"])
    assert tokens.shape == (2, 77) and (tokens[0] != 0).all() and int((tokens[1] != 0).sum()) == 1 + ENDS


@BOTH
def test_a_text_of_one_word_more_is_refused_by_both_in_the_same_words(model):
    text = " ".join(["x"] * (77 - ENDS + 1))
    with pytest.raises(ConfigError, match=r"^The text is too long for this model\. Got: x x.*at most 75"):
        model().tokens(["x", text])


@pytest.mark.parametrize("length", [5, 20])
def test_the_length_is_that_of_the_architecture(length):
    tokenizer = WholeTextTokenizer(SimpleTokenizer(context_length=length))
    assert tokenizer(["x " * (length - ENDS)]).shape == (1, length)
    with pytest.raises(ConfigError, match=f"at most {length - ENDS} tokens"):
        tokenizer(["x " * (length - ENDS + 1)])


@BOTH
@pytest.mark.parametrize("text", ["!!!", "… — …", " ", "_"])
def test_a_text_without_a_word_is_refused_by_both(model, text):
    with pytest.raises(ConfigError, match="no word"):
        model().tokens(["x", text])


@BOTH
def test_accents_count_the_same_however_they_are_encoded(model):
    text = "café au lait"
    compose_accents, decomposed = model().tokens([text, unicodedata.normalize("NFD", text)])
    assert torch.equal(compose_accents, decomposed) and int((compose_accents != 0).sum()) >= 3 + ENDS


@BOTH
@pytest.mark.parametrize("texts", ["a face", [], [3]])
def test_what_is_no_list_of_texts(model, texts):
    with pytest.raises(ShapeError, match="Not texts"):
        model().tokens(texts)


def test_what_is_one_and_the_same_to_the_model_is_refused_by_place_and_phrase():
    both = domain("full-beard", "full beard")
    with pytest.raises(ConfigError, match=r"beard\.kind of the domain 'm': 'full-beard' and 'full beard'"):
        QMM(built_in(), both)
    assert len(QMM(open_clips(), both).text_vectors) == 1  # which sees the hyphen


def test_a_pair_anywhere_in_a_group_is_found():
    with pytest.raises(ConfigError, match="'half beard' and 'half-beard'"):
        QMM(built_in(), domain("full beard", "half beard", "café", "half-beard"))


@BOTH
def test_long_phrases_are_refused_by_place_before_they_are_cut_to_the_same(model):
    phrases = [f"{'x ' * 80}{end}" for end in ("full", "half")]
    with pytest.raises(ConfigError, match=r"too long.*beard\.kind of the domain 'm': the face of a person with x x"):
        QMM(model(), domain(*phrases))


def test_long_phrases_of_a_script_without_spaces():
    with pytest.raises(ConfigError, match=r"too long.*一个留着浓密的黑色大胡子"):
        QMM(open_clips(), domain(CHINESE + "微笑", CHINESE + "哭泣"))


def test_a_word_that_is_not_known_is_named_with_its_place():
    with pytest.raises(ConfigError, match=r"does not know a word.*beard\.kind.*'goatee'.*Next step: say it with other"):
        QMM(built_in(), domain("full beard", "goatee"))
