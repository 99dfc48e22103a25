"""Attributes and their descriptor groups as data (SAT3D, section 3.2: Φ_t, φ and the text template)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..errors import ConfigError

SLOT = "{}"
_HALF_ROUND_DEG = 185.0  # from one side to the other, and a little beyond


@dataclass(frozen=True)
class DescriptorGroup:
    """φ: phrases that are alternatives to each other, the labels of one small classifier.

    ``truth`` and ``values`` serve domains whose pictures have known truth: the fact that decides, and for each phrase
    the values of that fact it is right for. Both are empty where nothing is known.
    """

    attribute: str
    name: str
    phrases: tuple[str, ...]
    truth: str = ""
    values: tuple[tuple[str, ...], ...] = ()

    def index_of(self, value: str) -> int | None:
        """Which phrase is right for a value of the fact ``truth``; None: this group says nothing of such a picture."""
        return next((i for i, right_for in enumerate(self.values) if value in right_for), None)


@dataclass(frozen=True)
class RegionPart:
    """A piece of an attribute's alterable region: the pixels with one of these ``labels`` of the parser.

    ``rows``: which of their rows count, as shares of their height, (0.5, 1) for the lower half; ``margin``: how far
    the piece is widened on all sides, as a share of the picture's width.
    """

    labels: tuple[str, ...]
    margin: float = 0.0
    rows: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Preselection:
    """Channels that begin with an attribute: the ``k`` that steer most of the pixels labelled ``region``, with M = d.

    ``k``: a number of channels or, below 1 or 1.0 as a float, a share of all editable ones.
    """

    region: str
    k: int | float
    d: float

    def count(self, num_editable: int) -> int:
        """k_t for a generator with so many editable channels, never more than it has."""
        return min(self.k if isinstance(self.k, int) else max(1, round(self.k * num_editable)), num_editable)


@dataclass(frozen=True)
class Quota:
    """At least ``share`` of the pictures have more than ``pixels`` (a share of the picture) of a label."""

    share: float
    pixels: float


@dataclass(frozen=True)
class PictureSampling:
    """Which pictures masks are learned from.

    ``yaw_deg``, ``pitch_deg``: from … to, evenly drawn. ``drop``: label to the share of the picture above which a
    picture is left out (hats). ``at_least``: label to its quota (glasses).
    """

    yaw_deg: tuple[float, float] = (0.0, 0.0)
    pitch_deg: tuple[float, float] = (0.0, 0.0)
    truncation_psi: float = 1.0
    drop: Mapping[str, float] = field(default_factory=dict)
    at_least: Mapping[str, Quota] = field(default_factory=dict)


@dataclass(frozen=True)
class Domain:
    """A kind of picture. ``attributes``: name to Φ_t, its descriptor groups, in the order of the file; ``kept``: the
    same of what is measured, but never moved: every edit is to leave it, such as age or the colour of the skin.

    For learning masks: ``parser``, the kind of network whose labels ``regions`` (attribute to alterable region),
    ``preselection`` and ``sampling`` speak of; "" and empty where nothing is parsed. ``covers``: attribute to those it
    hides or bares, as dark glasses do with eyes: they cannot be asked to look as before. ``hidden``: attribute to the
    phrases with which it cannot be seen, such as hair colour with *a bald head*; such pictures teach nothing about it.
    (Both are variants of ours.) ``front_deg``: yaw and pitch of the one view that shows most.

    Example:
        >>> from sat3d.domains import load_domain
        >>> domain = load_domain("synthheads")
        >>> domain.sentences(domain.group("beard", "kind"))[0]
        'the face of a person with no beard'
    """

    name: str
    template: str  # holds "{}" once, where the phrase goes
    attributes: Mapping[str, tuple[DescriptorGroup, ...]]
    kept: Mapping[str, tuple[DescriptorGroup, ...]] = field(default_factory=dict)
    description: str = ""
    parser: str = ""
    regions: Mapping[str, tuple[RegionPart, ...]] = field(default_factory=dict)
    preselection: Mapping[str, Preselection] = field(default_factory=dict)
    sampling: PictureSampling = field(default_factory=PictureSampling)
    covers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    front_deg: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self):
        for name in ("attributes", "kept", "regions", "preselection", "covers", "hidden"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __iter__(self) -> Iterator[DescriptorGroup]:
        """Every group, attribute by attribute, then those of what is kept: the order in which scores are laid out."""
        return (group for groups in (*self.attributes.values(), *self.kept.values()) for group in groups)

    @property
    def all_round(self) -> bool:
        """Whether its things are looked at from behind, too."""
        low, high = self.sampling.yaw_deg
        return high - low > _HALF_ROUND_DEG

    @property
    def num_phrases(self) -> int:
        """K: the phrases of all groups together."""
        return sum(len(group.phrases) for group in self)

    def groups(self, attribute: str) -> tuple[DescriptorGroup, ...]:
        """Φ_t.

        Raises:
            ConfigError: an attribute this domain does not have.
        """
        if attribute not in self.attributes:
            raise ConfigError(
                f"The domain {self.name!r} has no such attribute",
                attribute,
                f"one of {list(self.attributes)}",
                "choose one of these, or add it to the domain's JSON file",
            )
        return self.attributes[attribute]

    def group(self, attribute: str, name: str) -> DescriptorGroup:
        """One group φ of an attribute.

        Raises:
            ConfigError: the domain has no such attribute, or the attribute no such group.
        """
        groups = self.groups(attribute)
        found = next((group for group in groups if group.name == name), None)
        if found is None:
            names = [group.name for group in groups]
            raise ConfigError(f"{attribute!r} has no such descriptor group", name, f"one of {names}", "choose another")
        return found

    def sentences(self, group: DescriptorGroup) -> list[str]:
        """The phrases set into the template."""
        # Not str.format: a file's text must not reach the attributes of objects.
        return [self.template.replace(SLOT, phrase) for phrase in group.phrases]
