"""The interface of image-text models that QMM measures with; any CLIP-like network with these members will do."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class ImageTextModel(Protocol):
    """A network that puts pictures and sentences into one space, where a cosine says how well they fit."""

    @property
    def device(self) -> torch.device:
        """Where it computes: pictures are to be brought there."""
        ...

    @property
    def logit_scale(self) -> float | Tensor:
        """The factor on the cosine itself, above 0 (OpenAI's CLIP: 100), not its logarithm, which checkpoints hold."""
        ...

    def encode_image(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1, any size -> ``[B, D]`` of unit length; differentiable in the images."""
        ...

    def encode_text(self, texts: list[str]) -> Tensor:
        """N sentences -> ``[N, D]`` of unit length; a ConfigError for one that it cannot read as a whole."""
        ...
