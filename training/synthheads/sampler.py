"""The domain's latent: numbers from N(0, I) to a head and back, and the independent draws of a data set.

Each parameter has a slice ("block") of an inner latent; a fixed rotation turns that into the latent z, so that no
attribute lies along an axis of z and a network has to find its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sat3d.errors import ConfigError, ShapeError

from .blocks import AncestryBlock, Block, NumberBlock, ShapeBlock, beard_colour_block, choice_block, colour_block
from .distributions import OftenZero, Triangular, TruncatedNormal, Uniform, normal_of_share
from .parameter_spec import change
from .parameters import HeadParameters

_NATURAL_COLOURS = ("black", "brown", "auburn", "ginger", "blond", "platinum", "grey")
BLOCKS: tuple[Block, ...] = (
    ShapeBlock(TruncatedNormal(0.3, 0.9)),
    NumberBlock("sex", Uniform()),
    NumberBlock("age", Uniform()),
    NumberBlock("weight", Triangular()),
    AncestryBlock(spread=1.8),
    NumberBlock("skin_tone", Uniform()),
    NumberBlock("skin_warmth", Triangular(-1.0, 1.0)),
    NumberBlock("skin_redness", Triangular(-1.0, 1.0)),
    NumberBlock("freckles", OftenZero(0.6, Uniform(0.2, 1.0))),
    choice_block("hair_style", bald=0.045, balding=0.045),
    colour_block("hair_colour", lightness=0.032, warmth=0.024),
    NumberBlock("hair_volume", Uniform()),
    NumberBlock("hair_length", Uniform()),
    NumberBlock("parting", Uniform(-1.0, 1.0)),
    colour_block("iris_colour", lightness=0.03, warmth=0.02),
    NumberBlock("lid_openness", Triangular()),
    NumberBlock("brow_thickness", Uniform()),
    NumberBlock("brow_arch", Uniform()),
    choice_block("expression", neutral=0.16),
    NumberBlock("expression_strength", Uniform(0.8, 1.0)),
    choice_block("beard", none=0.35),
    beard_colour_block(_NATURAL_COLOURS, OftenZero(0.7, Uniform(0.2, 1.0))),
    NumberBlock("beard_length", Uniform()),
    choice_block("glasses", none=0.34),
    colour_block("frame_colour", lightness=0.03, circle=True),
    NumberBlock("frame_thickness", Uniform()),
    NumberBlock("glasses_size", Uniform()),
    NumberBlock("lens_darkness", Uniform(0.85, 1.0)),
    NumberBlock("lipstick", OftenZero(0.5, Uniform(0.4, 1.0))),
    colour_block("lipstick_colour", lightness=0.03, circle=True),
    NumberBlock("eye_shadow", OftenZero(0.6, Uniform(0.3, 1.0))),
    colour_block("cloth_colour", lightness=0.03, circle=True),
    choice_block("neckline"),
    colour_block("background", lightness=0.03, circle=True),
)
Z_DIM = sum(block.size for block in BLOCKS)
_ROTATION_SEED = 20250
YAW_LIMIT_RAD = math.radians(50.0)
PITCH_LIMIT_RAD = math.radians(25.0)
SEED_LIMIT = 2**32  # numpy spreads larger seeds over several words, where two seeds could meet
_CAMERA_STREAM, _CAPTION_STREAM = 1, 2  # not 0: numpy pads the entropy of a shorter key with zeros


@dataclass(frozen=True)
class Pose:
    """Where the camera stands: yaw to the right and pitch downward, radians, both 0 from the front."""

    yaw_rad: float
    pitch_rad: float


@lru_cache(maxsize=1)
def rotation() -> np.ndarray:
    """[Z_DIM, Z_DIM] orthogonal; fixed for all time and every machine.

    Built from the generator's raw 53-bit numbers, which every numpy draws alike. Its columns have the signs that make
    QR unique, and are rounded far above the noise of a linear algebra library and far below what a parameter keeps.
    """
    draws = np.random.Generator(np.random.PCG64(_ROTATION_SEED)).random((Z_DIM, Z_DIM))
    normal = np.vectorize(normal_of_share, otypes=[float])(draws)
    q, r = np.linalg.qr(normal)
    matrix = np.round(q * np.sign(np.diag(r)), 11)
    matrix.setflags(write=False)
    return matrix


def parameters_from_latent(z: np.ndarray) -> HeadParameters:
    """The head of a latent [Z_DIM]; any finite numbers are allowed, N(0, I) gives the domain's balance.

    Raises:
        ShapeError: another shape, NaN or infinity.
    """
    inner = _checked(z) @ rotation()
    values: dict[str, object] = {}
    start = 0
    for block in BLOCKS:
        values[block.name] = block.decode(inner[start : start + block.size], values)
        start += block.size
    return HeadParameters(**values)


def latent_from_parameters(p: HeadParameters) -> np.ndarray:
    """A latent [Z_DIM] float64 of this head: :func:`parameters_from_latent` gives it back.

    What ``p`` has and the domain never draws (a colour between anchors, half a wink) becomes the nearest it does draw.
    """
    return rotation() @ np.concatenate([block.encode(p) for block in BLOCKS])


def edit_latent(z: np.ndarray, **values: object) -> np.ndarray:
    """``z`` with the named parameters changed (as :func:`change` takes them) and nothing else.

    One thing can give way: a beard's colour is drawn as a mixture with the hair's, so after a change of the hair's
    colour it is the nearest such mixture to what it was.
    """
    after = change(parameters_from_latent(z), **values)
    inner, target = _checked(z) @ rotation(), latent_from_parameters(after) @ rotation()
    start = 0
    for block in BLOCKS:
        own = slice(start, start + block.size)
        if block.decode(inner[own], vars(after)) != getattr(after, block.name):
            inner[own] = target[own]
        start += block.size
    return rotation() @ inner


def _checked(z: np.ndarray) -> np.ndarray:
    array = np.asarray(z, dtype=np.float64)
    if array.shape != (Z_DIM,):
        raise ShapeError("Not a latent of this domain", array.shape, f"({Z_DIM},)", "use draw_latents")
    if not np.isfinite(array).all():
        raise ShapeError("The latent holds NaN or infinity", None, f"{Z_DIM} finite numbers", "use draw_latents")
    return array


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """An independent stream for each seed and key, whatever else is drawn.

    Raises:
        ConfigError: a seed outside 0..2³² − 1, a negative key.
    """
    if not 0 <= seed < SEED_LIMIT or min(key, default=0) < 0:
        raise ConfigError("Seed out of range", seed, f"0 to {SEED_LIMIT - 1}", "choose another seed")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def draw_latents(seed: int, index: int) -> np.ndarray:
    """The latent [Z_DIM] float32 of head ``index``; float32, so that a stored latent gives the very same head."""
    return random_stream(seed, index).standard_normal(Z_DIM).astype(np.float32)


def draw_cameras(seed: int, head: int, views: int) -> tuple[Pose, ...]:
    """Poses of all views of a head: yaw ±50° and pitch ±25°, uniform, each stratified; the most frontal comes first."""
    stream = random_stream(seed, head, _CAMERA_STREAM)
    yaw, pitch = ((stream.permutation(views) + stream.random(views)) / views * 2 - 1 for _ in range(2))
    front = int(np.argmin(np.abs(yaw)))
    yaw[[0, front]] = yaw[[front, 0]]
    pairs = zip((yaw * YAW_LIMIT_RAD).tolist(), (pitch * PITCH_LIMIT_RAD).tolist(), strict=True)
    return tuple(Pose(round(y, 6), round(p, 6)) for y, p in pairs)


def draw_camera(seed: int, head: int, view: int, views: int = 4) -> Pose:
    """One of :func:`draw_cameras`."""
    return draw_cameras(seed, head, views)[view]


def caption_stream(seed: int, head: int, view: int) -> np.random.Generator:
    """The random numbers of the caption of one view."""
    return random_stream(seed, head, _CAPTION_STREAM, view)
