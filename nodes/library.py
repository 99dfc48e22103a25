"""Files of one kind that a combo offers: those that come with the pack, then those of a model folder."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..sat3d import errors
from ..sat3d.files.safetensors_io import read_header
from . import host

ASSETS = Path(__file__).resolve().parent.parent / "sat3d" / "assets"
BUILT_IN = " (built-in)"


@dataclass(frozen=True)
class Library:
    """``what``: the kind in plural, as in "masks"; ``source``: how one comes by such a file."""

    folder: str  # of the host's models
    schema: str
    what: str
    source: str

    @property
    def nothing_there(self) -> str:
        """What the combo shows where there is no file, since an empty one cannot be shown."""
        return f"(put {self.what} into models/{self.folder}, then press R)"

    def built_in(self) -> dict[str, Path]:
        """Entry -> path of the files that come with the pack."""
        return {path.stem + BUILT_IN: path for path in _assets(ASSETS, self.schema)}

    def entries(self) -> list[str]:
        """What the combo lists."""
        return [*self.built_in(), *host.folder_files(self.folder)] or [self.nothing_there]

    def path(self, entry: str) -> Path:
        """Only what the combo lists is opened: no other path can be asked for.

        Raises:
            FileError: no such entry.
        """
        found = self.built_in().get(entry) or host.folder_file(self.folder, entry)
        if found is None:
            where = " or ".join(host.folders(self.folder))
            raise errors.FileError(
                f"There are no such {self.what}",
                entry,
                f"one of {', '.join(self.entries())}",
                f"choose another, or put the file into {where} and press R ({self.source})",
            )
        return found

    def stamp(self, entry: str) -> str:
        """Changes when the file does, so that the host knows when to read it again."""
        try:
            return host.file_stamp(self.path(entry))
        except (errors.Sat3dError, OSError):
            return "missing"


def has_schema(path: Path, schema: str) -> bool:
    """Whether this is a readable file of ours of that kind."""
    try:
        return bool(read_header(path, schema, "of this kind", ""))
    except errors.Sat3dError:
        return False


@cache
def _assets(folder: Path, schema: str) -> tuple[Path, ...]:
    return tuple(path for path in sorted(folder.glob("*.safetensors")) if has_schema(path, schema))
