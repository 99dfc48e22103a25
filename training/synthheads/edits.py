"""True edits: which parameters of a head are an attribute, and the head that has them from somebody else.

A true edit takes over *all* parameters of the attribute and nothing besides, so that its picture is what a perfect
transfer shows. What the renderer draws from a parameter goes with it: eyebrows have the hair's colour, lids follow
the gaze. What is a parameter of its own stays: a beard keeps its colour when the hair's changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from training.synth import edits
from training.synth.cameras import FRONT, Pose

from .parameters import HeadParameters
from .views import render_head

if TYPE_CHECKING:
    from training.synth.render import View

# Attribute -> its parameters. The first six are those of the domain; eye shadow is of the eye region and of make-up.
PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hairstyle": ("hair_style", "hair_volume", "hair_length", "parting"),
        "hair_colour": ("hair_colour",),
        "eye_region": ("iris_colour", "lid_openness", "brow_thickness", "brow_arch", "eye_shadow"),
        "expression": ("actions",),
        "beard": ("beard", "beard_colour", "beard_length"),
        "eyeglasses": ("glasses", "frame_colour", "frame_thickness", "glasses_size", "lens_darkness"),
        "make_up": ("lipstick", "lipstick_colour", "eye_shadow"),
        "gaze": ("gaze_yaw", "gaze_pitch"),
        "age": ("age",),
        "light": ("light_yaw_deg", "light_pitch_deg", "light_strength", "light_fill", "light_warmth"),
    }
)


values_of, true_edit = partial(edits.values_of, PARAMETERS), partial(edits.true_edit, PARAMETERS)


def render_true_edit(
    source: HeadParameters,
    reference: HeadParameters,
    attribute: str,
    size: int,
    poses: Sequence[Pose] = (FRONT,),
    device: str = "cpu",
) -> list[View]:
    """One view of the true edit for each pose, in pictures of ``size`` pixels, as :func:`render_head` makes them.

    Raises:
        ConfigError: there is no such attribute, or the renderer is not installed.
    """
    return render_head(true_edit(source, reference, attribute), poses, size, device)
