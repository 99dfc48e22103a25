"""SynthHeads as a domain: everything that the framework asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sat3d.parsing.labels import LABEL_NAMES
from training.synth.domain import SynthDomain

from .actions import ACTION_NAMES
from .cameras import VIEWS
from .captions import caption
from .labels import ATTRIBUTE_VALUES, attributes_of
from .learning import LEARNING
from .parameter_spec import TABLE
from .parameters import HeadParameters
from .populations import POPULATIONS
from .sheet_hints import HINTS

if TYPE_CHECKING:
    from training.synth.scene import Model


def _build(p: HeadParameters) -> Model:
    from .scene import build_head  # needs Warp, which describing and reading data do not

    return build_head(p)


def _facts(p: HeadParameters) -> dict[str, object]:
    return {"actions": dict(zip(ACTION_NAMES, p.actions, strict=True))}


HEADS = SynthDomain(
    name="synthheads",
    version=3,
    table=TABLE,
    populations=POPULATIONS,
    views=VIEWS,
    labels=LABEL_NAMES,
    build=_build,
    caption=caption,
    attributes_of=attributes_of,
    attribute_values=ATTRIBUTE_VALUES,
    facts=_facts,
    learning=LEARNING,
    hints=HINTS,
)
DOMAIN = HEADS.id
