"""Attributes and their descriptor groups as data (SAT3D, section 3.2: Φ_t, φ and the text template)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import ConfigError

SLOT = "{}"


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
class Domain:
    """A kind of picture. ``attributes``: name to Φ_t, its descriptor groups, in the order of the file.

    Example:
        >>> domain = load_domain("synthheads")
        >>> domain.sentences(domain.group("beard", "kind"))[0]
        'the face of a person with no beard'
    """

    name: str
    template: str  # holds "{}" once, where the phrase goes
    attributes: Mapping[str, tuple[DescriptorGroup, ...]]
    description: str = ""

    def __post_init__(self):
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def __iter__(self) -> Iterator[DescriptorGroup]:
        """Every group, attribute by attribute: the order in which scores are laid out."""
        return (group for groups in self.attributes.values() for group in groups)

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
