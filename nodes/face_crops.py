"""Where in a photo a face was cut out and how it is seen, as text from Align Face to Invert Image and Paste Back."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..sat3d.errors import Sat3dError, ShapeError
from ..sat3d.inversion import Start
from ..sat3d.inversion.align import Crop

_ROUNDING_PX = 1.5  # by which the sides of a photo that was scaled may be off


@dataclass(frozen=True)
class Place:
    """A crop and the size of the photo it was cut from, in pixels; a size of 0 is unknown. ``camera_deg``: yaw, pitch
    and roll by the points of the face, where there were any."""

    crop: Crop
    width: int = 0
    height: int = 0
    camera_deg: tuple[float, float, float] | None = None

    @property
    def start(self) -> Start | None:
        """The camera to begin an inversion with."""
        return None if self.camera_deg is None else Start(None, *map(math.radians, self.camera_deg))

    def on(self, width: int, height: int) -> Crop:
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
        crop = self.crop
        return crop if scale == 1 else Crop(crop.left * scale, crop.top * scale, crop.side * scale)


def to_text(places: Sequence[Place]) -> str:
    """JSON: one entry for each photo."""
    return json.dumps([_entry(place) for place in places])


def _entry(place: Place) -> dict:
    entry = {
        "left": place.crop.left,
        "top": place.crop.top,
        "side": place.crop.side,
        "width": place.width,
        "height": place.height,
    }
    return entry if place.camera_deg is None else {**entry, "camera_deg": [round(a, 3) for a in place.camera_deg]}


def from_text(text: str) -> list[Place]:
    """The inverse of :func:`to_text`; all but left, top and side may be missing.

    Raises:
        ShapeError: not such a text, or no place in it.
    """
    try:
        entries = json.loads(text)
        entries = entries if isinstance(entries, list) else [entries]
        places = [_place(entry) for entry in entries]
    except Sat3dError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise _no_place(text) from error
    if not places or any(place.width < 0 or place.height < 0 for place in places):
        raise _no_place(text)
    return places


def _place(entry: dict) -> Place:
    crop = Crop(*(float(entry[key]) for key in ("left", "top", "side")))
    angles = entry.get("camera_deg")
    if angles is not None:
        yaw, pitch, roll = (float(angle) for angle in angles)
        if not all(map(math.isfinite, (yaw, pitch, roll))):
            raise ValueError("angles that are not finite")
        angles = (yaw, pitch, roll)
    return Place(crop, int(entry.get("width", 0)), int(entry.get("height", 0)), angles)


def _no_place(text: str) -> ShapeError:
    return ShapeError(
        "This is no place in a photo",
        repr(text[:100]),
        '[{"left": 120, "top": 80, "side": 400}], in pixels, an entry for each photo',
        "connect the output 'place' of Align Face",
    )
