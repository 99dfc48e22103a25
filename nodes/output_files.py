"""New files in the host's output folder, numbered as the host numbers its own."""

import secrets
from collections.abc import Callable
from pathlib import Path

import folder_paths

from ..sat3d.errors import FileError, NameTakenError
from ..sat3d.files.writing import check_target, make_folder

_LARGEST_NUMBER = 10**6


def new_file(prefix: str, suffix: str, first: int = 1) -> tuple[Path, int]:
    """A new file in the output folder and its number, as the host numbers its own, but not below ``first``.

    No file is made: called before long work, it refuses at once a prefix that nothing can be saved under.

    Raises:
        FileError: outside the output folder, no such folder can be made, or a name that no file can have.
    """
    root = folder_paths.get_output_directory()
    try:
        folder, name, counter, *_ = folder_paths.get_save_image_path(prefix, root)
    except Exception as error:  # the host raises a bare Exception, with a page of text
        raise FileError(
            "The file cannot be saved there",
            repr(prefix),
            "a name below the output folder",
            "choose another filename_prefix, such as sat3d/face",
        ) from error
    number = max(counter, first)
    path = Path(folder) / f"{name}_{number:05}_{suffix}"
    check_target(path)
    return path, number


def check_prefix(prefix: str, suffix: str) -> bool | str:
    """For ``validate_inputs``: True, or why nothing can be saved under the prefix, said before anything runs."""
    try:
        return bool(not prefix or new_file(prefix, suffix))
    except FileError as error:
        return str(error)


def ui_entry(path: Path) -> dict[str, str]:
    """A file of the output folder as the host's page and its API list what a node has made."""
    below = path.relative_to(folder_paths.get_output_directory())
    folder = below.parent.as_posix()
    return {"filename": below.name, "subfolder": "" if folder == "." else folder, "type": "output"}


def save_numbered(prefix: str, suffix: str, save: Callable[[Path], None]) -> Path:
    """Save under the next free number, taken now; if another run is quicker to take it, under the one after.

    Args:
        save: writes a file that must not exist yet.

    Raises:
        FileError: see :func:`new_file`, or what ``save`` raises.
    """
    number = 0
    while True:
        path, number = new_file(prefix, suffix, number + 1)
        try:
            save(path)
            return path
        except NameTakenError:
            if number >= _LARGEST_NUMBER:
                raise


def below_output(path: Path) -> str:
    """A file of the output folder by its path from there on, with forward slashes: what the host's viewers ask for."""
    return path.relative_to(folder_paths.get_output_directory()).as_posix()


def temporary_file(suffix: str) -> Path:
    """A new name in the host's folder of what need not be kept; no file is made.

    Raises:
        FileError: no such folder can be made.
    """
    return make_folder(folder_paths.get_temp_directory()) / f"sat3d_{secrets.token_hex(6)}{suffix}"
