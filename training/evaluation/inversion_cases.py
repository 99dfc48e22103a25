"""What an inverted face is judged by: the reader, edits against those of the true latent, means of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.inversion import LpipsLoss, tuned_network
from sat3d.latent import Latent
from sat3d.masks import AttributeMasks
from sat3d.networks.loading import resize
from sat3d.networks.reader import AttributeReader
from sat3d.transfer import transfer
from training.data.views import Views
from training.networks.coded_heads import Coder
from training.networks.targets import CATEGORIES, UNKNOWN, shared_categories, targets_of

from .people import Crowd

EDITED = {
    "hairstyle": "hair_style",
    "hair_colour": "hair_colour",
    "eye_region": "iris_colour",
    "expression": "expression",
    "beard": "beard",
    "eyeglasses": "glasses",
}  # the reader's category that shows an attribute
_MEANS, _MEDIANS = ("psnr", "ssim", "novel_psnr"), ("seconds", "seconds_per_step", "camera_deg")


@dataclass(frozen=True)
class Case:
    """One found face: its picture ``[1, 3, H, H]`` from the found camera, that from the known camera, scores."""

    head: int
    latent: Latent
    picture: Tensor
    novel: Tensor
    psnr: float
    ssim: float
    novel_psnr: float
    seconds: float
    seconds_per_step: float
    camera_deg: float


def judge(
    reader: AttributeReader, views: Views, cases: Sequence[Case], gap: float | None, lpips: LpipsLoss | None
) -> dict:
    """Means over people; times and camera are medians. ``gap``: see :func:`edit_gap`."""
    column = lambda name: torch.tensor([getattr(case, name) for case in cases])  # noqa: E731
    report: dict = {name: round(float(column(name).mean()), 4) for name in _MEANS}
    report["lpips"] = None if lpips is None else round(mean_lpips(lpips, views, cases), 4)
    report["agree"] = round(agreement(reader, views, cases), 4)
    report["edit_gap"] = None if gap is None else round(gap, 2)
    return report | {name: round(float(column(name).median()), 4) for name in _MEDIANS}


@torch.no_grad()
def mean_lpips(lpips: LpipsLoss, views: Views, cases: Sequence[Case]) -> float:
    """At the input view."""
    wanted = (resize(views.inputs(torch.tensor([2 * case.head])), *case.picture.shape[2:]) for case in cases)
    scores = [float(lpips(case.picture, image)) for case, image in zip(cases, wanted, strict=True)]
    return sum(scores) / len(scores)


def agreement(reader: AttributeReader, views: Views, cases: Sequence[Case]) -> float:
    """Share of the categories, of all people together, that the reader reads right in the found faces."""
    seen = views.select(torch.tensor([2 * case.head for case in cases]))
    _, right, known = read_right(reader, seen, torch.cat([case.picture for case in cases]))
    return float(right[known].float().mean())


def read_right(reader: AttributeReader, views: Views, pictures: Tensor) -> tuple[list[str], Tensor, Tensor]:
    """Names of the categories that the reader reads; whether it reads them right in ``pictures [N, 3, H, W]`` of the
    people of ``views``, ``[N, names]`` bool; and where the truth is known, ``[N, names]`` bool."""
    shared = shared_categories(reader.config)
    names = [name for name in CATEGORIES if name in shared]
    columns = [column for column, name in enumerate(CATEGORIES) if name in shared]
    truth = torch.from_numpy(targets_of(views.parameters, views.yaw_rad, views.pitch_rad).classes[:, columns])
    readings = reader.read(pictures.clamp(-1, 1))
    found = torch.tensor([[shared[name].index(reading.names[name]) for name in names] for reading in readings])
    return names, found == truth, truth != UNKNOWN


class Edits:
    """SAT3D edits of found faces against the same edits of their true latents.

    An edit takes an attribute of the next person; edits that would change nothing, since the reader reads the same of
    both true faces, are left out. Faces are seen from the front. An edit's points: 0 unless the reader then reads of
    the face what it reads of that person; else 100 times the share of the other attributes that it reads as before.
    """

    def __init__(self, network: TriplaneGenerator, reader: AttributeReader, masks: AttributeMasks, crowd: Crowd):
        self.network, self.reader, self.masks, self.crowd = network, reader, masks, crowd
        self.attributes = [name for name in masks.attributes if name in EDITED]
        if not self.attributes:
            raise ConfigError("The masks know no attribute that can be read", masks.attributes,
                              f"some of {list(EDITED)}", "pass masks of the built-in domain")  # fmt: skip
        self._true: dict[int, Latent] = {}

    @torch.no_grad()
    def gap(self, cases: Iterable[Case]) -> float | None:
        """Mean points of the true latents' edits less those of the found faces; None where no edit changes anything."""
        points = torch.tensor([pair for case in tqdm(cases, unit="head", desc="edits") for pair in self._points(case)])
        if not len(points):
            return None
        true, found = points.mean(0).tolist()
        return true - found

    def _points(self, case: Case) -> list[tuple[float, float]]:
        """(true, found) of each edit of one person."""
        true, other = self._true_face(case.head), self._true_face(case.head + 1)
        before, found_before, wanted = (self._read(face) for face in (true, case.latent, other))
        return [
            (self._try(true, other, name, before, wanted), self._try(case.latent, other, name, found_before, wanted))
            for name in self.attributes
            if before[EDITED[name]] != wanted[EDITED[name]]
        ]

    def _try(
        self, face: Latent, other: Latent, name: str, before: Mapping[str, str], wanted: Mapping[str, str]
    ) -> float:
        after = self._read(transfer(face, other, self.masks, [name], self.network.layout))
        return points_of(name, before, after, wanted)

    def _true_face(self, head: int) -> Latent:
        if head not in self._true:
            self._true[head] = true_latent(self.network, self.crowd, head)
        return self._true[head]

    def _read(self, face: Latent) -> dict[str, str]:
        network = tuned_network(self.network, face)
        image = network.synthesize(face.styles.to(network.device), network.rig.label().to(network.device)).image
        return self.reader.read(image.clamp(-1, 1))[0].names


def points_of(name: str, before: Mapping[str, str], after: Mapping[str, str], wanted: Mapping[str, str]) -> float:
    """Points of an edit of attribute ``name``, from what is read before and after it and of the reference."""
    if after[EDITED[name]] != wanted[EDITED[name]]:
        return 0.0
    others = [category for attribute, category in EDITED.items() if attribute != name]
    return 100 * sum(after[category] == before[category] for category in others) / len(others)


def true_latent(network: TriplaneGenerator, crowd: Crowd, head: int) -> Latent:
    """The latent that a person was drawn with, as a face of ``network`` from the front.

    Raises:
        ConfigError: the network's latents say nothing of the crowd.
    """
    styles = Coder(network, crowd.population).draw(crowd.seed, [head]).styles
    return Latent(styles, network.rig.label(), "", network.layout.fingerprint)
