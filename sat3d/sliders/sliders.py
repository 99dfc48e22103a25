"""Sliders of a generator: read and set by name, on styles of any number of faces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..checks import is_finite_number
from ..errors import LayoutError, ShapeError
from ..style_space import StyleLayout, describe_difference
from .config import GROUPS, Slider
from .network import SliderNetwork

Wanted = Mapping[str, float | Tensor]  # name of a slider -> a number for all faces, or ``[B]``
_NEXT_STEP = "choose sliders of this generator, or train them with training/train_sliders.py"
_REFINEMENTS = 2  # D is not linear: it goes on from where it has come to


@dataclass(frozen=True)
class Sliders:
    """Sliders and what they were trained for. ``metadata``: free text (generator, steps, scores, licence).

    ``layers``: the generator's editable layers, as ``StyleLayout.to_json()``.
    """

    network: SliderNetwork
    generator_fingerprint: str
    layout_fingerprint: str
    layers: Sequence[Sequence]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return self.network.config.names

    @property
    def groups(self) -> dict[str, list[Slider]]:
        """Group -> its sliders, in the order in which people look for them."""
        present = [group.name for group in self.network.config.groups]
        ordered = sorted(present, key=lambda name: GROUPS.index(name) if name in GROUPS else len(GROUPS))
        return {name: [self.network.config.sliders[i] for i in self.network.config.columns(name)] for name in ordered}

    def slider(self, name: str) -> Slider:
        """
        Raises:
            ShapeError: there is none of this name.
        """
        return self.network.config.sliders[self.columns([name])[0]]

    def columns(self, names: Iterable[str]) -> list[int]:
        """Where sliders stand among all.

        Raises:
            ShapeError: there is no slider of this name.
        """
        wanted = list(names)
        unknown = [name for name in wanted if name not in self.names]
        if unknown:
            raise ShapeError("There is no such slider", ", ".join(unknown[:8]), ", ".join(self.names),
                             "choose one of these, or train sliders that have it")  # fmt: skip
        return [self.names.index(name) for name in wanted]

    def members(self, names: Iterable[str]) -> list[str]:
        """Names of sliders and of groups -> names of sliders, in their order."""
        asked, groups = list(names), self.groups
        found = {each.name for name in asked if name in groups for each in groups[name]}
        found |= {self.names[i] for i in self.columns(name for name in asked if name not in groups)}
        return [name for name in self.names if name in found]

    # -- on styles

    def values(self, styles: Tensor) -> Tensor:
        """T: ``[B, S]`` -> ``[B, P]``, in the order of :attr:`names`; differentiable.

        Raises:
            ShapeError: styles of another generator.
        """
        return self._network_on(styles).values(styles)

    def read(self, styles: Tensor) -> dict[str, Tensor]:
        """``[B, S]`` -> name -> ``[B]``."""
        return dict(zip(self.names, self.values(styles).unbind(1), strict=True))

    def change(self, styles: Tensor, changes: Tensor) -> Tensor:
        """D: ``[B, S]`` and wanted changes of all values ``[B, P]`` -> changes of styles ``[B, S]``; differentiable."""
        return self._network_on(styles).change(styles, changes)

    def move(self, styles: Tensor, changes: Wanted) -> Tensor:
        """Styles ``[B, S]`` of which these values are by so much larger, and no other; one step of D."""
        return styles + self.change(styles, self._row(styles, changes, torch.zeros(len(styles), len(self.names))))

    def set(self, styles: Tensor, wanted: Wanted) -> Tensor:
        """Styles ``[B, S]`` of which these values are as wanted, and no other; differentiable.

        What is wanted as it is changes nothing. Other sliders of the same group keep their values, other groups are not
        touched at all. Values beyond a slider's range are allowed; heads there become unlikely.

        Raises:
            ShapeError: no such slider, a value that is no finite number, as many values as there are no faces.
        """
        network = self._network_on(styles)
        before = network.values(styles)
        target = self._row(styles, wanted, before)
        touched = self._touched(wanted).to(styles.device)
        moved = styles
        for _ in range(_REFINEMENTS):
            moved = moved + network.change(moved, (target - network.values(moved)) * touched)
        still = ((target - before).abs().amax(1, keepdim=True) == 0).to(styles.dtype)
        return torch.where(still.bool(), styles, moved)

    def copy(self, styles: Tensor, reference: Tensor, names: Iterable[str]) -> Tensor:
        """Styles ``[B, S]`` with these sliders, or all of these groups, as in ``reference [1 or B, S]``."""
        chosen, values = self.members(names), self.values(reference)
        row = {name: values[:, i].expand(len(styles)) for name, i in zip(chosen, self.columns(chosen), strict=True)}
        return self.set(styles, row)

    # -- of which generator

    def check_layout(self, layout: StyleLayout) -> None:
        """Raises LayoutError unless the sliders were made for this style layout and move what may be edited alone."""
        fits = self.layout_fingerprint == layout.fingerprint
        if fits and self.network.config.styles == layout.num_channels:
            editable = layout.editable_index
            if all(bool(torch.isin(maps.channels.cpu(), editable).all()) for maps in self.network.maps):
                return
        different = describe_difference([list(each) for each in self.layers], layout) or "other channels"
        raise LayoutError("These sliders belong to another style layout", different,
                          f"layout {layout.fingerprint} of the generator in use (sliders: {self.layout_fingerprint})",
                          _NEXT_STEP)  # fmt: skip

    def warning_for(self, generator_fingerprint: str) -> str | None:
        """A sentence if the sliders were learned on another network; a fine-tuned child shares the style space."""
        if self.generator_fingerprint == generator_fingerprint:
            return None
        return (
            f"The sliders were learned on generator {self.generator_fingerprint}, and are used on "
            f"{generator_fingerprint}. This works for fine-tuned versions of one network; for others values and "
            "changes are meaningless."
        )

    def _network_on(self, styles: Tensor) -> SliderNetwork:
        if styles.ndim != 2 or styles.shape[1] != self.network.config.styles:
            raise ShapeError("Styles do not belong to these sliders", tuple(styles.shape),
                             f"[B, {self.network.config.styles}]",
                             "use them with faces of their generator")  # fmt: skip
        return self.network if self.network.value_mean.device == styles.device else self.network.to(styles.device)

    def _row(self, styles: Tensor, wanted: Wanted, start: Tensor) -> Tensor:
        """``start [B, P]`` with what is wanted in its place."""
        columns = list(start.to(styles).unbind(1))
        for name, i in zip(wanted, self.columns(wanted), strict=True):
            columns[i] = _numbers(name, wanted[name], styles)
        return torch.stack(columns, 1)

    def _touched(self, wanted: Wanted) -> Tensor:
        """``[P]``: 1 for the sliders of every group of which one is wanted."""
        groups = {self.slider(name).group for name in wanted}
        return torch.tensor([float(each.group in groups) for each in self.network.config.sliders])


def _numbers(name: str, value: float | Tensor, styles: Tensor) -> Tensor:
    """``[B]``."""
    if isinstance(value, Tensor):
        good = value.ndim <= 1 and value.numel() in (1, len(styles)) and bool(torch.isfinite(value).all())
    else:
        good = is_finite_number(value)
    if not good:
        got = tuple(value.shape) if isinstance(value, Tensor) and value.ndim else value
        raise ShapeError(f"The value of the slider {name} is not usable", got,
                         f"a finite number, or one for each of {len(styles)} faces", "correct it")  # fmt: skip
    return torch.as_tensor(value).to(styles).reshape(-1).expand(len(styles))
