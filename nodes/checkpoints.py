"""Which checkpoints there are: the built-in ones, then the files of the configured model folders."""

from functools import cache
from pathlib import Path

from ..sat3d import errors
from ..sat3d.generators.checkpoint import read_header

FOLDER = "eg3d"
EXTENSIONS = frozenset({".safetensors", ".pkl"})
NOTHING_THERE = f"(put a checkpoint in models/{FOLDER}, then press R)"
_BUILT_IN = " (built-in)"
_ASSETS = Path(__file__).resolve().parent.parent / "sat3d" / "assets"


@cache
def built_in() -> dict[str, Path]:
    """Entry -> path of the generators that come with the pack."""
    return {path.stem + _BUILT_IN: path for path in sorted(_ASSETS.glob("*.safetensors")) if _is_generator(path)}


def _is_generator(path: Path) -> bool:
    try:
        return bool(read_header(path))
    except errors.Sat3dError:  # another kind of asset
        return False


def entries(files: list[str]) -> list[str]:
    """What the combo lists; never empty, because an empty combo cannot be shown."""
    return [*built_in(), *files] or [NOTHING_THERE]


def missing(name: str, files: list[str], folders: list[str]) -> errors.FileError:
    """The error for an entry that is not there, with what to do."""
    where = " or ".join(folders)
    if entries(files) == [NOTHING_THERE]:
        return errors.FileError(
            "There is no checkpoint yet",
            name,
            "an EG3D or StyleGAN2 checkpoint: a .safetensors of this pack or an official .pkl",
            f"put one into {where}, press R, choose it here",
        )
    return errors.FileError(
        "This checkpoint is not in the model folder",
        name,
        f"one of {', '.join(entries(files))}",
        f"choose another, or put the file into {where} and press R",
    )
