"""Masks without a training: faces drawn and measured, shares of their population, where channels act.

Minutes on a processor, a minute or two on a GPU; what a training of masks begins with, and for many uses enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import ConfigError
from ..masks import AttributeMasks
from ..progress import Watch, no_watch
from ..seeds import apart_from
from . import population
from .acting import energies, find_probes
from .face_cache import Pairs
from .presampling import sample_pairs
from .studio import Studio
from .subspace_start import with_subspaces
from .verdicts import Report, examine

FACES, FEWEST_FACES = 600, 40
PROBES = 24  # tell where channels act
HELD_OUT = 48  # faces that judge, and that nothing is learned from
_HELD_OUT_STREAM = 17
_DRAWING, _PROBING = 0.5, 0.9  # shares of the time that are over when faces are drawn, and when they are probed

FirstChannels = Mapping[str, tuple[Tensor, float]]  # attribute -> channels [k], and M there


@dataclass(frozen=True)
class LearnedMasks:
    """Masks, and how each attribute fared on faces that they were not learned from."""

    masks: AttributeMasks
    report: Report


def quick_start(
    studio: Studio,
    faces: int,
    seed: int,
    folder: Path,
    watch: Watch = no_watch,
    notes: Mapping[str, str] | None = None,
    directions: int = 0,
) -> LearnedMasks:
    """Learn masks from ``faces`` drawn faces.

    Args:
        directions: probes of where directions act, for attributes that single channels do not carry alone; a hundred
            and more are of use. 0: masks of channels only.
        folder: where measured faces are kept; what is there already of the same settings is not made again.
        watch: counts to 1000 and sees the faces and, at the end, edits; where it raises, hardly anything is lost.
        notes: for the masks' metadata, such as the generator's licence.

    Raises:
        ConfigError: too few faces, or the domain's filters leave too few.
        FileError: the folder holds faces of other settings, or cannot be written.
    """
    if faces < FEWEST_FACES:
        wanted = f"at least {FEWEST_FACES}; {FACES} are usual"
        raise ConfigError("These are too few faces to learn from", faces, wanted, "draw more faces")
    pairs = sample_pairs(studio, folder, seed, faces, _within(watch, 0.0, _DRAWING))
    probing = _within(watch, _DRAWING, _PROBING)
    count = max(directions, PROBES)
    chosen = population_channels(studio, pairs, seed, folder, count, _within(probing, 0.0, 0.5))
    masks = first_masks(studio, chosen, population.FIRST_LOGIT, notes)
    if directions:
        found = find_probes(studio, pairs, seed, folder, count)  # the same
        masks = with_subspaces(studio, masks, pairs, found, seed, folder, _within(probing, 0.5, 1.0)).masks
    judging = _within(watch, _PROBING, 1.0)
    return LearnedMasks(masks, examine_held_out(studio, masks, seed, folder, judging))


def population_channels(
    studio: Studio, pairs: Pairs, seed: int, folder: Path, count: int = PROBES, watch: Watch = no_watch
) -> FirstChannels:
    """What ``AttributeMasks.initial`` takes: each channel's attribute is the one whose answers explain most of it, of
    those in whose region it acts.

    ``count``: probes that tell where channels act; what they told is kept in ``folder``.
    """
    domain, codes = studio.domain, studio.network.layout.editable(pairs.styles)
    shares = population.population_shares(codes, pairs.scores, domain)
    acting = energies(find_probes(studio, pairs, seed, folder, count, watch))
    if acting is not None:
        shares = population.guarded_shares(shares, acting, codes.std(0))
    return population.populated_channels(list(domain.attributes), shares)


def first_masks(
    studio: Studio, chosen: FirstChannels, others: float, notes: Mapping[str, str] | None = None
) -> AttributeMasks:
    """M before any step, with where it comes from. ``others``: M of *others* in all channels that are not chosen."""
    domain, layout = studio.domain, studio.network.layout
    named = {"name": domain.name, "domain": domain.name, "generator_fingerprint": studio.network.fingerprint()}
    return AttributeMasks.initial(list(domain.attributes), layout, chosen, others, **{**named, **(notes or {})})


def examine_held_out(
    studio: Studio, masks: AttributeMasks, seed: int, folder: Path, watch: Watch = no_watch, **more
) -> Report:
    """See :func:`.verdicts.examine`, with faces drawn for this alone."""
    apart = apart_from(seed, _HELD_OUT_STREAM)
    judging = studio.with_faces_for("judging")
    pairs = sample_pairs(judging, folder / "held-out", apart, HELD_OUT, _within(watch, 0.0, 0.4))
    return examine(studio, masks, pairs, seed, watch=_within(watch, 0.4, 1.0), **more)


def _within(watch: Watch, first: float, last: float) -> Watch:
    """A part of a whole of which ``watch`` counts thousandths."""

    def told(done: int, total: int, picture: Tensor | None = None) -> None:
        watch(round(1000 * (first + (last - first) * done / max(total, 1))), 1000, picture)

    return told
