"""Captions that the text tower can read, and the tower on as many words as a batch really has."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.clip import ImageText
from sat3d.clip.tokenizer import words_of

ENDS = 2  # tokens: start and end
_CAPTION_DRAWS = 100
Caption = Callable[[Any, np.random.Generator], str]


def short_caption(caption: Caption, parameters: Any, rng: np.random.Generator, most_words: int) -> str:
    """A caption that the text tower can read: one in some thousand says too much, and another is drawn."""
    for _ in range(_CAPTION_DRAWS):
        text = caption(parameters, rng)
        if len(words_of(text)) <= most_words:
            break
    return text  # one that is still too long is refused by the tokenizer, in words


def encode_short(clip: ImageText, texts: Sequence[str]) -> Tensor:
    """As ``clip.encode_text``, ``[N, D]`` of unit length, several times as fast where texts are short.

    The tower looks back only and its result is read at the end of a text, so that padding behind it changes nothing.
    """
    model = clip.model
    tokens = clip.tokens(texts)
    length = int((tokens != 0).sum(1).max())
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    ends = x[torch.arange(len(tokens), device=x.device), tokens.argmax(1)]
    return F.normalize((ends @ model.text_projection).float(), dim=-1)
