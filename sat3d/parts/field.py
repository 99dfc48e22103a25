"""The semantic field: a small network that tells which part of a head each point of a generator's volume is.

It reads the hidden units of the frozen generator's decoder, so that it costs two small layers per sample, and is
composited with the weights of the colours (as NeRFFaceEditing does, arXiv:2211.07968): labels of every view, and of
every point.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import check_whole
from ..errors import ConfigError, FileError, LayoutError
from ..files.network_files import ASSETS, NetworkKind, load_network, save_network
from ..files.reading import check_file
from ..files.safetensors_io import check_fit, read_header
from ..generators import TriplaneGenerator
from ..parsing.labels import LABEL_NAMES

SCHEMA = "sat3d-parts/1"
BACKGROUND = "background"
SKIN_LABELS = ("skin", "nose", "ears", "neck", "l_ear", "r_ear")  # of all parsers: what has the colour of skin
_MOST_UNITS, _MOST_LABELS, _MOST_BYTES = 1024, 64, 1 << 22
_NEXT_STEP = "train one: python training/train_parts.py --help"


@dataclass(frozen=True)
class FieldConfig:
    """``inputs``: hidden units of the generator's decoder; ``labels``: what the classes are called, the first of them
    what is no part of a head."""

    inputs: int = 64
    hidden: int = 64
    labels: tuple[str, ...] = LABEL_NAMES

    def __post_init__(self):
        object.__setattr__(self, "labels", tuple(self.labels))
        for name in ("inputs", "hidden"):
            check_whole(f"The field's {name}", getattr(self, name), 1, _MOST_UNITS)
        names = all(isinstance(name, str) and name for name in self.labels)
        if not names or not 2 <= len(set(self.labels)) == len(self.labels) <= _MOST_LABELS:
            raise ConfigError(
                "The field's labels are not usable",
                self.labels,
                f"2 to {_MOST_LABELS} different names",
                "check the file",
            )


class PartField(nn.Module):
    """Hidden units of the decoder to labels.

    Example:
        >>> PartField(FieldConfig(8, 4, ("background", "skin")))(torch.zeros(5, 8)).shape
        torch.Size([5, 2])
    """

    def __init__(self, config: FieldConfig | None = None):
        super().__init__()
        self.config = config = config or FieldConfig()
        self.first = nn.Linear(config.inputs, config.hidden)
        self.second = nn.Linear(config.hidden, len(config.labels))

    @property
    def labels(self) -> tuple[str, ...]:
        return self.config.labels

    def forward(self, hidden: Tensor) -> Tensor:
        """``[…, inputs]`` -> logits ``[…, K]``."""
        return self.second(F.relu(self.first(hidden)))

    def probabilities(self, hidden: Tensor) -> Tensor:
        """``[…, inputs]`` -> ``[…, K]``, which sum to 1."""
        return self(hidden).softmax(-1)

    def numbers(self, parts: Sequence[str]) -> list[int]:
        """The labels called so.

        Raises:
            ConfigError: a part that the field does not know, or none.
        """
        unknown = [name for name in parts if name not in self.labels]
        if unknown or not parts:
            raise ConfigError("The field does not know such a part", unknown or "no part", ", ".join(self.labels[1:]),
                              "choose one of these")  # fmt: skip
        return [self.labels.index(name) for name in dict.fromkeys(parts)]

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor], labels: Sequence[str], source: str = "") -> "PartField":
        """A field whose weights travel in another file, such as that of a composed face.

        Raises:
            FileError, ConfigError: they are not those of a field.
        """
        first = tensors.get("first.weight")
        sizes = (1, 1) if first is None or first.ndim != 2 else (first.shape[1], first.shape[0])
        with torch.inference_mode(False):
            field = cls(FieldConfig(*sizes, tuple(labels)))
            check_fit(field.state_dict(), tensors, "a semantic field", source)
            field.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
            return field.eval().requires_grad_(False)


KIND = NetworkKind(
    "a semantic field", SCHEMA, "synthheads-parts.safetensors", "training/train_parts.py --help", FieldConfig, PartField
)


@dataclass(frozen=True)
class Parts:
    """A field and what it was trained for. ``metadata``: free text (labels' source, steps, scores, licence)."""

    field: PartField
    generator_fingerprint: str
    layout: str  # fingerprint of the generator's styles: its relatives have the same
    metadata: Mapping[str, str]

    def check(self, network: TriplaneGenerator) -> None:
        """
        Raises:
            LayoutError: a generator whose decoder is another.
        """
        units = network.config.decoder_hidden
        if self.field.config.inputs != units:
            raise LayoutError("The semantic field belongs to another generator",
                              f"one of {self.field.config.inputs} hidden units, {self.generator_fingerprint}",
                              f"{units} hidden units", _NEXT_STEP)  # fmt: skip

    def warning_for(self, fingerprint: str) -> str | None:
        """A sentence if the field was trained on another network; a fine-tuned child shares its features."""
        if self.generator_fingerprint == fingerprint:
            return None
        return (
            f"The parts were learned on generator {self.generator_fingerprint}, and are used on {fingerprint}. This "
            "works for fine-tuned versions of one network; for others the masks are meaningless."
        )


def save_parts(
    path: str | os.PathLike,
    field: PartField,
    generator_fingerprint: str,
    layout: str = "",
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a field, in half precision; the file appears whole or not at all."""
    save_network(
        path, KIND, field, {**(metadata or {}), "generator_fingerprint": generator_fingerprint, "layout": layout}
    )


def load_parts(path: str | os.PathLike | None = None) -> Parts:
    """The field in a file, or the one that comes with the package.

    Raises:
        FileError: missing, damaged, of another kind, too large, or tensors that do not fit.
        ConfigError: the configuration in the file is not usable.
    """
    found = check_file(ASSETS / KIND.asset if path is None else path, "a .safetensors file", _NEXT_STEP,
                       "There are no weights for a semantic field")  # fmt: skip
    if (size := found.stat().st_size) > _MOST_BYTES:
        raise FileError("The file is too large for a semantic field", f"{found.name}, {size} bytes",
                        f"at most {_MOST_BYTES} bytes", "choose another file")  # fmt: skip
    field = load_network(KIND, found)
    header = read_header(found, SCHEMA, KIND.name, _NEXT_STEP)
    own = ("schema", "config", "generator_fingerprint", "layout")
    notes = {key: value for key, value in header.items() if key not in own}
    return Parts(field, header.get("generator_fingerprint", ""), header.get("layout", ""), notes)
