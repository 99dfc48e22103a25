"""What one head is: every parameter of the domain, with its range."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.synth.rules import Colour

from .actions import ACTION_NAMES
from .attributes import SHAPE_NAMES


@dataclass(frozen=True)
class HeadParameters:
    """One person, one look, one light. Colours are sRGB, 0..1; shares and strengths are 0..1 unless another range is
    given. Sex and age only shape the head (and wrinkles); what goes together with them is up to a population.
    """

    # identity
    shape: tuple[float, ...] = field(default_factory=lambda: (0.0,) * len(SHAPE_NAMES))  # each -1..1
    sex: float = 0.5  # 0 female .. 1 male, of the head's shape
    age: float = 0.5  # 0 child .. 0.4 young adult .. 1 old
    weight: float = 0.5
    ancestry: Colour = (1 / 3, 1 / 3, 1 / 3)  # shares of the African, Asian and European head shapes, sum 1
    skin_tone: float = 0.3  # 0 palest .. 1 deepest
    skin_warmth: float = 0.0  # -1 cool .. 1 warm
    skin_redness: float = 0.0  # -1 pale .. 1 flushed
    freckles: float = 0.0
    # hair
    hair_style: str = "short crop"
    hair_colour: Colour = (0.31, 0.19, 0.115)
    hair_volume: float = 0.5
    hair_length: float = 0.5
    parting: float = -0.5  # -1 left .. 1 right, as the viewer sees it from the front
    # eye region
    iris_colour: Colour = (0.36, 0.19, 0.08)
    lid_openness: float = 0.5
    brow_thickness: float = 0.5
    brow_arch: float = 0.5
    # expression
    actions: tuple[float, ...] = field(default_factory=lambda: (0.0,) * len(ACTION_NAMES))  # each 0..1
    gaze_yaw: float = 0.0  # -1 (30 degrees to the viewer's left) .. 1 right
    gaze_pitch: float = 0.0  # -1 (25 degrees down) .. 1 up
    # beard
    beard: str = "none"
    beard_colour: Colour = (0.28, 0.17, 0.10)
    beard_length: float = 0.4
    # eyeglasses
    glasses: str = "none"
    frame_colour: Colour = (0.05, 0.05, 0.06)
    frame_thickness: float = 0.5
    glasses_size: float = 0.5
    lens_darkness: float = 0.95  # of sunglasses; the other lenses are clear
    # make-up
    lipstick: float = 0.0
    lipstick_colour: Colour = (0.70, 0.10, 0.18)
    eye_shadow: float = 0.0
    # surroundings
    cloth_colour: Colour = (0.15, 0.28, 0.62)
    neckline: str = "crew neck"
    backdrop: str = "plain"
    background: Colour = (0.55, 0.55, 0.57)
    background_second: Colour = (0.15, 0.15, 0.16)  # of gradients and of blurred shapes
    backdrop_variant: float = 0.0  # which way a gradient goes, where shapes are
    # light; the defaults are a studio's
    light_yaw_deg: float = -32.9  # where the key light stands: negative is the viewer's left
    light_pitch_deg: float = 36.5  # above the eyes
    light_strength: float = 0.5  # of the key light
    light_fill: float = 0.5  # of all other light
    light_warmth: float = 0.0  # -1 cool .. 1 warm
