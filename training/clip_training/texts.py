"""The text tower on as many words as a batch really has: what open_clip computes, without its padding."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.clip import ImageText


def encode_short(clip: ImageText, texts: Sequence[str]) -> Tensor:
    """As ``clip.encode_text``, ``[N, D]`` of unit length, several times as fast where texts are short.

    The tower looks back only and its result is read at the end of a text, so that padding behind it changes nothing.
    """
    model = clip.model
    tokens = clip.tokenizer(list(texts)).to(clip.mean.device)
    length = int((tokens != 0).sum(1).max())
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    ends = x[torch.arange(len(tokens), device=x.device), tokens.argmax(1)]
    return F.normalize((ends @ model.text_projection).float(), dim=-1)
