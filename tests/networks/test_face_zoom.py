"""The face gets more of the reader's pixels; nothing else is lost."""

import torch

from sat3d.networks.face_zoom import zoom_matrices


def test_no_zoom_changes_nothing():
    rows, columns = zoom_matrices(32, 0.0)
    assert torch.equal(rows, torch.eye(32)) and torch.equal(columns, torch.eye(32))


def test_an_even_picture_stays_even_and_left_stays_left():
    rows, columns = zoom_matrices(128, 2.2)
    torch.testing.assert_close(rows.sum(1), torch.ones(128))
    torch.testing.assert_close(columns.flip(0).flip(1), columns, atol=2e-2, rtol=0)  # a mirrored face zooms alike


def test_lines_keep_their_order_and_the_face_is_magnified():
    rows, _ = zoom_matrices(128, 2.2)
    line = rows @ torch.arange(128.0)
    step = line.diff()
    assert (step > 0).all() and line[0] < 3 and line[-1] > 124
    face = (line[1:] > 0.5 * 128) & (line[1:] < 0.7 * 128)
    assert step[face].max() < 0.7 and step[:5].min() > 1.2  # source lines per line


def test_a_larger_picture_gives_the_same_view_in_finer_lines():
    rows, columns = zoom_matrices(160, 2.2, 256)
    assert rows.shape == columns.shape == (160, 256)
    torch.testing.assert_close(rows.sum(1), torch.ones(160))
    line, same = (
        rows @ ((torch.arange(256.0) + 0.5) / 256),
        zoom_matrices(160, 2.2)[0] @ ((torch.arange(160.0) + 0.5) / 160),
    )
    assert (line - same).abs()[2:-2].max() < 0.005  # shares of the picture's height
    plain, _ = zoom_matrices(64, 0.0, 128)
    assert plain.shape == (64, 128) and (plain.argmax(1) - 2 * torch.arange(64)).abs().max() <= 1
