"""The command line of a domain: render, sheet, describe, and what it has besides."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field, make_dataclass
from typing import Annotated, Any, Literal

# One thread a process, before numpy is imported: the work is split between processes.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")

import tyro  # noqa: E402

from training.common.console import script  # noqa: E402
from training.common.settings import Settings  # noqa: E402

from .describe_command import DescribeSettings, describe_file  # noqa: E402
from .domain import SynthDomain  # noqa: E402
from .render_command import RenderSettings, render  # noqa: E402
from .sheet_command import KINDS, Kinds, SheetSettings, draw_sheet  # noqa: E402

Command = Callable[[Any], int]


def make_main(
    domain: SynthDomain, sheets: Kinds = KINDS, others: Mapping[str, tuple[type[Settings], Command]] | None = None
) -> Callable[..., int]:
    """``main`` of ``python -m training.<domain>``. ``sheets``: kinds of contact sheets; ``others``: further commands,
    name -> their settings and what they do."""
    rendering, drawing = _of_domain(RenderSettings, domain), _of_domain(SheetSettings, domain, tuple(sheets))
    commands = {
        "render": (rendering, lambda settings: render(domain, settings)),
        "sheet": (drawing, lambda settings: draw_sheet(domain, sheets, settings)),
        "describe": (DescribeSettings, lambda settings: describe_file(domain, settings)),
        **(others or {}),
    }

    @script({name: settings for name, (settings, _) in commands.items()}, prog=f"python -m training.{domain.name}")
    def main(settings: Settings) -> int:
        """Exit codes: 0 done; 2 wrong arguments or files, said in words on stderr; 130 stopped by the user."""
        return dict(commands.values())[type(settings)](settings)

    return main


def _of_domain(kind: type[Settings], domain: SynthDomain, sheets: tuple[str, ...] = ()) -> type[Settings]:
    """``kind`` with the names that the domain knows."""
    names = tuple(domain.populations)
    about = Annotated[Literal[names], tyro.conf.arg(help="how attributes go together")]
    fields: list[tuple] = [("population", about, field(default=names[0]))]
    if sheets:
        fields.append(("kind", Literal[(*sheets, "all")], field(default=sheets[0])))
    made = make_dataclass(kind.__name__, fields, bases=(kind,), frozen=True, kw_only=True)
    made.__doc__, made.__module__ = kind.__doc__, __name__
    return made
