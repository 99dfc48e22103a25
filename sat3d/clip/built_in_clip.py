"""The package's own small CLIP: an ``open_clip`` model whose file holds its configuration and vocabulary."""

import os
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ..checks import check_whole
from ..errors import ConfigError
from ..files.network_files import NetworkKind
from ..networks.blocks import ConvNorm, halving_trunk
from ..networks.face_zoom import zoom_matrices
from .image_text import ImageText
from .tokenizer import EXTRA_TOKENS, WordTokenizer, words_of

BUILT_IN = "synthheads-clip"
# A file may set these and no others: some of open_clip's settings would fetch weights from the network.
_IMAGE_SETTINGS = {"image_size", "layers", "width", "head_width", "patch_size", "mlp_ratio"}
_HEAD_SETTINGS = {"image_size", "widths", "depths", "face_zoom"}  # of our own tower
_TEXT_SETTINGS = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"}
_SHARES = {"mlp_ratio", "face_zoom"}
_LISTS = {"layers": (1, 100), "widths": (1, 4096), "depths": (0, 16)}  # may be lists of whole numbers in these limits
_SQUEEZED = 64
_LEAST_CELLS = 2
_NEXT_STEP = "choose another file, or train anew: python training/train_clip.py --help"


@dataclass(frozen=True)
class ClipConfig:
    """``image`` and ``text`` are open_clip's ``vision_cfg`` and ``text_cfg``; a list of four ``layers`` makes a ResNet.

    With ``widths`` in ``image`` the pictures go through our own :class:`HeadTower`.

    ``mean`` and ``std``: of the pictures, for each of red, green, blue in 0..1.

    Raises:
        ConfigError: settings of another kind or out of range, or a vocabulary that does not fit the text tower.
    """

    embed_dim: int
    image: dict[str, Any]
    text: dict[str, Any]
    vocabulary: tuple[str, ...]
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def __post_init__(self):
        check_whole("CLIP's embed_dim", self.embed_dim, 1, 4096)
        if self.has_own_tower:
            _check_settings("image", self.image, _HEAD_SETTINGS, _HEAD_SETTINGS)
        else:
            _check_settings("image", self.image, _IMAGE_SETTINGS, {"image_size", "layers", "width"})
        _check_settings("text", self.text, _TEXT_SETTINGS, {"context_length", "vocab_size", "width", "heads", "layers"})
        for name in ("vocabulary", "mean", "std"):
            values = getattr(self, name)
            if not isinstance(values, (list, tuple)):
                raise ConfigError(f"CLIP's {name} is not usable", repr(values)[:80], "a list", _NEXT_STEP)
            object.__setattr__(self, name, tuple(values))
        _check_vocabulary(self.vocabulary, self.text["vocab_size"])
        if not all(_are_numbers(values) for values in (self.mean, self.std)) or not min(self.std) > 0:
            raise ConfigError("CLIP's mean and std are not usable", (self.mean, self.std), "3 numbers each", _NEXT_STEP)

    @property
    def has_own_tower(self) -> bool:
        return isinstance(self.image, dict) and "widths" in self.image

    @property
    def image_px(self) -> int:
        return self.image["image_size"]


# What open_clip builds first, where the tower is replaced: as little as it can.
_PLACEHOLDER = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 4, "head_width": 4}


def _check_settings(tower: str, settings: Any, allowed: set[str], needed: set[str]) -> None:
    names = set(settings) if isinstance(settings, dict) else set()
    if not needed <= names <= allowed:
        raise ConfigError(f"CLIP's {tower} tower has other settings", sorted(names), sorted(allowed), _NEXT_STEP)
    for name, value in settings.items():
        if name in _SHARES:
            least = 0.0 if name == "face_zoom" else 1e-6  # pictures of things that are no faces are not magnified
            if not isinstance(value, (int, float)) or not least <= value <= 16:
                raise ConfigError(f"CLIP's {tower} {name} is out of range", value, f"{least:g} to 16", _NEXT_STEP)
            continue
        for size in value if name in _LISTS and isinstance(value, (list, tuple)) else [value]:
            low, high = _LISTS.get(name, (1, 65536))
            check_whole(f"CLIP's {tower} {name}", size, low, high)


def _check_vocabulary(vocabulary: tuple, count: Any) -> None:
    if not all(isinstance(word, str) and words_of(word) == [word] for word in vocabulary):
        raise ConfigError(
            "CLIP's vocabulary is not usable", repr(vocabulary)[:80], "single lower-case words", _NEXT_STEP
        )
    if len(set(vocabulary)) != len(vocabulary) or len(vocabulary) + EXTRA_TOKENS != count:
        raise ConfigError(
            "CLIP's vocabulary does not fit its text tower",
            f"{len(set(vocabulary))} different words of {len(vocabulary)}, vocab_size {count}",
            f"different words, {EXTRA_TOKENS} fewer than vocab_size",
            _NEXT_STEP,
        )


def _are_numbers(values: tuple) -> bool:
    return len(values) == 3 and all(isinstance(value, (int, float)) and abs(value) <= 10 for value in values)


class HeadTower(nn.Module):
    """Pictures of registered heads ``[B, 3, S, S]`` -> ``[B, embed_dim]``, in place of open_clip's ``visual``.

    ``widths``, ``depths``: channels and residual blocks at a half, a quarter, … of ``image_size``; ``face_zoom``: see
    ``sat3d/networks/face_zoom.py``. Four times as fast as a ResNet of open_clip that tells expressions apart as well.

    Raises:
        ValueError: levels that do not fit together.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self, embed_dim: int, image_size: int, widths: list[int], depths: list[int], face_zoom: float, hidden: int = 384
    ):
        super().__init__()
        cells = image_size // 2 ** len(widths)
        if cells < _LEAST_CELLS or cells * 2 ** len(widths) != image_size or len(widths) != len(depths):
            raise ValueError(f"{image_size} pixels, widths {widths}, depths {depths}")
        self.image_size = (image_size, image_size)
        rows, columns = zoom_matrices(image_size, face_zoom)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.trunk = halving_trunk(widths, depths)
        self.squeeze = nn.Sequential(ConvNorm(widths[-1], _SQUEEZED, 1), nn.Flatten(), nn.Dropout(0.1))
        self.hidden = nn.Sequential(nn.Linear(_SQUEEZED * cells**2, hidden), nn.ReLU())
        self.projection = nn.Linear(hidden, embed_dim)

    def forward(self, images: Tensor) -> Tensor:
        return self.projection(self.hidden(self.squeeze(self.trunk(self.rows @ images @ self.columns.T))))


class OwnClip(nn.Module):
    """The network of a :class:`ClipConfig`, with what a file of weights needs to know."""

    def __init__(self, config: ClipConfig):
        super().__init__()
        from open_clip import CLIP, CLIPTextCfg, CLIPVisionCfg  # takes seconds, and most users of the package need none

        self.config = config
        try:
            vision = _PLACEHOLDER if config.has_own_tower else config.image
            self.model = CLIP(config.embed_dim, CLIPVisionCfg(**vision), CLIPTextCfg(**config.text))
            if config.has_own_tower:
                self.model.register_module("visual", HeadTower(config.embed_dim, **config.image))
        except (AssertionError, RuntimeError, TypeError, ValueError, ZeroDivisionError, IndexError) as error:
            got = str(error) or type(error).__name__
            raise ConfigError(
                "CLIP's towers cannot be built", got, "sizes that heads and patches divide", _NEXT_STEP
            ) from error

    def image_text(self) -> ImageText:
        """The same network, not a copy, as one that takes pictures and words."""
        config = self.config
        tokenizer = WordTokenizer(config.vocabulary, config.text["context_length"])
        wrapped = ImageText(self.model, tokenizer, (config.image_px, config.image_px), config.mean, config.std)
        return wrapped.to(self.model.logit_scale.device).train(self.training)


KIND = NetworkKind(
    "the built-in CLIP",
    "sat3d-clip/1",
    f"{BUILT_IN}.safetensors",
    "training/train_clip.py --help",
    ClipConfig,
    OwnClip,
)


def load_own(path: str | os.PathLike | None = None) -> ImageText:
    """The model in a file of ``training/train_clip.py``, or the one that comes with the package.

    Raises:
        FileError: missing, damaged or of another kind; ConfigError: its configuration is not usable.
    """
    return KIND.load(path).image_text()
