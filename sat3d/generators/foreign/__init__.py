"""Reading official EG3D and StyleGAN2 network pickles without running anything that is inside them.

Order: kind of file, pickle program (inert records), module tree, config, names and shapes of all tensors, live
attributes; only then are the wanted tensors copied out. Official checkpoints are under the NVIDIA Source Code
License (non-commercial); this reader is written from facts about the format.
"""

import math
import os
from dataclasses import dataclass

from torch import Tensor

from ...errors import NoSuchNetworkError
from ...progress import Progress, no_progress
from ..config import StyleGAN2Config, TriplaneConfig
from .allowlist import ALLOWED
from .checks import check_modules
from .layout import expected_tensors
from .machine import Machine
from .opening import hash_view, open_pickle
from .settings import read_stylegan2, unsupported
from .tensors import check_filters, check_tensors, read_tensors
from .tree import Tree, walk
from .triplane import read_triplane
from .values import Context, Record, damaged, describe

__all__ = ["ForeignNetwork", "expected_tensors", "read_network"]


@dataclass(frozen=True)
class ForeignNetwork:
    """A network out of an official pickle.

    ``tensors``: float32, contiguous, CPU, each with memory of its own, under the official names, without the constant
    resampling filters. ``notes``: class name, key used, other keys, settings that were ignored.
    """

    config: StyleGAN2Config | TriplaneConfig
    tensors: dict[str, Tensor]
    source_sha256: str
    notes: dict[str, str]


def read_network(path: str | os.PathLike, key: str = "G_ema", progress: Progress = no_progress) -> ForeignNetwork:
    """Read the network ``key`` of an official pickle; ``progress`` counts bytes.

    Raises:
        HostileFileError: the file asks for anything that no network needs, or tries to exhaust the machine.
        FileError: missing, of another kind, damaged, incomplete, or an architecture that cannot be converted.
        ConfigError: its sizes are out of range.
    """
    with open_pickle(path) as data:
        contents = _run(data)
        network = _choose(contents, key)
        tree = walk(network)
        config, notes = _read_config(tree, data)
        expected = expected_tensors(config)
        check_tensors(tree.tensors, expected, len(data))
        check_modules(tree, config, expected)
        check_filters(data, tree.tensors)
        total = len(data) + sum(4 * math.prod(shape) for shape in expected.values())
        sha256 = hash_view(data, lambda done: progress(done, total))
        tensors = read_tensors(data, tree.tensors, list(expected), lambda done: progress(len(data) + done, total))
    notes = {"class_name": network.kind, "key": key, "keys_in_file": _key_names(contents), **notes}
    return ForeignNetwork(config, tensors, sha256, notes)


def _run(data: memoryview) -> dict:
    machine = Machine(Context(data), ALLOWED, 0, len(data))
    contents = machine.run()
    if type(contents) is not dict:
        raise unsupported("the pickle is not a dictionary of networks", describe(contents), "G, D, G_ema, …")
    if machine.position != len(data):
        raise damaged("there is something behind its end", f"{len(data) - machine.position} bytes")
    return contents


def _choose(contents: dict, key: str) -> Record:
    network = contents.get(key)
    if network is None:
        raise NoSuchNetworkError(
            f"The pickle has no network {key!r}",
            f"the keys {_key_names(contents) or 'of no network'}",
            "usually G_ema",
            "choose one of the networks in it",
        )
    if type(network) is not Record or not network.persistent:
        raise damaged(f"'{key}' is not a network", describe(network))
    return network


def _key_names(contents: dict) -> str:
    return ", ".join(key[:40] for key in list(contents)[:20] if type(key) is str)


def _read_config(tree: Tree, data: memoryview) -> tuple[StyleGAN2Config | TriplaneConfig, dict[str, str]]:
    kind = tree.modules[""].kind
    if kind == "TriPlaneGenerator":
        return read_triplane(tree, data)
    if kind != "Generator":
        raise unsupported("its class is unknown", describe(kind), "TriPlaneGenerator (EG3D) or Generator (StyleGAN2)")
    if "synthesis.b4" not in tree.modules:
        raise unsupported("a Generator without the block synthesis.b4, probably StyleGAN3", wanted="StyleGAN2 or EG3D")
    return read_stylegan2(tree), {}
