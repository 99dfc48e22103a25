"""Hair styles: a function each, from a head's parameters and its scalp to surfaces. A new style is one more entry."""

from __future__ import annotations

from training.synth.mesh import Mesh

from ..head import Head
from ..parameters import HeadParameters
from .balding import bald, balding
from .curly import afro, curly
from .long import bob, long_straight, long_wavy
from .look import HairLook
from .short import buzz_cut, short_crop, side_part
from .tall import mohawk, quiff
from .tied import bun, ponytail

STYLES = {
    "bald": bald,
    "buzz cut": buzz_cut,
    "short crop": short_crop,
    "side part": side_part,
    "quiff": quiff,
    "mohawk": mohawk,
    "afro": afro,
    "curly": curly,
    "bob": bob,
    "long straight": long_straight,
    "long wavy": long_wavy,
    "bun": bun,
    "ponytail": ponytail,
    "balding": balding,
}


def build_hair(p: HeadParameters, head: Head) -> tuple[list[Mesh], HairLook]:
    """Surfaces of the head's hair (none when bald) and what the shading has to know about them."""
    return STYLES[p.hair_style](p, head.scalp)
