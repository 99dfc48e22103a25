"""Layouts of CLIP weights in files: recognised, and converted to open_clip's names where that is possible.

Facts about transformers' CLIPModel: query, key and value are matrices of their own, both projections are transposed,
and the layer norm before the image transformer is misspelt (``pre_layrnorm``).
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import FileError
from ..files.safetensors_io import without_wrappers

_SETTINGS = {"input_resolution", "context_length", "vocab_size"}  # numbers beside the tensors in OpenAI's own files
_NO_WEIGHTS = ("position_ids", "attn_mask")  # constants that some versions have saved
_BLOCK = re.compile(r"(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_THIRD = re.compile(r"self_attn\.([qkv])_proj")
_TRANSFORMERS = {"text": "transformer.resblocks", "vision": "visual.transformer.resblocks"}
_IN_BLOCK = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_OUTSIDE = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
_TRANSPOSED = {"text_projection.weight": "text_projection", "visual_projection.weight": "visual.proj"}
# Of other networks: how a tensor's name begins -> what the file is.
_OTHERS = {
    "vision_model.head.": "a SigLIP in the layout of transformers, whose words need a tokenizer from the network",
    "image_encoder.model.": "a MobileCLIP in Apple's own layout; open_clip_model.safetensors of the same model fits",
    "model.diffusion_model.": "a whole checkpoint that makes pictures, such as Stable Diffusion",
    "encoder.block.": "a T5 text encoder",
}


def rename_to_open_clip(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The tensors of open_clip's own layout or of transformers' CLIPModel, also on the device ``meta``.

    Raises:
        FileError: those of something else, which is named; ``source`` names the file.
    """
    tensors = _drop_settings(tensors)
    for start, what in _OTHERS.items():
        if any(name.startswith(start) for name in tensors):
            raise no_model(source, what)
    if any(_is_transformers(name) for name in tensors):
        tensors = _convert_transformers(tensors, source)
    return tensors


def no_model(source: str, what: str) -> FileError:
    return FileError(
        "The file holds no image-text model",
        f"{source}: {what}",
        "both towers of a CLIP, in the layout of open_clip or of transformers",
        "take the model's open_clip_model.safetensors, or its model.safetensors",
    )


def _drop_settings(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor
        for name, tensor in without_wrappers(tensors).items()
        if name not in _SETTINGS and name.rpartition(".")[2] not in _NO_WEIGHTS
    }


def _is_transformers(name: str) -> bool:
    return name.startswith(("text_model.", "vision_model."))


def _convert_transformers(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Raises FileError where query, key and value of a layer do not fit together."""
    found: dict[str, Tensor] = {}
    thirds: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        new, third = _rename(name)
        if third:
            thirds.setdefault(new, {})[third] = tensor
        else:
            found[new] = tensor.T if name in _TRANSPOSED and tensor.ndim == 2 else tensor
    for name, parts in thirds.items():
        shapes = {tuple(part.shape) for part in parts.values()}
        if parts.keys() != set("qkv") or len(shapes) > 1 or () in shapes:
            got = f"{source}: {name.rpartition('.')[0]} of {sorted(parts)}"
            raise FileError("A layer of the weights is not complete", got, "q, k and v alike", "download it again")
        found[name] = torch.cat([parts[third] for third in "qkv"])
    return found


def _rename(name: str) -> tuple[str, str]:
    """open_clip's name, and which third of that tensor this is: q, k, v, or "" for the whole."""
    block = _BLOCK.fullmatch(name)
    if not block:
        return _OUTSIDE.get(name) or _TRANSPOSED.get(name, name), ""
    tower, number, part, kind = block.groups()
    start = f"{_TRANSFORMERS[tower]}.{number}"
    if third := _THIRD.fullmatch(part):
        return f"{start}.attn.in_proj_{kind}", third[1]
    return f"{start}.{_IN_BLOCK.get(part, part)}.{kind}", ""
