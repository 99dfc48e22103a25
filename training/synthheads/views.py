"""Pictures of heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.synth.cameras import Pose
from training.synth.views import render_views

from .domain import HEADS
from .parameters import HeadParameters

if TYPE_CHECKING:
    from training.synth.render import View


def render_head(
    p: HeadParameters, poses: Sequence[Pose], size: int, device: str = "cpu", style: str = "natural"
) -> list[View]:
    """One view of a head for each pose; the geometry is built once. ``style``: one of ``looks.STYLES``."""
    return render_views(HEADS, p, poses, size, device, style)
