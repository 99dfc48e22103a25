"""Image-text models by name. Nothing is ever downloaded, and no file that could run code is opened."""

import difflib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigError, FileError
from ..files.safetensors_io import list_misfits, name_some
from .built_in_clip import BUILT_IN, load_own
from .image_text import ImageText
from .resizing import Resizing
from .tokenizer import WholeTextTokenizer
from .weights import WeightsFile, open_weights

UNTRAINED = "untrained"  # in place of weights: random ones, to try an architecture out
_SCALARS = {"logit_scale", "logit_bias"}
_COUNTER = "num_batches_tracked"  # of batch norms, of no use here


def load_clip(
    name: str = BUILT_IN, weights: str | os.PathLike | None = None, device: torch.device | str = "cpu"
) -> ImageText:
    """An image-text model, in eval mode, without gradients of its own.

    Args:
        name: ``synthheads-clip``, or a name of ``open_clip.list_models()``; see also ``choose_architecture``. Weights
            of OpenAI, MetaCLIP and DFN belong to the names that end in ``-quickgelu``, most of LAION and DataComp to
            those without.
        weights: a local ``.safetensors`` file in the layout of open_clip (``open_clip_model.safetensors``) or of
            transformers' CLIPModel; None for the built-in model's own; ``"untrained"`` for random numbers.
        device: where it computes.

    Raises:
        ConfigError: an unknown name, a tokenizer that is not part of open_clip, an unusable configuration.
        FileError: no weights given or there, of another format, damaged, only half a model, or of another
            architecture, which is then named.
    """
    if name == BUILT_IN:
        return load_own(weights).to(device)
    config = _find_config(name)
    if weights is None:
        raise FileError(
            f"There are no weights for {name}",
            "no file",
            "a local open_clip_model.safetensors",
            f"download it once and give its path, or use {BUILT_IN}",
        )
    if weights == UNTRAINED:
        model = _build(name)
    else:
        file = open_weights(Path(weights))
        file.check(name, config)
        with _no_word_of_random_weights():
            model = _build(name)
        _fill(model, name, file)
    return _wrap(model, name, config).eval().requires_grad_(False).to(device)


def _wrap(model: Any, name: str, config: Mapping) -> ImageText:
    size = model.visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    return ImageText(model, _tokenizer(name, config), (height, width), *_find_preprocessing(name, model))


def _find_config(name: str) -> dict:
    """The configuration of a registered name whose parts are all on this machine."""
    import open_clip  # takes seconds, and the built-in parts that need none should not wait

    config = open_clip.get_model_config(name) if name in open_clip.list_models() else None
    if config is None:
        close = difflib.get_close_matches(name, open_clip.list_models(), 3)
        raise ConfigError(
            "There is no such image-text model",
            name,
            f"{BUILT_IN}, or a name that open_clip knows, such as "
            + ", ".join(close or ("ViT-B-32-quickgelu", "ViT-B-16", "ViT-L-14")),
            "python -c 'import open_clip; print(open_clip.list_models())' lists them",
        )
    text = config["text_cfg"]
    foreign = text.get("hf_model_name") or text.get("hf_tokenizer_name") or ("siglip" in name.lower() and "SigLIP's")
    if foreign:
        raise ConfigError(
            "The words of this model need a tokenizer from the network",
            f"{name}: {foreign}",
            None,
            "choose another model",
        )
    return config


def _build(name: str) -> nn.Module:
    from open_clip import create_model

    try:
        with torch.inference_mode(False):  # so that one can differentiate through it later
            return create_model(name, load_weights=False, pretrained_image=False, pretrained_text=False)
    except Exception as error:  # open_clip and timm raise many kinds where versions do not fit
        raise ConfigError(
            "open_clip cannot build this model", f"{name}: {error}", None, "update open_clip_torch and timm"
        ) from error


def _tokenizer(name: str, config: Mapping) -> WholeTextTokenizer:
    from open_clip import get_tokenizer

    tokenizer: Any = get_tokenizer(name)
    known, wanted = tokenizer.vocab_size, config["text_cfg"].get("vocab_size", tokenizer.vocab_size)
    if known > wanted:
        raise ConfigError(
            "The tokenizer does not fit the model", f"{known} tokens", f"at most {wanted}", "choose another model"
        )
    return WholeTextTokenizer(tokenizer)


@contextmanager
def _no_word_of_random_weights() -> Iterator[None]:
    """open_clip warns that a model has random weights; those that are filled in next are not."""

    def keep(record: logging.LogRecord) -> bool:
        return "randomly" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)


def _fill(model: nn.Module, name: str, file: WeightsFile) -> None:
    """Put the weights of a file into the model, under today's or open_clip's earlier names."""
    wanted = model.state_dict()
    tensors = _adapt(file.read(), wanted)
    needed = {key: tensor for key, tensor in wanted.items() if key in tensors or not key.endswith(_COUNTER)}
    if problems := list_misfits(needed, tensors):
        raise FileError(
            f"The weights do not fit {name}",
            f"{file.path.name}: {name_some(problems)}",
            f"the {len(wanted)} tensors of {name}",
            "choose the name that the weights were trained under, or download them again",
        )
    model.load_state_dict(tensors, strict=False)  # names and shapes are checked; counters may be missing


def _adapt(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Text towers moved below ``text.`` where a model has one of its own; scalars of the shape that is wanted."""
    named = {key if key in wanted or f"text.{key}" not in wanted else f"text.{key}": t for key, t in tensors.items()}
    for key in _SCALARS & named.keys() & wanted.keys():
        if named[key].numel() == 1:
            named[key] = named[key].reshape(wanted[key].shape)
    if "logit_bias" in wanted:
        named.setdefault("logit_bias", torch.zeros_like(wanted["logit_bias"]))
    return named


def _find_preprocessing(name: str, model: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...], Resizing]:
    """Mean, std and resizing of a model's pictures: those of its published weights where they agree, or the usual."""
    import open_clip

    usual = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "resize_mode": "shortest"}
    usual |= {key: value for key, value in open_clip.get_model_preprocess_cfg(model).items() if value}
    tags = [open_clip.get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)]

    def known(key: str, default: Any) -> Any:
        found = {tuple(tag[key]) if isinstance(tag[key], list) else tag[key] for tag in tags if tag.get(key)}
        return found.pop() if len(found) == 1 else usual.get(key, default)

    resizing = Resizing(known("resize_mode", "shortest"), known("interpolation", "bicubic"))
    return tuple(known("mean", None)), tuple(known("std", None)), resizing
