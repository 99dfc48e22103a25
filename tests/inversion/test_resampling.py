"""Resampling from coordinates: the values of a padded picture, without the memory of one."""

import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from sat3d.errors import ShapeError
from sat3d.inversion.align import Crop, cut
from sat3d.inversion.paste import paste_back
from sat3d.inversion.resampling import resample


def padded(image, box, size):
    """The plain way: a border of copies as wide as the kernel reaches, then Pillow."""
    left, top, right, bottom = box
    border = [int(np.ceil(abs(edge) + 3 * max(1, (b - a) / n) + image.shape[3] + image.shape[2]))
              for edge, a, b, n in ((left, left, right, size[0]), (top, top, bottom, size[1]),
                                    (right, left, right, size[0]), (bottom, top, bottom, size[1]))]  # fmt: skip
    x, y = max(border[0], border[2]), max(border[1], border[3])
    wide = F.pad(image, (x, x, y, y), mode="replicate")
    moved = (left + x, top + y, right + x, bottom + y)
    channels = [np.asarray(Image.fromarray(channel.numpy()).resize(size, Image.Resampling.LANCZOS, moved))
                for channel in wide[0]]  # fmt: skip
    return torch.from_numpy(np.stack(channels))[None]


@pytest.mark.parametrize("box", [
    (10.0, 5.0, 50.0, 45.0), (10.3, 5.7, 61.9, 50.2), (-30.2, -20.0, 60.4, 70.0), (-200.0, -150.0, 300.0, 350.0),
    (70.0, 40.0, 190.0, 160.0), (79.2, -3.0, 89.2, 7.0), (0.0, 0.0, 80.0, 60.0), (33.0, 21.0, 33.5, 21.5),
])  # fmt: skip
@pytest.mark.parametrize("size", [(40, 40), (64, 48), (7, 300)])
def test_values_are_those_of_a_padded_picture(box, size):
    image = torch.rand(1, 2, 60, 80, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = resample(image, box, size)
    assert found.shape == (1, 2, size[1], size[0]) and found.dtype == torch.float32
    torch.testing.assert_close(found, padded(image, box, size), atol=5e-5, rtol=0)  # Pillow's boxes are single floats


def test_weights_in_pieces_are_the_same(monkeypatch):
    image = torch.rand(1, 1, 60, 80, generator=torch.Generator().manual_seed(0))
    whole = resample(image, (-10, 3, 70, 83), (33, 33))
    monkeypatch.setattr("sat3d.inversion.resampling._WEIGHTS_AT_ONCE", 20)
    assert torch.equal(resample(image, (-10, 3, 70, 83), (33, 33)), whole)


def peak_mb(work) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("side", [64.0, 8_000.0, 40_000.0])
def test_memory_is_that_of_photo_and_result(side):
    """A photo of 64 pixels, a result of 3 MB; padded, 40000 pixels would be 19 GB."""
    photo = torch.rand(1, 3, 64, 64) * 2 - 1
    assert peak_mb(lambda: cut(photo, Crop(-3, -5, side), 512)) < 40
    assert peak_mb(lambda: paste_back(photo, torch.zeros(1, 3, 512, 512), Crop(-3, -5, side))) < 40


def test_far_beyond_the_photo_there_is_its_border():
    """A photo of 8 x 8 in the corner of a crop 500 times as wide: all but a pixel is its lower right corner."""
    photo = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = cut(photo, Crop(0, 0, 4000), 100)
    torch.testing.assert_close(found[0, :, 4:, 4:], photo[0, :, -1:, -1:].expand(3, 96, 96), atol=1e-5, rtol=0)


def test_a_crop_in_which_the_photo_is_lost_is_refused():
    with pytest.raises(ShapeError, match=r"far larger than the photo.*at most 64000 pixels.*Next step"):
        cut(torch.zeros(1, 3, 64, 64), Crop(0, 0, 1e9), 64)
