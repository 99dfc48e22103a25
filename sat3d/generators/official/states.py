"""State dicts, weights by name without the network they belong to: found in a file, and whose names they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...files.safetensors_io import without_wrappers
from ...foreign.values import TensorView
from .contents import USUAL, is_network

# Where projects keep the weights that draw best, best first.
_USUAL = (*USUAL, "g_ema", "state_dict", "g", "generator", "model", "params_ema", "params")
_DECODER = "decoder."


@dataclass(frozen=True)
class Weights:
    """``tensors``: by the names that the network itself has; ``key``: where they were, "" if they are all of the file;
    ``beside``: what else the file holds."""

    tensors: Mapping[str, TensorView]
    key: str
    beside: Mapping[str, object]

    @property
    def is_rosinality(self) -> bool:
        return "input.input" in self.tensors or "conv1.conv.weight" in self.tensors

    @property
    def is_official(self) -> bool:
        return any(name.startswith(("synthesis.b4.", "backbone.synthesis.b4.")) for name in self.tensors)


def find_weights(contents: object, key: str | None = None) -> Weights | None:
    """The weights of a generator, or None: ``key``, else where projects keep them; of an encoder with its generator the
    latter. A file with a whole network needs no weights."""
    if type(contents) is not dict or any(is_network(contents.get(name)) for name in USUAL):
        return None
    for name, tensors in _candidates(contents, key):
        beside = {} if not name else {other: value for other, value in contents.items() if other != name}
        found = Weights(_of_generator(tensors), name, beside)
        if found.is_rosinality or found.is_official:
            return found
    return None


def _candidates(contents: dict, key: str | None) -> Iterator[tuple[str, dict]]:
    names = _USUAL if key is None else (key,)
    found = {"": contents} if key is None else {}
    found = {name: contents[name] for name in names if name in contents} | found
    return ((name, value) for name, value in found.items() if is_state(value))


def is_state(value: object) -> bool:
    """Whether it is a dictionary of tensors by name."""
    return (
        type(value) is dict
        and bool(value)
        and all(type(name) is str and type(part) is TensorView for name, part in value.items())
    )


def _of_generator(tensors: dict[str, TensorView]) -> dict[str, TensorView]:
    """Without what a training has wrapped the names in; of an encoder and its decoder the decoder."""
    own = without_wrappers(tensors)
    decoder = {name.removeprefix(_DECODER): view for name, view in own.items() if name.startswith(_DECODER)}
    # EG3D has a part of that name, too: two small layers.
    return own if "net.0.weight" in decoder or not decoder else without_wrappers(decoder)
