"""SAT3DPasteBack: an edited face back into its photo, at the photo's own resolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.inversion.align import Crop, cut, cut_any
from ..sat3d.inversion.layers import paste_layers
from ..sat3d.inversion.paste import paste_back, widen_mask
from ..sat3d.inversion.scores import FAR_DB, NEAR_DB, psnr
from ..sat3d.networks.loading import large_enough, resize
from ..sat3d.parsing.labels import LABEL_NAMES
from . import face_crops, host, images, newer_hosts
from .verdicts import Answer, examine, parse

HEAD, CROP = "head", "whole crop"
STOP, ANYWAY = "stop", "paste anyway"
_NOT_HEAD = ("background", "cloth")
_WIDEST_SEAM = 0.5  # of the crop's side: there the two sides meet


class SAT3DPasteBack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DPasteBack",
            display_name="Paste Back",
            category="SAT3D/face",
            description="Puts an edited face back into the photo it was cut from, with a soft seam. The photo keeps "
            "its size, and all that lies outside of the face.",
            **newer_hosts.found_by("paste face", "composite", "blend", "face swap", "uncrop", essential=True),
            inputs=_inputs(),
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The photo with the edited face, of its size."),
                io.Mask.Output(
                    "changed",
                    display_name="changed",
                    tooltip="Where the photo was changed and how much, 0..1, of the photo's size.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        photo: Tensor,
        place: str,
        edited: Tensor,
        area: str,
        feather: int,
        before: Tensor | None = None,
        mask: Tensor | None = None,
        unlike: str = STOP,
    ) -> io.NodeOutput:
        jobs, report = pair_jobs(photo, face_crops.from_text(place), edited, before, mask), host.Report(cls)
        made = []
        for i, job in enumerate(jobs):
            report(i, len(jobs))
            with images.naming(i, len(jobs)):
                if unlike == STOP:
                    job.refuse_what_is_unlike()
                made.append(job.run(area, feather))
        report(len(jobs), len(jobs))
        host.warn(explain_ghosts([each.near_db for each in made]))
        pasted, changed = (host.keep(torch.cat(parts)) for parts in zip(*(each[:2] for each in made), strict=True))
        return io.NodeOutput(pasted, changed)


def _inputs() -> list[io.Input]:
    return [
        io.Image.Input("photo", tooltip="The photo that went into Align Face, or the same at another size."),
        io.String.Input(
            "place", default="", tooltip="Connect the output 'place' of Align Face: where the face was cut out."
        ),
        io.Image.Input("edited", tooltip="The edited face, from the camera of the photo: of Render as Taken."),
        io.Combo.Input(
            "area",
            options=[HEAD, CROP],
            default=HEAD,
            tooltip="head: the built-in parser finds the head in photo and edit, and only there something "
            "changes. whole crop: the whole square.",
        ),
        io.Int.Input(
            "feather",
            default=24,
            min=0,
            max=1024,
            tooltip="Width of the soft seam in pixels of the photo; 0 is a hard edge.",
        ),
        io.Image.Input(
            "before",
            optional=True,
            tooltip="The face before the edit, such as the preview of Invert Photo to Face. Then only what the edit "
            "changed is carried over; all else stays the photo's, to the pixel.",
        ),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="White where the edit is wanted: a mask of the photo, or of the crop. Black protects a "
            "hand or a microphone.",
        ),
        io.Combo.Input(
            "unlike",
            options=[STOP, ANYWAY],
            default=STOP,
            optional=True,
            tooltip="What is done where 'before' does not show the face of the photo, or the photo shows none. stop: "
            "say so. paste anyway: it is your picture.",
        ),
    ]


class Pasted(NamedTuple):
    """IMAGE ``[1, H, W, 3]``, the MASK ``[1, H, W]`` of what changed, and how near ``before`` is to the photo where
    something is pasted: dB, or None without it."""

    image: Tensor
    changed: Tensor
    near_db: float | None


def explain_ghosts(near_db: Sequence[float | None]) -> str | None:
    """What is said where the face before the edit is unlike the photo: an edit then lies beside where it belongs."""
    far = {i: db for i, db in enumerate(near_db) if db is not None and db < FAR_DB}
    if not far:
        return None
    where = images.name_pictures(list(far), len(near_db))
    return (
        f"'before' is not like the photo ({where}): {min(far.values()):.1f} "
        f"dB where something is pasted; from {FAR_DB:g} on outlines meet, from {NEAR_DB:g} on both are hardly told "
        "apart. The edit may show a ghost of itself. Invert with more steps or with method tune, or paste without "
        "'before'; and check that 'before' and 'place' are of this photo"
    )


@dataclass(frozen=True)
class Job:
    """One photo IMAGE ``[1, H, W, 3]`` 0..1, its crop, and ``[1, 3 or 1, S, S]`` of the core's range."""

    photo: Tensor
    crop: Crop
    edited: Tensor
    before: Tensor | None
    mask: Tensor | None

    def run(self, area: str, feather: int) -> Pasted:
        """Beside what changed the photo is untouched."""
        soft = min(feather / self.crop.side, _WIDEST_SEAM)
        own, mask = images.from_host(self.photo), self.mask
        if area == HEAD and self.before is not None:
            return self.run_layers(own, self.before, soft)
        if area == HEAD:
            head = self.find_head(own, soft)
            mask = head if mask is None else head * mask
        pasted = images.to_host(paste_back(own, self.edited, self.crop, self.before, mask, soft))
        black = torch.full_like(own, -1.0)
        white = torch.ones_like(self.edited)
        changed = images.to_host(paste_back(black, white, self.crop, None, mask, soft))[..., 0]
        image = torch.where(changed[..., None] > 0, pasted, self.photo)
        return Pasted(image, changed, self.measure_nearness(own, mask))

    def refuse_what_is_unlike(self) -> None:
        """
        Raises:
            ShapeError: ``before`` shows a face, and not that of the photo; see ``sat3d.inversion.verdict``.
        """
        if self.before is None:
            return
        own = cut(images.from_host(self.photo), self.crop, self.before.shape[-1])
        verdict = examine(own, self.before, parse)
        if verdict.answer not in (None, Answer.GOOD):
            raise ShapeError(
                f"The face before the edit is not that of the photo. It is {verdict.answer.value}",
                verdict.numbers,
                "a face that was found again in the generator",
                "check that 'before' and 'place' are of this photo; invert with more steps or with method tune; show "
                f"an avatar as it is, by Render as Taken, not in its photo; or set 'unlike' to '{ANYWAY}'",
            )

    def run_layers(self, own: Tensor, before: Tensor, soft: float) -> Pasted:
        """The photo gives way only where the edit changed a part of the head."""
        with torch.inference_mode():
            pasted, changed = paste_layers(own, before, self.edited, self.crop, parse, self.mask, soft)
        image = torch.where(changed[0, 0, ..., None] > 0, images.to_host(pasted), self.photo)
        return Pasted(image, changed[:, 0].to(image), self.measure_nearness(own, self.mask))

    def measure_nearness(self, own: Tensor, mask: Tensor | None) -> float | None:
        """How near ``before`` is to the crop of the photo, where ``mask`` says that something is pasted."""
        if self.before is None:
            return None
        return psnr(self.before, cut(own, self.crop, self.before.shape[-1]).to(self.before), mask)

    def find_head(self, own: Tensor, soft: float) -> Tensor:
        """``[1, 1, S, S]`` 0..1: the head as it was and as it is, with soft surroundings."""
        both = torch.cat([cut(own, self.crop, self.edited.shape[-1]), self.edited])
        with torch.inference_mode():
            shares = parse(large_enough(both.clamp(-1, 1))).to(own)
        found = 1 - shares[:, [LABEL_NAMES.index(name) for name in _NOT_HEAD]].sum(1, keepdim=True)
        found = resize(found.amax(0, keepdim=True).clamp(0, 1), *self.edited.shape[2:])
        return widen_mask(found, soft)


def pair_jobs(
    photo: Tensor, found: list[face_crops.FaceCrop], edited: Tensor, before: Tensor | None, mask: Tensor | None
) -> list[Job]:
    """One job for each photo or edit; what there is one of serves all.

    Raises:
        ShapeError: no pictures, counts that do not pair, crops that are not square or of two sizes, a mask of another
            size.
    """
    photo, faces = images.as_image(photo), images.from_host(edited)
    old = None if before is None else images.from_host(before)
    masks = None if mask is None else images.mask_from_host(mask)[:, None]
    _check_counts({"photo": photo, "place": found, "edited": edited, "before": before, "mask": mask})
    if faces.shape[2] != faces.shape[3] or (old is not None and old.shape[2:] != faces.shape[2:]):
        raise ShapeError(
            "The edited face does not fit",
            f"{tuple(faces.shape[2:])}"
            + ("" if old is None else f", before {tuple(old.shape[2:])}")
            + " (height, width)",
            "square pictures of one size",
            "connect renders of the crop of Align Face",
        )
    height, width = photo.shape[1:3]
    jobs = []
    for i in range(max(len(photo), len(edited))):
        crop = images.nth(found, i).scale_to(width, height)
        own = None if masks is None else _fit_to_crop(images.nth(masks, i)[None], crop, faces.shape[2], (height, width))
        earlier = None if old is None else images.nth(old, i)[None]
        jobs.append(Job(images.nth(photo, i)[None], crop, images.nth(faces, i)[None], earlier, own))
    return jobs


def _check_counts(given: dict) -> None:
    counts = {name: len(part) for name, part in given.items() if part is not None}
    most = max(counts["photo"], counts["edited"])
    if any(count not in (1, most) for count in counts.values()):
        raise ShapeError(
            "Photos and edits do not pair",
            ", ".join(f"{name}: {n}" for name, n in counts.items()),
            "one of each" if most == 1 else f"one, or {most}, of each",
            "match the batches",
        )


def _fit_to_crop(mask: Tensor, crop: Crop, size: int, photo_size: tuple[int, int]) -> Tensor:
    """A mask ``[1, 1, h, w]`` of the crop, or of the photo, as one of the crop.

    Raises:
        ShapeError: of another size.
    """
    if tuple(mask.shape[2:]) == (size, size):
        return mask
    if tuple(mask.shape[2:]) == photo_size:
        return cut_any(mask, crop, size).clamp(0, 1)
    raise ShapeError(
        "The mask fits neither photo nor crop",
        f"{mask.shape[3]} x {mask.shape[2]} pixels",
        f"{photo_size[1]} x {photo_size[0]} (the photo) or {size} x {size} (the edited face)",
        "connect a mask of one of them",
    )
