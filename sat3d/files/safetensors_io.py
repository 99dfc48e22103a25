"""Small safetensors files of ours: a schema name in the metadata, strict reading, atomic writing."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import FileError
from .reading import check_file
from .writing import atomic_path

T = TypeVar("T")
_WRAPPERS = ("module.", "model.", "net.", "network.")


def open_safetensors(path: str | os.PathLike):
    """Open a safetensors file for reading (a context manager), with errors a user understands."""
    path = check_file(path, "an existing .safetensors file")
    try:
        return safe_open(str(path), framework="pt", device="cpu")
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise FileError(
            "Not a readable safetensors file",
            f"{path.name} ({error})",
            "a complete .safetensors file",
            "download or make it again",
        ) from error


def read_header(path: str | os.PathLike, schema: str | Sequence[str], kind: str, next_step: str) -> dict[str, str]:
    """The metadata of a file of ours, of this ``schema`` or one of these, without its tensors.

    Raises:
        FileError: missing, truncated, not safetensors, or of another schema.
    """
    with open_safetensors(path) as stream:
        header = stream.metadata() or {}
    schemas = [schema] if isinstance(schema, str) else list(schema)
    if header.get("schema") not in schemas:
        got = f"{Path(path).name} with schema {header.get('schema')!r}"
        raise FileError(f"Not {kind}", got, " or ".join(schemas), next_step)
    return header


def read_tensors(path: str | os.PathLike) -> dict[str, Tensor]:
    """All tensors; floating ones as float32, made outside inference mode so that autograd can use them."""
    with open_safetensors(path) as stream, torch.inference_mode(False):
        try:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            raise FileError(
                "The tensors are unreadable",
                f"{Path(path).name} ({error})",
                "a complete file",
                "download or make it again",
            ) from error
        return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def without_wrappers(tensors: Mapping[str, T]) -> dict[str, T]:
    """Names as the network itself has them, where all begin with what a training has wrapped it in."""
    found = dict(tensors)
    while wrapper := next((word for word in _WRAPPERS if found and all(name.startswith(word) for name in found)), ""):
        found = {name.removeprefix(wrapper): tensor for name, tensor in found.items()}
    return found


def write_tensors(
    path: str | os.PathLike, tensors: Mapping[str, Tensor], header: Mapping[str, str], overwrite: bool = True
) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        FileError: the folder cannot be written, the disk is full, or the target exists and ``overwrite`` is False.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    size_bytes = sum(tensor.nbytes for tensor in contiguous.values())
    with atomic_path(path, overwrite, size_bytes) as temporary:
        try:
            save_file(contiguous, temporary, metadata=dict(header))
        except SafetensorError as error:
            raise _as_os_error(error) from error


def _as_os_error(error: SafetensorError) -> OSError:
    """What the library hands on as a text: ``… (os error 28)``, in older versions ``… code: 28, …``."""
    code = re.search(r"(?:os error|code:) (\d+)", str(error))
    if code is None:
        return OSError(str(error))
    number, said = int(code[1]), str(error)
    return OSError(None, said, None, number) if os.name == "nt" else OSError(number, said)


def parse_json(header: Mapping[str, str], key: str, path: str | os.PathLike) -> Any:
    """JSON data from the metadata.

    Raises:
        FileError: the key is missing or is not JSON.
    """
    try:
        return json.loads(header[key])
    except (KeyError, ValueError, RecursionError) as error:
        raise FileError(
            "The file's metadata is unreadable",
            f"{Path(path).name}, key {key!r}: {error!r}",
            "JSON data",
            "download or make it again",
        ) from error


def check_fit(
    wanted: Mapping[str, Tensor],
    got: Mapping[str, Tensor],
    kind: str,
    source: str = "",
    next_step: str = "download or make the file again",
) -> None:
    """Refuse tensors that are not those of a network.

    Args:
        wanted: as the network has them; their numbers do not matter.
        kind: of network, as in "the architecture".
        source: the file's name.

    Raises:
        FileError: names, shapes or types that differ; or NaN or infinity.
    """
    where = f"{source}: " if source else ""
    if misfits := list_misfits(wanted, got):
        needed = f"the {len(wanted)} tensors of {kind}"
        raise FileError(f"The weights do not fit {kind}", where + name_some(misfits), needed, next_step)
    if broken := [name for name in wanted if not torch.isfinite(got[name]).all()]:
        again = "download or make the file again"
        raise FileError("The weights hold NaN or infinite numbers", where + name_some(broken), "finite numbers", again)


def list_misfits(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> list[str]:
    """Names, shapes and types that differ, in words."""
    missing = [f"{name} is missing" for name in wanted if name not in got]
    unexpected = [f"{name} is unexpected" for name in got if name not in wanted]
    pairs = ((name, _misfit(wanted[name], got[name])) for name in wanted if name in got)
    return missing + unexpected + [f"{name} {misfit}" for name, misfit in pairs if misfit]


def _misfit(wanted: Tensor, got: Tensor) -> str:
    if got.shape != wanted.shape:
        return f"is {tuple(got.shape)}, wanted {tuple(wanted.shape)}"
    whole = wanted.is_floating_point() and not got.is_floating_point()
    return f"holds {got.dtype}, not floating-point numbers" if whole else ""


def name_some(problems: Sequence[str], most: int = 6) -> str:
    """The first few, and how many more there are."""
    more = f"; and {len(problems) - most} more" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more


def require_tensor(tensors: Mapping[str, Tensor], name: str, ndim: int, path: str | os.PathLike) -> Tensor:
    """A tensor that must be there, with ``ndim`` axes and finite numbers.

    Raises:
        FileError: it is not.
    """
    tensor = tensors.get(name)
    if tensor is None or tensor.ndim != ndim or not torch.isfinite(tensor.float()).all():
        got = (
            "absent"
            if tensor is None
            else f"shape {tuple(tensor.shape)}, finite: {bool(torch.isfinite(tensor.float()).all())}"
        )
        raise FileError(
            f"The file's tensor {name!r} is not usable",
            f"{Path(path).name}: {got}",
            f"{ndim} axes, finite numbers",
            "download or make it again",
        )
    return tensor
