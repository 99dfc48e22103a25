"""Words to numbers: for a model that knows a closed vocabulary, and for open_clip's without cutting a text off."""

import difflib
import re
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ..errors import ConfigError
from ..texts import compose_accents

_WORD = re.compile(r"[^\W_]+")
_PADDING = 0
EXTRA_TOKENS = 3  # padding, start and end
_MOST_NAMED, _MOST_NEAR = 4, 6  # unknown words, and known ones that look like them
_STEM = 4  # letters


def words_of(text: str) -> list[str]:
    """Lower-case words; hyphens and punctuation only separate them, so "Clean-shaven." is "clean", "shaven"."""
    return _WORD.findall(compose_accents(text.lower()))


def vocabulary_of(texts: Iterable[str]) -> tuple[str, ...]:
    """All words of the texts, each once, in alphabetical order."""
    return tuple(sorted({word for text in texts for word in words_of(text)}))


class WordTokenizer:
    """``tokenizer(texts) -> [N, length]`` int64, as open_clip's tokenizers are called.

    0 is padding, then come the words, the start and the end. The end has the largest number: that is where
    open_clip's text tower looks for its result (``pool_type`` "argmax").
    """

    def __init__(self, vocabulary: Sequence[str], length: int):
        self.length = length
        self.numbers = {word: number for number, word in enumerate(vocabulary, 1)}
        self.start, self.end = len(vocabulary) + 1, len(vocabulary) + 2

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """
        Raises:
            ConfigError: a word that is not known, or too many words.
        """
        self._check_known(texts)
        tokens = torch.full((len(texts), self.length), _PADDING)
        for row, text in enumerate(texts):
            numbers = [self.start, *(self.numbers[word] for word in words_of(text)), self.end]
            if len(numbers) > self.length:
                raise _too_long(text, f"at most {self.length - 2} words")
            tokens[row, : len(numbers)] = torch.tensor(numbers)
        return tokens

    def _check_known(self, texts: Sequence[str]) -> None:
        """All unknown words at once: whoever has mended the first wants no second refusal."""
        unknown = {word: text for text in texts for word in words_of(text) if word not in self.numbers}
        if not unknown:
            return
        near = "; ".join(f"for {word!r} {self._describe_near(word)}" for word in list(unknown)[:_MOST_NAMED])
        more = f", and {len(unknown) - _MOST_NAMED} more words" if len(unknown) > _MOST_NAMED else ""
        raise ConfigError(
            "This model does not know a word" if len(unknown) == 1 else "This model does not know some words",
            ", ".join(f"{word!r} in {text!r}" for word, text in list(unknown.items())[:_MOST_NAMED]) + more,
            f"of its {len(self.numbers)} words, {near}",
            "say it with other words, or take a CLIP that knows them all: an open_clip_model.safetensors of ViT-B-32 "
            "or larger, from a model hub, or one trained on such pictures (training/train_clip.py), in the host's "
            "models/open_clip or as the command's image-text weights",
        )

    def _describe_near(self, word: str) -> str:
        """Those that are written like it, then those that begin like it."""
        alike = difflib.get_close_matches(word, self.numbers, n=_MOST_NEAR, cutoff=0.55)
        begin = [known for known in self.numbers if known[:_STEM] == word[:_STEM]]
        return ", ".join(list(dict.fromkeys([*alike, *begin]))[:_MOST_NEAR]) or "none that looks like it"


class WholeTextTokenizer:
    """A tokenizer of open_clip, which would cut a long text off without a word; here such a text is refused."""

    def __init__(self, tokenizer):
        self.tokenizer, self.length = tokenizer, tokenizer.context_length

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """
        Raises:
            ConfigError: a text of more tokens than the model takes.
        """
        tokens = self.tokenizer(list(texts))
        # With room for one more, a text that was cut off goes on where its end was; any other stays as it is.
        roomier = self.tokenizer(list(texts), context_length=self.length + 1)
        for text, row, longer in zip(texts, tokens, roomier, strict=True):
            if not torch.equal(row, longer[: self.length]):
                raise _too_long(
                    text, f"at most {self.length - 2} tokens; a word has one or more, a Chinese character two or three"
                )
        return tokens


def _too_long(text: str, most: str) -> ConfigError:
    return ConfigError("The text is too long for this model", text, most, "shorten it")
