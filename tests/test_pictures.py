"""Pictures for people."""

import pytest
import torch
from PIL import Image

from sat3d.errors import ShapeError
from sat3d.pictures import contact_sheet, depth_to_grey, save_animation, to_pil


def test_eight_bit_values_are_those_of_the_published_scripts():
    picture = to_pil(torch.tensor([-2.0, -1.0, 0.0, 1.0]).reshape(1, 1, 1, 4).expand(1, 3, 1, 4))[0]
    assert [picture.getpixel((x, 0))[0] for x in range(4)] == [0, 0, 128, 255]
    with pytest.raises(ShapeError, match=r"\[B, 3, H, W\]"):
        to_pil(torch.zeros(1, 4, 2, 2))


def test_depth_by_hand():
    grey = depth_to_grey(
        torch.tensor([1.0, 2.0, 3.0, 9.0]).reshape(1, 1, 1, 4), torch.tensor([1.0, 1, 1, 0]).reshape(1, 1, 1, 4)
    )
    assert grey.flatten().tolist() == [1.0, 0.5, 0.0, 0.0]


def test_sheet_and_animation(tmp_path):
    cells = [Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 255, 0))]
    sheet = contact_sheet([cells, cells[:1]], ["a", "b"], cell_px=20, gap_px=2)
    assert sheet.size == (2 * 22 + 2, 2 * 38 + 2) and sheet.getpixel((10, 28)) == (255, 0, 0)
    save_animation(cells, tmp_path / "turn.webp")
    assert Image.open(tmp_path / "turn.webp").n_frames == 2
