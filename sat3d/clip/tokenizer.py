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
        tokens = torch.full((len(texts), self.length), _PADDING)
        for row, text in enumerate(texts):
            numbers = [self.start, *(self._number(word, text) for word in words_of(text)), self.end]
            if len(numbers) > self.length:
                raise _too_long(text, f"at most {self.length - 2} words")
            tokens[row, : len(numbers)] = torch.tensor(numbers)
        return tokens

    def _number(self, word: str, text: str) -> int:
        if word in self.numbers:
            return self.numbers[word]
        close = difflib.get_close_matches(word, self.numbers, n=4, cutoff=0.6)
        raise ConfigError(
            "This model does not know a word",
            f"{word!r} in {text!r}",
            f"one of its {len(self.numbers)} words" + (f", such as {', '.join(close)}" if close else ""),
            "say it with other words, or choose a model with a full vocabulary",
        )


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
