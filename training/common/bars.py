"""Progress of the core's functions on the console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from sat3d.progress import Watch


@contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Watch]:
    """A bar on the console that a ``watch`` of the core moves."""
    with tqdm(desc=what, unit=unit, disable=None) as bar:

        def watch(done: int, total: int, picture: object = None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield watch
