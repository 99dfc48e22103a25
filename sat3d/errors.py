"""Errors that a user can act on: what happened, what was got, what was wanted, what to do next."""

from typing import ClassVar


class Sat3dError(Exception):
    """Base of every error this package raises on purpose.

    Its name is short wherever it is raised: a host that loads the package from a folder calls the module by the whole
    path, and shows that to people.

    Args:
        what: one sentence, what went wrong.
        got: the offending value or fact.
        wanted: what would have been right.
        next_step: what the user can do about it.

    ``on_lines``: a page shows one part a line, first what helps, since it cuts off the rest; a console one line.
    """

    on_lines: ClassVar[bool] = False
    __module__ = "sat3d.errors"

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        _, found, below = cls.__module__.rpartition(".sat3d.")
        if found:
            cls.__module__ = f"sat3d.{below}"

    def __init__(self, what: str, got: object = None, wanted: object = None, next_step: str | None = None):
        self.what, self.got, self.wanted, self.next_step = what, got, wanted, next_step
        super().__init__(" ".join([self._sentence, *self._lines("Got", "Wanted", "Next step")]))

    def __str__(self) -> str:
        if not self.on_lines:
            return super().__str__()
        return "\n".join([self._sentence, *self._lines("Next step", "Got", "Wanted")])

    @property
    def _sentence(self) -> str:
        return self.what.rstrip(".") + "."

    def _lines(self, *labels: str) -> list[str]:
        known = {"Got": self.got, "Wanted": self.wanted, "Next step": self.next_step}
        return [f"{label}: {_shorten(str(known[label])).rstrip('.')}." for label in labels if known[label] is not None]

    def with_next_step(self, next_step: str):
        """The same error with other advice: a program knows its own options, which the core does not."""
        return type(self)(self.what, self.got, self.wanted, next_step)

    def at(self, where: str) -> "Sat3dError":
        """The same error, told of one of several, such as "Picture 3 of 8"."""
        return type(self)(f"{where}: {self.what}", self.got, self.wanted, self.next_step)


def _shorten(text: str, limit: int = 600) -> str:
    # Half a character or a NUL, as in the name of a file that cannot be, no console prints.
    text = text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[:limit] + " …"


class FileError(Sat3dError):
    """A file that is missing, truncated, of another kind, or that would be overwritten."""


class NameTakenError(FileError):
    """A file that must be new, and whose name another file has."""


class NoSuchNetworkError(FileError):
    """A file of several networks without the one that was asked for."""


class NoBaseError(FileError):
    """Weights of a tuned network without the network that was tuned, which says how they are used."""


class HostileFileError(FileError):
    """A file that asks for code to be run, or that tries to exhaust the machine."""


class ConfigError(Sat3dError):
    """A configuration value outside what the networks allow."""


class ShapeError(Sat3dError):
    """A tensor of the wrong shape, dtype or range (NaN and infinity included)."""


class LayoutError(Sat3dError):
    """Styles or masks made for another style layout."""


class CancelledError(Sat3dError):
    """The caller's cancel check said stop."""
