"""All templates, in the order of their names."""

from __future__ import annotations

from collections.abc import Callable

from .animation import animate_a_face, your_video
from .builder import Graph
from .cars import cars
from .first_steps import first_edit, first_face
from .learning import learn_masks
from .official import official_ffhq
from .orbit import orbit_and_mesh
from .page import Kinds
from .parts import change_the_hair, hand_to_inpainting
from .photo import edit_a_photo, group_photo
from .refine import refine
from .scores import scores
from .six_attributes import six_attributes
from .studio import studio

TEMPLATES: tuple[Callable[[Kinds], Graph], ...] = (
    first_face,
    first_edit,
    six_attributes,
    change_the_hair,
    edit_a_photo,
    group_photo,
    orbit_and_mesh,
    animate_a_face,
    your_video,
    scores,
    official_ffhq,
    learn_masks,
    refine,
    hand_to_inpainting,
    studio,
    cars,
)
