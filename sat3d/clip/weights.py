"""A local file with the weights of an image-text model: its architecture and its tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FileError
from ..files.safetensors_io import open_safetensors, read_tensors
from .architectures import QUICK, Towers, drop_activations, find_architectures, join_names, towers_of, towers_of_config
from .layouts import no_model, rename_to_open_clip

_SAMPLE_ROWS = 256  # of a matrix, to look at its numbers


@dataclass(frozen=True)
class WeightsFile:
    """``outline``: the tensors by open_clip's names, on the device ``meta``: shapes without numbers."""

    path: Path
    outline: Mapping[str, Tensor]

    @property
    def towers(self) -> Towers:
        return towers_of(self.outline)

    def read(self) -> dict[str, Tensor]:
        """The tensors as float32, by open_clip's names."""
        return rename_to_open_clip(read_tensors(self.path), self.path.name)

    def names(self) -> list[str]:
        """The architectures that these are weights of, by their shapes: both of a pair that differs in activation only.

        Raises:
            FileError: only half a model, or none.
        """
        towers = self.towers
        if towers.text is None or towers.image is None:
            raise no_model(self.path.name, self._half(towers))
        return find_architectures(towers)

    def _half(self, towers: Towers) -> str:
        half = "text" if towers.text else "image" if towers.image else ""
        if not half:
            return f"tensors such as {', '.join(list(self.outline)[:3])}"
        like = drop_activations(find_architectures(towers))[:1]
        return f"only the {half} half of a model" + (f", of {like[0]}'s size" if like else "")

    def check(self, name: str, config: Mapping) -> None:
        """Refuse weights of another architecture than ``name``, and say which they are of.

        Raises:
            FileError: it is so.
        """
        names, wanted = self.names(), towers_of_config(config)
        if self.towers.within(wanted):
            return
        others = join_names(names) if names else ""
        known = f"they are of {others}" if names else "their sizes are of no architecture that open_clip knows"
        raise FileError(
            f"The weights do not fit {name}: {known}",
            f"{self.path.name}: {self.towers}",
            f"{name}: {wanted}",
            f"write {others} as their architecture" if names else f"take a file of {name}",
        )

    def looks_like_openais(self) -> bool:
        """Whether matrices hold nothing that half precision could not, but the embeddings of words do.

        So OpenAI has published its weights, as the sizes of its files show (ViT-B-32.pt: two bytes per number, four per
        number of the word embeddings); others are in full precision, or in half throughout.
        """
        ends = ("resblocks.0.mlp.c_fc.weight", "layers.0.mlp.fc1.weight", "token_embedding.weight")
        with open_safetensors(self.path) as stream:
            slices = {name: stream.get_slice(name) for name in stream.keys() if name.endswith(ends)}  # noqa: SIM118
            rows = {name: part[:_SAMPLE_ROWS] for name, part in slices.items() if len(part.get_shape()) == 2}
            exact = {name: _fits_half(tensor) for name, tensor in rows.items()}
        words = [fits for name, fits in exact.items() if name.endswith(ends[-1])]
        matrices = [fits for name, fits in exact.items() if not name.endswith(ends[-1])]
        return bool(words and matrices) and all(matrices) and not any(words)


def _fits_half(tensor: Tensor) -> bool:
    return torch.equal(tensor.float(), tensor.half().float())


def open_weights(path: Path) -> WeightsFile:
    """Look at names and shapes; no numbers are read.

    Raises:
        FileError: missing, of a format that could run code, damaged, or of something else than an image-text model.
    """
    if path.suffix.lower() != ".safetensors":
        raise FileError(
            "Weights of this format are not opened, since such files can hold programs",
            path.name,
            "a .safetensors file",
            "take the model's open_clip_model.safetensors, or where it comes from convert its state dictionary with "
            "safetensors.torch.save_file",
        )
    with open_safetensors(path) as stream:
        schema = (stream.metadata() or {}).get("schema", "")
        shapes = {name: stream.get_slice(name).get_shape() for name in stream.keys()}  # noqa: SIM118 - not a dict
    if schema.startswith("sat3d-"):
        raise no_model(path.name, f"a file of this package, {schema}")
    if not shapes:
        raise FileError("The weights are empty", path.name, "the tensors of a model", "download it again")
    return WeightsFile(path, rename_to_open_clip(_outline(shapes, path), path.name))


def _outline(shapes: Mapping[str, list[int]], path: Path) -> dict[str, Tensor]:
    try:
        return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    except RuntimeError as error:
        raise FileError("A tensor of the weights has an impossible shape", f"{path.name} ({error})") from error


def advice_on_activation(name: str, weights: WeightsFile) -> tuple[str, str]:
    """Which of ``name`` and ``name-quickgelu``, whose shapes are the same, to take; and why, in words.

    The tensors themselves do not tell; what is published under the names, and how precise the numbers are, may.
    """
    from open_clip import list_models, list_pretrained_tags_by_model

    quick = name + QUICK
    if quick not in list_models():
        return name, ""
    wanting = list_pretrained_tags_by_model(quick)
    if wanting and not set(list_pretrained_tags_by_model(name)) - set(wanting):
        return quick, f"all weights of this size that open_clip knows are of {quick} ({', '.join(wanting)})"
    if weights.looks_like_openais():
        return quick, f"its numbers are as coarse as OpenAI's, which are of {quick}"
    others = f"; that is for {', '.join(wanting)}" if wanting else ""
    return name, f"the tensors do not tell it from {quick}{others}"
