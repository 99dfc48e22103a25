"""What a file of sliders holds: sliders with their ranges, groups with the sizes of their subspaces."""

from dataclasses import dataclass

from ..checks import check_number, check_whole
from ..errors import ConfigError

# In the order in which they are shown; a file may have others, which follow.
GROUPS = (
    "shape", "age", "sex", "skin", "eyes", "hair", "beard", "glasses", "make-up", "expression", "gaze", "light",
)  # fmt: skip
_MOST_SLIDERS, _MOST_GROUPS, _MOST_RANK, _MOST_HIDDEN = 512, 32, 256, 1024
_MOST_STYLES, _MOST_NUMBERS = 1 << 16, 1 << 23
_LONGEST_NAME, _LARGEST = 80, 1e6


@dataclass(frozen=True)
class Slider:
    """One parameter. ``low`` to ``high``: what heads of the generator have, but for a few; ``mean`` and ``spread`` (the
    standard deviation) of theirs; ``unit``: of its values, "" for shares and plain numbers."""

    name: str
    group: str
    low: float
    high: float
    mean: float
    spread: float
    unit: str = ""

    def __post_init__(self):
        for text, least in ((self.name, 1), (self.group, 1), (self.unit, 0)):
            if not isinstance(text, str) or not least <= len(text) <= _LONGEST_NAME:
                raise ConfigError("A slider's name is not usable", repr(text)[:100],
                                  f"{least} to {_LONGEST_NAME} characters", "train the sliders again")  # fmt: skip
        for name in ("low", "high", "mean"):
            check_number(f"The slider's {name}", getattr(self, name), -_LARGEST, _LARGEST)
        check_number("The slider's spread", self.spread, 1e-9, _LARGEST)
        if self.low >= self.high:
            raise ConfigError("The slider's range is empty", (self.name, self.low, self.high), "low below high",
                              "train the sliders again")  # fmt: skip


@dataclass(frozen=True)
class SliderGroup:
    """``rank``: dimensions of its subspace; ``reach``: how many style channels it may move; ``hidden``: units of the
    bent part of its maps, 0 where they are linear."""

    name: str
    rank: int
    reach: int
    hidden: int = 32

    def __post_init__(self):
        check_whole("The group's reach", self.reach, 1, _MOST_STYLES)
        check_whole("The group's rank", self.rank, 1, min(_MOST_RANK, self.reach))
        check_whole("The group's hidden units", self.hidden, 0, _MOST_HIDDEN)


@dataclass(frozen=True)
class SliderConfig:
    """``styles``: S, the style channels of the generator.

    Raises:
        ConfigError: a size out of range, names that are not different, groups and sliders that do not belong together.
    """

    styles: int
    groups: tuple[SliderGroup, ...]
    sliders: tuple[Slider, ...]

    def __post_init__(self):
        object.__setattr__(self, "groups", tuple(_made(SliderGroup, group) for group in self.groups))
        object.__setattr__(self, "sliders", tuple(_made(Slider, slider) for slider in self.sliders))
        check_whole("The number of style channels", self.styles, 1, _MOST_STYLES)
        check_whole("The number of groups", len(self.groups), 1, _MOST_GROUPS)
        check_whole("The number of sliders", len(self.sliders), 1, _MOST_SLIDERS)
        numbers = sum(group.rank * group.reach for group in self.groups)
        check_whole("The size of the subspaces", numbers, 1, _MOST_NUMBERS)
        self._check_names()

    def _check_names(self) -> None:
        names = [slider.name for slider in self.sliders]
        groups = [group.name for group in self.groups]
        if len(set(names)) < len(names) or len(set(groups)) < len(groups):
            raise ConfigError("The sliders' names are not usable", names[:20], "different names",
                              "train the sliders again")  # fmt: skip
        if {slider.group for slider in self.sliders} != set(groups) or max(g.reach for g in self.groups) > self.styles:
            raise ConfigError("Sliders and groups do not belong together", groups,
                              "one or more sliders in each group, within the style channels",
                              "train the sliders again")  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(slider.name for slider in self.sliders)

    def columns(self, group: str) -> list[int]:
        """Where the group's sliders stand among all."""
        return [i for i, slider in enumerate(self.sliders) if slider.group == group]


def _made(kind: type, value: object):
    """A value of ``kind``, out of a file's JSON where it is not one yet."""
    return value if isinstance(value, kind) else kind(**value)  # type: ignore[arg-type] - else a TypeError, as wanted
