"""All templates and blueprints that are shipped, of whatever module."""

from .parts import change_the_hair
from .templates import BLUEPRINTS
from .templates import TEMPLATES as FIRST_TEMPLATES

TEMPLATES = (*FIRST_TEMPLATES, change_the_hair)

__all__ = ["BLUEPRINTS", "TEMPLATES"]
