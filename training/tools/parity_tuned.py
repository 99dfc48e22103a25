"""What our tuned networks and flat networks of other forms make of stored inputs; and files that must say the same."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from sat3d.codes import read_code
from sat3d.generators import load_generator
from training.tools.parity_probes import ParityCase

_NETWORKS = ("finetuned", "zip", "legacy", "e4e", "state_dict")  # files of the very network of the case
_CODES = {"w_plus": "in.w_plus", "w": "in.w", "npz": "in.w_plus"}


@lru_cache(maxsize=2)
def _network(path: Path):
    return load_generator(path).network


def _base(case: ParityCase, name: str) -> Tensor:
    base = _network(case.folder / case.info["files"]["base"])
    return _seen(replace(case, network=base), case.ws, name)


def _seen(case: ParityCase, ws: Tensor, name: str) -> Tensor:
    seen = case.network.synthesize(case.network.styles(ws), case.inputs("c"), case.options)
    return seen.image_raw if name.endswith("image_raw") else seen.image


def _with_w(case: ParityCase, name: str) -> Tensor:
    return _seen(case, case.inputs("w").expand(len(case.inputs("c")), -1, -1), name)


def _doubled(case: ParityCase, name: str) -> Tensor:
    rendering = case.network.config.rendering
    names = ("depth_resolution", "depth_resolution_importance")
    network = case.network.with_rendering(**{name: 2 * getattr(rendering, name) for name in names})
    return _seen(replace(case, network=network), case.ws, name)


def _one_w(case: ParityCase, name: str) -> Tensor:
    return case.network.draw(case.network.styles(case.network.map(case.inputs("z"))))


def _mixed(case: ParityCase, name: str) -> Tensor:
    first, second = case.network.map(case.inputs("z"), truncation_psi=0.7)
    return case.network.draw(case.network.styles(torch.cat([first[:3], second[3:]])[None]))


TUNED_PROBES: dict[str, Callable[[ParityCase, str], Tensor]] = {
    r"base\.image(_raw)?": _base,
    r"w\.image_raw": _with_w,
    r"mult2\.image_raw": _doubled,
    "image_w": _one_w,
    "image_mixed": _mixed,
}


def other_files(case: ParityCase) -> Iterator[tuple[str, str, Callable[[], Tensor]]]:
    """Further files of the case that are at hand: what each is, the stored tensor that it must give, and how."""
    files = case.info.get("files")
    for kind, file in files.items() if isinstance(files, dict) else ():
        path = case.folder / str(file)
        if not path.is_file():
            continue
        if kind in _NETWORKS:
            yield f"file.{kind}", "image", lambda path=path: replace(case, network=_network(path)).image
        elif kind in _CODES:
            yield f"file.{kind}", _CODES[kind], lambda path=path: read_code(path)
