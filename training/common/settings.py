"""Command lines made from frozen dataclasses: a field is a flag, its type the range, its comment the help.

A text of its own below the field is the help where a comment would be too long.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Optional, TypeVar, Union, get_type_hints

import tyro

from sat3d.errors import ConfigError

T = TypeVar("T")
_unsaid = tyro.conf.arg(help_behavior_hint="")  # a default that says nothing to a reader of --help
Maybe = Annotated[Optional[T], _unsaid]  # noqa: UP045 - T | None takes no argument in Python 3.10
Many = Annotated[tuple[T, ...], _unsaid]
Again = tyro.conf.UseAppendAction[Many[T]]  # one value for each time that the flag is given
Flag = Annotated[bool, _unsaid]
BuiltIn = Annotated[Path, tyro.conf.arg(help_behavior_hint="(the built-in one)")]
_RULES = (tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone)


@dataclass(frozen=True)
class Range:
    """Which numbers a setting may have, both ends included."""

    low: float = float("-inf")
    high: float = float("inf")

    def check(self, flag: str, value: float | Sequence[float] | None) -> None:
        """
        Raises:
            ConfigError: it, or one of several, is out of the range.
        """
        numbers = value if isinstance(value, Sequence) else [] if value is None else [value]
        if not all(self.low <= number <= self.high and math.isfinite(number) for number in numbers):
            wanted = f"at least {self.low}" if self.high == float("inf") else f"{self.low} to {self.high}"
            raise ConfigError(f"{flag} is out of range", value, wanted, "correct it")


Seed = Annotated[int, Range(0, 2**32 - 1)]
Threads = Annotated[Maybe[int], Range(0, 1024)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of what a command can be told. Numbers outside of their ranges are refused as soon as it is made.

    Example:
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Baking(Settings):
        ...     minutes: Annotated[int, Range(1, 90)] = 30
        >>> parse(Baking, ["--minutes", "45"]).minutes
        45

    Raises:
        ConfigError: a number out of its range, named as the flag.
    """

    @classmethod
    def defaults_for(cls, arguments: Sequence[str]) -> Settings | None:
        """What is taken where ``arguments`` say nothing, if that depends on some of them; None: it does not."""
        return None

    def __post_init__(self):
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            rules = getattr(hint, "__metadata__", ())
            flag = next(filter(None, (getattr(rule, "name", None) for rule in rules)), name)
            for rule in rules:
                if isinstance(rule, Range):
                    rule.check(f"--{flag.replace('_', '-')}", getattr(self, name))


Kind = TypeVar("Kind")


def parse(
    kind: type[Kind] | Mapping[str, type[Kind]], arguments: Sequence[str] | None = None, about: str = "", prog: str = ""
) -> Kind:
    """The settings that ``arguments`` (the command line's by default) ask for; of several kinds, one for each
    subcommand. ``about``: what --help says first. Wrong arguments end the program as argparse does, with code 2.
    """
    if isinstance(kind, Mapping):
        parts = (Annotated[one, tyro.conf.subcommand(name)] for name, one in kind.items())
        kind = Union[tuple(parts)]  # noqa: UP007 - as many as there are
        return tyro.cli(kind, prog=prog or None, description=about, args=arguments, config=_RULES)
    words = sys.argv[1:] if arguments is None else arguments
    default = kind.defaults_for(words) if issubclass(kind, Settings) else None
    return tyro.cli(kind, prog=prog or None, description=about, args=arguments, default=default, config=_RULES)
