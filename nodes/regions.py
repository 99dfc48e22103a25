"""Where an edit or an expression may show in 3D: the alterable region of an attribute, told by a semantic field."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from comfy_api.latest import io

from ..sat3d.animation.streaming import Confined
from ..sat3d.domains import domain_names, load_domain
from ..sat3d.errors import ConfigError
from ..sat3d.latent import Latent
from ..sat3d.masks import AttributeMasks
from ..sat3d.parts.confining import Region, confine_edit
from ..sat3d.parts.field import Parts
from . import host
from .expressions import EXPRESSION
from .part_fields import parts_at_hand

STAYS, MAY_CHANGE = "stays", "may change"


def outside(tooltip: str) -> io.Input:
    """Whether what lies beside the region may change; optional, since older workflows do not have it."""
    return io.Combo.Input("outside", options=[MAY_CHANGE, STAYS], default=MAY_CHANGE, optional=True, tooltip=tooltip)


@dataclass(frozen=True)
class ConfinedTo:
    """Where an edit may show, on one generator."""

    model: host.HostModel
    parts: Parts
    region: Region

    def confine(self, source: Latent, edited: Latent) -> Latent:
        """See :func:`sat3d.parts.confining.confine_edit`."""
        network = self.model.ready()
        return confine_edit(network, self.parts.field.to(network.device), source, edited, self.region)


def find_region(model: host.HostModel, masks: AttributeMasks, attribute: str) -> ConfinedTo | None:
    """The alterable region of the attribute in 3D; None, which is said, where nothing tells it."""
    parts, name = parts_at_hand(model), masks.metadata.get("domain", "")
    if parts is None or name not in domain_names():
        _say_unknown(attribute, f"no semantic field for {model.name}" if parts is None else "no domain in the masks")
        return None
    try:
        region = Region.of(load_domain(name).regions.get(attribute, ()), parts.field.labels)
    except ConfigError as error:
        host.warn(f"{error} The edit is not confined to its region")
        return None
    return ConfinedTo(model, parts, region)


def find_expression(model: host.HostModel) -> Confined | None:
    """Where a face moves, by the first domain whose labels the semantic field knows; None, which is said: no field."""
    parts = parts_at_hand(model)
    if parts is None:
        _say_unknown(EXPRESSION, f"no semantic field for {model.name}")
        return None
    for name in domain_names():
        with suppress(ConfigError):
            return Confined(parts.field, Region.of(load_domain(name).regions.get(EXPRESSION, ()), parts.field.labels))
    _say_unknown(EXPRESSION, f"no domain with the labels of the semantic field for {model.name}")
    return None


def _say_unknown(attribute: str, missing: str) -> None:
    host.warn(f"there is {missing}, so nothing tells where {attribute} is: it is not confined to its region")
