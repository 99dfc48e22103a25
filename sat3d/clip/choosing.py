"""Choice of the architecture for a file of weights, where none is given or the given one looks wrong."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import FileError, Sat3dError
from ..files.safetensors_io import read_header
from .architectures import drop_activations, join_names
from .built_in_clip import BUILT_IN, KIND
from .loading import UNTRAINED
from .weights import advice_on_activation, open_weights


@dataclass(frozen=True)
class ArchitectureChoice:
    """``name``: for ``load_clip``; ``note``: a sentence for people who should know of it, or ""."""

    name: str
    note: str = ""


def choose_architecture(name: str, weights: str | os.PathLike | None) -> ArchitectureChoice:
    """The name that weights are loaded under: the given one, or where it is "" what the file tells.

    Raises:
        FileError: the file is missing, damaged or no image-text model; or it does not tell.
    """
    if weights in (None, UNTRAINED) or name == BUILT_IN:
        return ArchitectureChoice(name or BUILT_IN)
    if name:
        return ArchitectureChoice(name, _explain_doubt(name, Path(weights)))
    return ArchitectureChoice(BUILT_IN) if _is_own(Path(weights)) else _choose_by_tensors(Path(weights))


def _choose_by_tensors(path: Path) -> ArchitectureChoice:
    weights = open_weights(path)
    names = weights.names()
    if len(drop_activations(names)) != 1:
        known = "no architecture that open_clip knows has these sizes"
        if names:
            known = f"they fit {join_names(names)} alike"
        raise FileError(
            "The weights do not tell which architecture they are of",
            f"{path.name}: {weights.towers}; {known}",
            "a name that open_clip knows, such as ViT-B-32-quickgelu, ViT-B-16 or ViT-L-14",
            "write the name that the weights were trained under as their architecture",
        )
    name, reason = advice_on_activation(drop_activations(names)[0], weights)
    return ArchitectureChoice(name, f"{path.name} is taken for {name}" + (f"; {reason}" if reason else ""))


def _explain_doubt(name: str, path: Path) -> str:
    """Why the sister of ``name`` with another activation may be meant, or ""."""
    from open_clip import list_models

    if name not in list_models():
        return ""
    weights = open_weights(path)
    better, reason = advice_on_activation(name, weights)
    wanted = better != name and name in weights.names()
    return f"{path.name} may want the architecture {better} in place of {name}: {reason}" if wanted else ""


def _is_own(path: Path) -> bool:
    try:
        return bool(read_header(path, KIND.schema, KIND.name, ""))
    except Sat3dError:
        return False
