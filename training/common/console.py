"""What all scripts do alike: settings from the command line, safe printing, errors in one line, exit codes."""

import codecs
import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from sat3d.errors import Sat3dError

REFUSED, INTERRUPTED, CLOSED_PIPE = 2, 130, 141  # a user's error; 128 and the signal's number, as shells have it
_HANDLER = "sat3d.console"
_FAILING = {"strict", "surrogateescape", "backslashreplace"}  # what Python chooses; the others a user has chosen
_TYPED = {"×": "x", "…": "...", "–": "-", "—": "-", "−": "-", "→": "->", "²": "2", "³": "3", "±": "+-", "≈": "~",
          "≥": ">=", "≤": "<=", "·": "*", "°": " deg", "δ": "delta", "’": "'", "“": '"', "”": '"'}  # fmt: skip


def script(
    settings: type | Mapping[str, type] | None = None, *, prog: str = "", stopped: str = "stopped"
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorator of a script's ``main``, which gets its ``settings`` and gives its exit code.

    What is decorated takes a list of words, by default the command line's, of which :func:`.settings.parse` makes the
    settings (without any, ``main`` gets the words). Printing never fails for want of a character, whatever the console
    or the pipe takes. A :class:`Sat3dError`, or what the system says of a file or a stream, becomes one line on stderr
    and the code 2; Ctrl-C says ``stopped`` and gives 130; a reader that has enough, as ``| head`` has, ends the script
    with 141 and without a word.
    """

    def decorate(main: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(main)
        def run(arguments: Sequence[str] | None = None) -> int:
            allow_all_characters()
            try:
                with _flushing():
                    return main(_parsed(main, arguments, settings, prog))
            except BrokenPipeError:
                _leave_stdout()
                return CLOSED_PIPE
            except (Sat3dError, OSError) as error:
                _say(f"error: {error}")
                return REFUSED
            except KeyboardInterrupt:
                _say(stopped)
                return INTERRUPTED

        return run

    return decorate


def _parsed(main: Callable, arguments: Sequence[str] | None, settings: type | Mapping[str, type] | None, prog: str):
    if settings is None:
        return arguments
    from .settings import parse  # a script of the node pack's users has no settings, and needs no more than the pack

    return parse(settings, arguments, sys.modules[main.__module__].__doc__ or "", prog)


def allow_all_characters() -> None:
    """Let stdout and stderr write what their encoding lacks as it would be typed, or as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in _FAILING:
            with suppress(AttributeError, OSError, ValueError):  # no stream of Python's own; or closed
                stream.reconfigure(errors=_HANDLER)


def _typed(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    known = (_TYPED.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lacking)
    return "".join(known), error.end


codecs.register_error(_HANDLER, _typed)


@contextmanager
def _flushing() -> Iterator[None]:
    """See here, not at the interpreter's end, whether what was printed also arrived."""
    try:
        yield
    except SystemExit:  # of --help
        _flush()
        raise
    _flush()


def _flush() -> None:
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _leave_stdout()
            raise


def _leave_stdout() -> None:
    """What is still to be printed goes nowhere: else the interpreter would try it again at its end."""
    with suppress(AttributeError, OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _say(text: str) -> None:
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
