"""Five points of each face in a photo, by a detector that the user may have installed. Never needed, never fetched."""

from __future__ import annotations

import importlib
import importlib.util
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError, ShapeError
from .align import check_photo
from .face_points import check_landmarks

_MOST_FACES = 16
_SMALLEST_SHARE = 0.037  # of the photo's longer side, between the eyes: measured; smaller faces are not found
_NEEDED = Path("python", "solutions", "face_mesh.py")  # 0.10.21 has it; 0.10.35 has neither it nor models of its own
# MediaPipe's face mesh: corners of the image-left eye, of the image-right eye; nose tip; corners of the mouth.
_MESH_POINTS = ((33, 133), (362, 263), (4,), (61,), (291,))


def detector_installed() -> bool:
    """Whether faces can be found without the user's points; the detector, which is slow to load, is not loaded."""
    package = importlib.util.find_spec("mediapipe")
    folders = (package.submodule_search_locations or ()) if package else ()
    return any((Path(folder) / _NEEDED).is_file() for folder in folders)


def find_faces(photo: Tensor) -> list[Tensor]:
    """``[1, 3, H, W]`` in -1..1 -> ``[5, 2]`` points in pixels of every face, from the largest to the smallest.

    Raises:
        ConfigError: no detector is installed, or one of another make. ShapeError: not a photo.
    """
    check_photo(photo)
    mesh = _face_mesh()
    pixels = ((photo[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    with mesh.FaceMesh(static_image_mode=True, max_num_faces=_MOST_FACES, refine_landmarks=False) as detector:
        faces = detector.process(np.ascontiguousarray(pixels)).multi_face_landmarks or []
    height, width = photo.shape[2:]
    found = [_five_points(face.landmark, width, height) for face in faces]
    return sorted(found, key=lambda points: -float((points.amax(0) - points.amin(0)).prod()))


def one_face(photo: Tensor, index: int = 0) -> Tensor:
    """``[5, 2]``: the points of face ``index``, 0 the largest; those of an upright head.

    Raises:
        ShapeError: no face, not so many, or one that is not upright; and see :func:`find_faces`.
    """
    faces = find_faces(photo)
    if not 0 <= index < len(faces):
        raise _no_such_face(index, len(faces), photo)
    check_landmarks(faces[index], found=True)
    return faces[index]


def _no_such_face(index: int, count: int, photo: Tensor) -> ShapeError:
    height, width = photo.shape[2:]
    apart_px = math.ceil(_SMALLEST_SHARE * max(height, width))
    help_small = (
        f"crop the photo nearer to the head (the eyes must be at least {apart_px} pixels apart in a photo of {width} x "
        f"{height}, {_SMALLEST_SHARE:.1%} of its longer side), give the five points or a box, or use the picture as it "
        "is if it is cropped already"
    )
    if not count:
        return ShapeError("No face was found in the photo", f"{width} x {height} pixels",
                          "a face that is seen well, upright and not small", help_small)  # fmt: skip
    return ShapeError("There is no such face in the photo: fewer were found", f"face {index} of {count}",
                      f"0 to {count - 1}", f"choose another face; if one was missed, {help_small}")  # fmt: skip


def _face_mesh():
    package = None
    try:
        package = importlib.import_module("mediapipe")
        return package.solutions.face_mesh
    except (ImportError, AttributeError) as error:
        version = getattr(package, "__version__", None)
        raise ConfigError(
            "Faces cannot be found here",
            error if package is None else f"mediapipe {version or 'of unknown version'} without the model of faces",
            "the Python package mediapipe 0.10.21 (0.10.35 no longer carries the model), or points from the user",
            "pip install mediapipe==0.10.21 if you like (it wants numpy below 2), or give the five points or a box",
        ) from error


def _five_points(mesh, width: int, height: int) -> Tensor:
    points = [[(mesh[i].x * width, mesh[i].y * height) for i in group] for group in _MESH_POINTS]
    return torch.tensor([[sum(axis) / len(group) for axis in zip(*group, strict=True)] for group in points])
