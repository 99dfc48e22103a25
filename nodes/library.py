"""Files of one kind that a combo offers: those that come with the pack, then those of a model folder."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..sat3d.errors import FileError, Sat3dError
from ..sat3d.files.network_files import ASSETS
from ..sat3d.files.safetensors_io import read_header
from . import model_folders

BUILT_IN = " (built-in)"
_FIRST = "synthheads"


@dataclass(frozen=True)
class Library:
    """Args:
    folder: of the host's models.
    schema: of the pack's own files of this kind.
    what: the kind in plural, as in "masks".
    source: how one comes by such a file.
    extensions: of the files that are listed.
    always: a file of the pack that is listed even where it is missing, so that workflows can name it.
    """

    folder: str
    schema: str | tuple[str, ...]
    what: str
    source: str
    extensions: tuple[str, ...] = (".safetensors",)
    always: str = ""

    @property
    def nothing_there(self) -> str:
        """What the combo shows where there is no file, since an empty one cannot be shown."""
        return f"(put {self.what} into models/{self.folder}, then press R)"

    def register(self) -> None:
        """Make the model folder known to the host."""
        model_folders.register(self.folder, self.extensions)

    def accepts(self, path: Path) -> bool:
        """Whether this is a readable file of the pack's own of this kind."""
        try:
            return bool(read_header(path, self.schema, f"among the {self.what}", self.source))
        except Sat3dError:
            return False

    def built_in(self) -> dict[str, Path]:
        """Entry -> path of the files that come with the pack."""
        always = [ASSETS / self.always] if self.always else []
        return {path.stem + BUILT_IN: path for path in (*always, *_assets(ASSETS, self))}

    def entries(self) -> list[str]:
        """What the combo lists."""
        return [*self.built_in(), *self.own_files()] or [self.nothing_there]

    def own_files(self) -> list[str]:
        """The user's: those of the model folder."""
        return model_folders.list_files(self.folder)

    def path(self, entry: str) -> Path:
        """Only what the combo lists is opened: no other path can be asked for.

        Raises:
            FileError: no such entry.
        """
        found = self.built_in().get(entry) or model_folders.find_file(self.folder, entry)
        if found is None:
            raise self._missing(entry)
        return found

    def check(self, entry: str) -> bool | str:
        """For ``validate_inputs``: True, or what is wrong with the entry, said before anything runs.

        An entry that comes by a wire is not known yet, hence empty.
        """
        try:
            return bool(not entry or self.path(entry))
        except FileError as error:
            return str(error)

    def _missing(self, entry: str) -> FileError:
        where = " or ".join(model_folders.paths_of(self.folder))
        entries = self.entries()
        if entries == [self.nothing_there]:
            return FileError(f"There are no {self.what} yet", entry, self.source,
                             f"put a file into {where}, press R, choose it here")  # fmt: skip
        return FileError(f"There is no such file among the {self.what}", entry, f"one of {', '.join(entries)}",
                         f"choose another, or put the file into {where} and press R ({self.source})")  # fmt: skip

    def stamp(self, entry: str) -> str:
        """Changes when the file does, so that the host knows when to read it again."""
        try:
            return file_stamp(self.path(entry))
        except (Sat3dError, OSError):
            return "missing"


def file_stamp(path: Path) -> str:
    """Changes when the file does.

    Raises:
        OSError: no such file.
    """
    stat = path.stat()
    return f"{path} {stat.st_mtime_ns} {stat.st_size}"


@cache
def _assets(folder: Path, library: Library) -> tuple[Path, ...]:
    # The heads first: the first of a combo is what a new node begins with.
    files = sorted(folder.glob("*.safetensors"), key=lambda path: (not path.stem.startswith(_FIRST), path.name))
    return tuple(filter(library.accepts, files))
