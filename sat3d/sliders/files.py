"""Files of sliders, ``sat3d-sliders/1``."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from ..errors import FileError
from ..files.network_files import ASSETS, NetworkKind, load_network, save_network
from ..files.reading import check_file
from ..files.safetensors_io import parse_json, read_header
from ..style_space import StyleLayout
from .config import SliderConfig
from .network import SliderNetwork
from .sliders import Sliders

SCHEMA = "sat3d-sliders/1"
KIND = NetworkKind(
    "sliders", SCHEMA, "synthheads-sliders.safetensors", "training/train_sliders.py --help", SliderConfig, SliderNetwork
)
_NEXT_STEP = f"train them: python {KIND.script}"
_MOST_BYTES = 1 << 25
_OWN_KEYS = ("schema", "config", "generator_fingerprint", "layout_fingerprint", "layers")


def save_sliders(path: str | os.PathLike, sliders: Sliders, metadata: Mapping[str, str] | None = None) -> None:
    """Write sliders, in half precision; the file appears whole or not at all."""
    save_network(path, KIND, sliders.network, {
        **sliders.metadata, **(metadata or {}),
        "generator_fingerprint": sliders.generator_fingerprint,
        "layout_fingerprint": sliders.layout_fingerprint,
        "layers": json.dumps([list(each) for each in sliders.layers]),
    })  # fmt: skip


def load_sliders(path: str | os.PathLike | None = None, layout: StyleLayout | None = None) -> Sliders:
    """The sliders in a file, or those that come with the package; with ``layout`` strictly for that layout.

    Raises:
        FileError: missing, damaged, of another kind, too large, or tensors that do not fit.
        ConfigError: the configuration in the file is not usable. LayoutError: made for another layout.
    """
    found = check_file(ASSETS / KIND.asset if path is None else path, "a .safetensors file", _NEXT_STEP,
                       "There are no sliders")  # fmt: skip
    if (size := found.stat().st_size) > _MOST_BYTES:
        raise FileError("The file is too large for sliders", f"{found.name}, {size} bytes",
                        f"at most {_MOST_BYTES} bytes", "choose another file")  # fmt: skip
    header = read_header(found, SCHEMA, "a file of sliders", _NEXT_STEP)
    layers = parse_json(header, "layers", found)
    _check_layers(layers, found)
    network = load_network(KIND, found)
    _check_numbers(network, found)
    notes = {key: value for key, value in header.items() if key not in _OWN_KEYS}
    sliders = Sliders(
        network, header.get("generator_fingerprint", ""), header.get("layout_fingerprint", ""), layers, notes
    )
    if layout is not None:
        sliders.check_layout(layout)
    return sliders


def _check_layers(layers: object, path: Path) -> None:
    rows = isinstance(layers, list) and all(
        isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], int)
        for row in layers
    )
    if not rows:
        raise FileError("The sliders' metadata has the wrong form", f"{path.name}, layers",
                        "a list of [layer, channels]", _NEXT_STEP)  # fmt: skip


def _check_numbers(network: SliderNetwork, path: Path) -> None:
    """Channels that are there, each once, and spreads one can divide by: shapes alone do not tell."""
    for group, maps in zip(network.config.groups, network.maps, strict=True):
        index = maps.channels
        ordered = bool((index[1:] > index[:-1]).all()) and int(index[0]) >= 0
        if not ordered or int(index[-1]) >= network.config.styles or not bool((maps.spread > 0).all()):
            raise FileError("The sliders' subspaces are not usable", f"{path.name}, group {group.name!r}",
                            f"different channels below {network.config.styles}, spreads above 0",
                            _NEXT_STEP)  # fmt: skip
        if not torch.isfinite(1 / maps.spread).all():
            raise FileError("The sliders' subspaces are not usable", f"{path.name}, group {group.name!r}",
                            "spreads that can be divided by", _NEXT_STEP)  # fmt: skip
