"""The part of a domain file for learning masks: alterable regions, pre-selected channels, sampling of pictures.

"parser": "head",
"regions": {"beard": [{"labels": ["beard", "mouth"], "margin": 0.03}, {"labels": ["skin"], "rows": [0.5, 1]}]},
"preselection": {"hairstyle": {"region": "hair", "k": 0.6, "d": 1.8}},
"sampling": {"yaw_deg": [-35, 35], "pitch_deg": [-12, 12], "truncation_psi": 1, "drop": {"hat": 0.01},
             "at_least": {"glasses": {"share": 0.4, "pixels": 0.002}}}
"covers": {"eyeglasses": ["eye_region"]},
"hidden": {"hair_colour": ["a bald head"]}
"""

from collections.abc import Collection, Mapping
from typing import Any

from . import checks
from .domain import DescriptorGroup, PictureSampling, Preselection, Quota, RegionPart

Groups = Mapping[str, Collection[DescriptorGroup]]
LEARNING_KEYS = ("parser", "regions", "preselection", "sampling", "covers", "hidden")
_WIDEST_MARGIN = 0.5
_MOST_CHANNELS = 1 << 20
_LARGEST_LOGIT = 20.0


def read_learning(content: Mapping[str, Any], groups: Groups, source: str) -> dict[str, Any]:
    """The fields :data:`LEARNING_KEYS` of a domain with these ``groups``, by attribute.

    Raises:
        ConfigError: the wrong form; an attribute that is not there, or without a region where others have one; a
            label without a parser to find it.
    """
    attributes = tuple(groups)
    regions = _by_attribute(content, "regions", attributes, source, _region)
    preselection = _by_attribute(content, "preselection", attributes, source, _preselection)
    sampling = _sampling(content["sampling"], f"{source}: sampling") if "sampling" in content else PictureSampling()
    missing = [name for name in attributes if regions and name not in regions]
    if missing:
        raise checks.wrong(f"{source}: regions", f"missing {missing}", "a region for every attribute, or for none")
    parser = checks.name(content["parser"], f"{source}: parser") if "parser" in content else ""
    if not parser and (regions or preselection or sampling.drop or sampling.at_least):
        raise checks.wrong(f"{source}: parser", "missing", "the parser whose labels the file names, such as 'head'")
    phrases = {phrase for some in groups.values() for group in some for phrase in group.phrases}
    covers = _by_attribute(content, "covers", attributes, source, _some_of(attributes, "attributes"))
    hidden = _by_attribute(content, "hidden", attributes, source, _some_of(phrases, "phrases"))
    return {
        "parser": parser,
        "regions": regions,
        "preselection": preselection,
        "sampling": sampling,
        "covers": covers,
        "hidden": hidden,
    }


def _by_attribute(content: Mapping[str, Any], key: str, attributes: Collection[str], source: str, read) -> dict:
    where = f"{source}: {key}"
    table = checks.sized(content.get(key, {}), dict, "attributes", where, least=0)
    unknown = [name for name in table if name not in attributes]
    if unknown:
        raise checks.wrong(where, f"unknown attributes {unknown}", f"some of {list(attributes)}")
    return {name: read(value, f"{where}.{name}") for name, value in table.items()}


def _some_of(known: Collection[str], what: str):
    def read(content: Any, where: str) -> tuple[str, ...]:
        found = checks.sized(content, list, what, where, least=1)
        unknown = [item for item in found if item not in known]
        if unknown:
            raise checks.wrong(where, f"unknown {what} {unknown}", f"some of {sorted(known)}")
        return tuple(found)

    return read


def _region(content: Any, where: str) -> tuple[RegionPart, ...]:
    parts = checks.sized(content, list, "parts", where, least=1)
    return tuple(_part(part, f"{where}[{i}]") for i, part in enumerate(parts))


def _part(content: Any, where: str) -> RegionPart:
    checks.keys(content, {"labels"}, {"margin", "rows"}, where)
    labels = checks.sized(content["labels"], list, "labels", f"{where}.labels", least=1)
    return RegionPart(
        tuple(checks.name(label, f"{where}.labels") for label in labels),
        checks.number(content.get("margin", 0), f"{where}.margin", 0, _WIDEST_MARGIN),
        checks.interval(content.get("rows", [0, 1]), f"{where}.rows", 0, 1),
    )


def _preselection(content: Any, where: str) -> Preselection:
    checks.keys(content, {"region", "k", "d"}, set(), where)
    k = content["k"]
    whole = isinstance(k, int) and not isinstance(k, bool)
    if not (checks.is_number(k) and (1 <= k <= _MOST_CHANNELS if whole else 0 < k <= 1)):
        raise checks.wrong(f"{where}.k", k, "a number of channels, such as 3500, or a share of them, such as 0.6")
    d = checks.number(content["d"], f"{where}.d", -_LARGEST_LOGIT, _LARGEST_LOGIT)
    return Preselection(checks.name(content["region"], f"{where}.region"), k, d)


def _sampling(content: Any, where: str) -> PictureSampling:
    checks.keys(content, set(), {"yaw_deg", "pitch_deg", "truncation_psi", "drop", "at_least"}, where)
    drop = checks.sized(content.get("drop", {}), dict, "labels", f"{where}.drop", least=0)
    quotas = checks.sized(content.get("at_least", {}), dict, "labels", f"{where}.at_least", least=0)
    return PictureSampling(
        checks.interval(content.get("yaw_deg", [0, 0]), f"{where}.yaw_deg", -180, 180),
        checks.interval(content.get("pitch_deg", [0, 0]), f"{where}.pitch_deg", -89, 89),
        checks.number(content.get("truncation_psi", 1), f"{where}.truncation_psi", 0, 2),
        {
            checks.name(label, f"{where}.drop"): checks.number(value, f"{where}.drop.{label}", 0, 1)
            for label, value in drop.items()
        },
        {
            checks.name(label, f"{where}.at_least"): _quota(v, f"{where}.at_least.{label}")
            for label, v in quotas.items()
        },
    )


def _quota(content: Any, where: str) -> Quota:
    checks.keys(content, {"share", "pixels"}, set(), where)
    return Quota(*(checks.number(content[key], f"{where}.{key}", 0, 1) for key in ("share", "pixels")))
