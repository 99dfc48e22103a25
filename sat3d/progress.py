"""Progress callbacks: plain callables, so that the core knows neither tqdm nor ComfyUI."""

from collections.abc import Callable

# progress(done, total): called often, cheap; raise from it to cancel.
Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """The default: say nothing, never cancel."""
