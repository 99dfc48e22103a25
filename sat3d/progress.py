"""Progress callbacks: plain callables, so that the core knows neither tqdm nor ComfyUI."""

from collections.abc import Callable

from torch import Tensor

# progress(done, total): called often, cheap; raise from it to cancel.
Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """The default: say nothing, never cancel."""


# watch(done, total, picture): as Progress, with what there is to see so far, [1, 3, H, W] in -1..1, now and then.
Watch = Callable[..., None]


def no_watch(done: int, total: int, picture: Tensor | None = None) -> None:
    """The default: say nothing, never cancel."""
