"""Errors that a user can act on: what happened, what was got, what was wanted, what to do next."""


class Sat3dError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        what: one sentence, what went wrong.
        got: the offending value or fact.
        wanted: what would have been right.
        next_step: what the user can do about it.
    """

    def __init__(self, what: str, got: object = None, wanted: object = None, next_step: str | None = None):
        self.what, self.got, self.wanted, self.next_step = what, got, wanted, next_step
        parts = [what.rstrip(".") + "."]
        for label, value in (("Got", got), ("Wanted", wanted), ("Next step", next_step)):
            if value is not None:
                parts.append(f"{label}: {_shorten(str(value)).rstrip('.')}.")
        super().__init__(" ".join(parts))

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
