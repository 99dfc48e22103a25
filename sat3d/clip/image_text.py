"""Pictures and texts as directions in one space, differentiable as far as the pixels."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError, ShapeError
from ..texts import compose_accents, has_word
from .resizing import Resizing

Tokenizer = Callable[[Sequence[str]], Tensor]


class ImageText(nn.Module):
    """A contrastive image-text model (Radford et al. 2021, arXiv:2103.00020) with its pre-processing as tensor code.

    Args:
        model: an ``open_clip`` model.
        tokenizer: texts to the token numbers ``[N, L]`` that the model was trained with; raises ConfigError for a text
            that it cannot take as a whole.
        size: (height, width) of the pictures that it takes, in pixels.
        mean, std: of its training pictures, for each of red, green, blue in 0..1.
        resizing: how pictures of another size come to its own.

    Example:
        >>> from sat3d.clip import load_clip
        >>> clip = load_clip("synthheads-clip")
        >>> texts = clip.encode_text(["the face of a person with no beard", "the face of a person with a full beard"])
        >>> images = torch.zeros(3, 3, 128, 128)
        >>> (clip.logit_scale * clip.encode_image(images) @ texts.T).softmax(1).shape
        torch.Size([3, 2])
    """

    model: Any  # one of open_clip's classes, which share no type
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: Any,
        tokenizer: Tokenizer,
        size: tuple[int, int],
        mean: Sequence[float],
        std: Sequence[float],
        resizing: Resizing | None = None,
    ):
        super().__init__()
        self.model, self.tokenizer, self.size = model, tokenizer, size
        self.resizing = resizing or Resizing()
        self.register_buffer("mean", torch.tensor(tuple(mean)).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(tuple(std)).reshape(1, 3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        return self.mean.device

    @property
    def logit_scale(self) -> Tensor:
        """What cosines are multiplied with before a softmax: a positive scalar."""
        return self.model.logit_scale.exp().reshape(())

    def prepare(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` floats in -1..1 -> ``[B, 3, *size]`` as the model takes them: what open_clip's own
        transform makes of the 8-bit picture, but differentiable.

        Pictures of the model's size keep what overshoots -1..1; others are clamped, and gradients pass all the same.

        Raises:
            ShapeError: another shape, not floats, or not finite.
        """
        wanted = "[B, 3, H, W] finite floats in -1..1"
        if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape:
            raise ShapeError("Not pictures that CLIP can judge", tuple(images.shape), wanted, "check the shape")
        if not images.is_floating_point() or not torch.isfinite(images).all():
            raise ShapeError("Not pictures that CLIP can judge", f"{images.dtype}, or not finite", wanted, "check them")
        images = self.resizing(images, self.size)
        return (0.5 * images + 0.5 - self.mean) / self.std

    def encode_image(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1, of any size -> ``[B, D]`` of unit length; differentiable.

        Raises:
            ShapeError: see :meth:`prepare`.
        """
        return F.normalize(self.model.encode_image(self.prepare(images)).float(), dim=-1)

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, L]`` int64 on the model's device; accents count the same however they are encoded.

        Raises:
            ShapeError: no texts, or one string in place of a list.
            ConfigError: a text without a word, too long, or with a word that the model does not know.
        """
        if isinstance(texts, str) or not texts or not all(isinstance(text, str) for text in texts):
            raise ShapeError("Not texts that CLIP can read", repr(texts)[:80], "a list of strings, not empty")
        for text in texts:
            if not has_word(text):
                raise ConfigError("There is no word in the text", repr(text), "a letter or a digit", "say it in words")
        return self.tokenizer([compose_accents(text) for text in texts]).to(self.device)

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]`` of unit length.

        Raises:
            ShapeError, ConfigError: see :meth:`tokens`.
        """
        return F.normalize(self.model.encode_text(self.tokens(texts)).float(), dim=-1)
