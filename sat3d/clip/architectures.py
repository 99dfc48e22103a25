"""Detection of open_clip's architectures by names and shapes of tensors, without building any."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

QUICK = "-quickgelu"  # the same shapes, another activation
_SHOWN = 4
_TEXT_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.")
_IMAGE_BLOCK = re.compile(r"visual\.transformer\.resblocks\.(\d+)\.")
_TIMM = "timm"  # towers of that package, which only it can tell apart


@dataclass(frozen=True)
class TextTower:
    """Sizes of a text tower."""

    words: int
    tokens: int
    width: int
    layers: int

    def __str__(self):
        return f"text {self.width} wide in {self.layers} layers, {self.tokens} of {self.words} tokens"


@dataclass(frozen=True)
class ImageTower:
    """Sizes of an image tower; ``layers``: of a transformer, or the four stages of a ResNet (``patch_px`` 0)."""

    width: int
    layers: int | tuple[int, ...]
    patch_px: int
    size_px: int

    def __str__(self):
        patches = f" in patches of {self.patch_px}" if self.patch_px else ""
        return f"pictures of {self.size_px} pixels{patches}, {self.width} wide in {self.layers} layers"


@dataclass(frozen=True)
class Towers:
    """What tells architectures apart; None where there is no such tower, ``"timm"`` where its sizes are not known."""

    text: TextTower | None
    image: ImageTower | str | None
    embed_dim: int | None
    decoder: bool = False

    def __str__(self):
        image = "pictures by a network of timm" if self.image == _TIMM else self.image
        return "; ".join(str(part) for part in (image, self.text, f"vectors of {self.embed_dim}") if part)

    def within(self, whole: "Towers") -> bool:
        """Whether ``whole`` has these towers; one that is not here may be any."""
        pairs = ((self.text, whole.text), (self.image, whole.image), (self.embed_dim, whole.embed_dim))
        return all(mine in (None, other) for mine, other in pairs) and self.decoder == whole.decoder


def towers_of(tensors: Mapping[str, Tensor]) -> Towers:
    """Of tensors by open_clip's names."""
    shapes = {name.removeprefix("text."): tuple(tensor.shape) for name, tensor in tensors.items()}
    return Towers(_text(shapes), _image(shapes), _embed_dim(shapes), any(n.startswith("text_decoder.") for n in shapes))


def _text(shapes: Mapping[str, tuple]) -> TextTower | None:
    words, tokens = shapes.get("token_embedding.weight"), shapes.get("positional_embedding")
    if not words or not tokens or len(words) != 2:
        return None
    return TextTower(words[0], tokens[0], words[1], _count(_TEXT_BLOCK, shapes))


def _image(shapes: Mapping[str, tuple]) -> ImageTower | str | None:
    if any(name.startswith("visual.trunk.") for name in shapes):
        return _TIMM
    first = shapes.get("visual.conv1.weight", ())
    pooled = shapes.get("visual.attnpool.positional_embedding")
    places = shapes.get("visual.positional_embedding") or pooled
    if len(first) != 4 or not places:
        return None
    side = round(max(places[0] - 1, 0) ** 0.5)  # without the place of the class
    if not pooled:
        return ImageTower(first[0], _count(_IMAGE_BLOCK, shapes), first[3], side * first[3])
    stages = tuple(_count(re.compile(rf"visual\.layer{stage}\.(\d+)\."), shapes) for stage in range(1, 5))
    return ImageTower(2 * first[0], stages, 0, side * 32)  # the first of three convolutions has half of the width


def _embed_dim(shapes: Mapping[str, tuple]) -> int | None:
    last = {"text_projection": 1, "text_projection.weight": 0, "visual.proj": 1, "visual.attnpool.c_proj.weight": 0}
    return next((shapes[name][axis] for name, axis in last.items() if len(shapes.get(name, ())) == 2), None)


def _count(block: re.Pattern, names: Iterable[str]) -> int:
    return len({found[1] for name in names if (found := block.match(name))})


def towers_of_config(config: Mapping) -> Towers:
    """Of an architecture as ``open_clip.get_model_config`` has it."""
    text, image = config["text_cfg"], config["vision_cfg"]
    return Towers(
        None if "hf_model_name" in text else _configured_text(text),
        _TIMM if image.get("timm_model_name") else _configured_image(image),
        config["embed_dim"],
        "multimodal_cfg" in config,
    )


def _configured_text(text: Mapping) -> TextTower:
    tokens = text.get("context_length", 77) + bool(text.get("embed_cls"))
    return TextTower(text.get("vocab_size", 49408), tokens, text.get("width", 512), text.get("layers", 12))


def _configured_image(image: Mapping) -> ImageTower:
    size, layers, width = image.get("image_size", 224), image.get("layers", 12), image.get("width", 768)
    if isinstance(layers, (list, tuple)):
        return ImageTower(width, tuple(layers), 0, size)
    patch = image.get("patch_size", 16)
    return ImageTower(width, layers, patch, size // patch * patch)


def find_architectures(towers: Towers) -> list[str]:
    """The names that open_clip has for these towers, or with this half; those with most published weights first."""
    import open_clip  # takes seconds

    if towers.text is None and towers.image is None:
        return []
    configs = ((name, open_clip.get_model_config(name)) for name in open_clip.list_models())
    known = {name: towers_of_config(config) for name, config in configs if config}
    names = [name for name, whole in known.items() if whole.text and towers.within(whole)]
    return sorted(names, key=lambda name: (-len(open_clip.list_pretrained_tags_by_model(name)), name))


def drop_activations(names: Iterable[str]) -> list[str]:
    """Each architecture once, whatever its activation."""
    return list(dict.fromkeys(name.removesuffix(QUICK) for name in names))


def join_names(names: Iterable[str]) -> str:
    """``A, B or C``, the first few of at least one."""
    names = drop_activations(names)
    shown = names[:_SHOWN] + ["others"] * (len(names) > _SHOWN)
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
