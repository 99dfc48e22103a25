"""Sheets that grow: the faces seen last."""

import torch

from sat3d.learning.sheets import FaceSheet


def test_the_oldest_rows_go():
    sheet = FaceSheet(columns=2, rows=2, cell_px=1)
    assert sheet.picture is None
    for value in (0.1, 0.2, 0.3):
        sheet.add(torch.full((1, 3, 4, 4), value))
    assert sheet.picture.shape == (1, 3, 2, 2)
    torch.testing.assert_close(sheet.picture[0, 0], torch.tensor([[0.1, 0.2], [0.3, -0.8]]))
    sheet.add(torch.full((2, 3, 4, 4), 9.0))
    torch.testing.assert_close(sheet.picture[0, 0], torch.tensor([[0.3, 1.0], [1.0, -0.8]]))
