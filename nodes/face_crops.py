"""Crops of faces in photos, as the text that Align Face hands to Invert Photo to Face and Paste Back."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..sat3d.errors import Sat3dError, ShapeError
from ..sat3d.inversion import Start
from ..sat3d.inversion.align import Crop

_ROUNDING_PX = 1.5  # by which the sides of a photo that was scaled may be off


@dataclass(frozen=True)
class FaceCrop:
    """A crop and the size of the photo it was cut from, in pixels; a size of 0 is unknown. ``camera_deg``: yaw, pitch
    and roll by the points of the face, where there were any."""

    crop: Crop
    width: int = 0
    height: int = 0
    camera_deg: tuple[float, float, float] | None = None

    @property
    def start(self) -> Start | None:
        """The camera to begin an inversion with."""
        if self.camera_deg is None:
            return None
        yaw_rad, pitch_rad, roll_rad = map(math.radians, self.camera_deg)
        return Start(None, yaw_rad, pitch_rad, roll_rad)

    def scale_to(self, width: int, height: int) -> Crop:
        """The same place in the same photo at another size, so that a large original can get what a small copy gave.

        Raises:
            ShapeError: a photo of other proportions.
        """
        if not self.width or not self.height:
            return self.crop
        scale = width / self.width
        if abs(height - self.height * scale) > _ROUNDING_PX * max(1.0, scale):
            raise ShapeError(
                "The face was cut from another photo",
                f"a photo of {width} x {height} pixels",
                f"{self.width} x {self.height}, or the same photo at another size",
                "connect the photo that went into Align Face",
            )
        return self.crop if scale == 1 else self.crop.scaled(scale)


def to_text(crops: Sequence[FaceCrop]) -> str:
    """JSON: one entry for each photo."""
    return json.dumps([_entry(face_crop) for face_crop in crops])


def _entry(face_crop: FaceCrop) -> dict:
    entry = {
        "left": face_crop.crop.left,
        "top": face_crop.crop.top,
        "side": face_crop.crop.side,
        "width": face_crop.width,
        "height": face_crop.height,
    }
    if face_crop.crop.quarter_turns:
        entry["quarter_turns"] = face_crop.crop.quarter_turns
    if face_crop.camera_deg is None:
        return entry
    return {**entry, "camera_deg": [round(angle, 3) for angle in face_crop.camera_deg]}


def from_text(text: str) -> list[FaceCrop]:
    """The inverse of :func:`to_text`; all but left, top and side may be missing.

    Raises:
        ShapeError: not such a text, or no place in it.
    """
    try:
        entries = json.loads(text)
        entries = entries if isinstance(entries, list) else [entries]
        crops = [_parse_entry(entry) for entry in entries]
    except Sat3dError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise _not_a_place(text) from error
    if not crops or any(face_crop.width < 0 or face_crop.height < 0 for face_crop in crops):
        raise _not_a_place(text)
    return crops


def _parse_entry(entry: dict) -> FaceCrop:
    turns = int(entry.get("quarter_turns", 0)) % 4
    left, top, side = (float(entry[key]) for key in ("left", "top", "side"))
    crop = Crop(left, top, side, turns)
    angles = entry.get("camera_deg")
    if angles is not None:
        yaw, pitch, roll = (float(angle) for angle in angles)
        if not all(map(math.isfinite, (yaw, pitch, roll))):
            raise ValueError("angles that are not finite")
        angles = (yaw, pitch, roll)
    return FaceCrop(crop, int(entry.get("width", 0)), int(entry.get("height", 0)), angles)


def _not_a_place(text: str) -> ShapeError:
    return ShapeError(
        "This is no place in a photo",
        repr(text[:100]),
        '[{"left": 120, "top": 80, "side": 400}], in pixels, an entry for each photo',
        "connect the output 'place' of Align Face",
    )
