"""The host's model folders: their files, and where files of a kind belong."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import folder_paths


def register(name: str, extensions: Iterable[str]) -> None:
    """Add ``models/<name>`` behind whatever ``extra_model_paths.yaml`` says, and list only files we can read."""
    folder = Path(folder_paths.models_dir) / name
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    folder_paths.add_model_folder_path(name, str(folder))
    paths, known = folder_paths.folder_names_and_paths[name]
    folder_paths.folder_names_and_paths[name] = (paths, {*known, *extensions})


def add_output_folder(name: str, below: str) -> None:
    """Let a model folder also list what the nodes have written into ``output/<below>``."""
    folder_paths.add_model_folder_path(name, str(Path(folder_paths.get_output_directory()) / below))


def list_files(name: str) -> list[str]:
    """The files of a model folder that the host lists, each relative to its folder."""
    try:
        return folder_paths.get_filename_list(name)
    except (OSError, KeyError):  # a listed folder vanished or is not readable; or is not registered
        return []


def find_file(name: str, entry: str) -> Path | None:
    """Only what the host lists is given: no other path can be asked for."""
    path = folder_paths.get_full_path(name, entry) if entry in list_files(name) else None
    return None if path is None else Path(path)


def paths_of(name: str) -> list[str]:
    """Where files of this kind belong."""
    return folder_paths.get_folder_paths(name)


def kept_folder(name: str) -> Path:
    """Where the host keeps what packs want to find again: ``user/__sat3d/<name>``."""
    return Path(folder_paths.get_user_directory()) / "__sat3d" / name
