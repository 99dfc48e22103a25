"""Turned squares: cut out, and back."""

import math

import pytest
import torch

from sat3d.faces.squares import cut_squares, shrink, to_picture


def ramp(height: int, width: int) -> torch.Tensor:
    """``[1, 2, H, W]``: every pixel's middle, x and y."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([x, y])[None]


def test_a_square_of_whole_pixels_is_exact():
    picture = torch.rand(1, 3, 40, 50)
    cut = cut_squares(picture, torch.tensor([[25.0, 20.0, 16.0, 0.0]]), 16)
    torch.testing.assert_close(cut, picture[:, :, 12:28, 17:33], atol=1e-5, rtol=0)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_quarter_turn_is_exact(quarter_turns):
    """A square that is turned clockwise shows the picture turned counter-clockwise."""
    picture = torch.rand(1, 3, 16, 16)
    cut = cut_squares(picture, torch.tensor([[8.0, 8.0, 16.0, quarter_turns * math.pi / 2]]), 16)
    torch.testing.assert_close(cut, torch.rot90(picture, quarter_turns, (2, 3)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("square", [[60, 50, 31.5, 0.4], [70.3, 44.1, 55, -2.0], [60, 60, 90, 1.0]])
def test_points_go_back_to_where_they_were_cut(square):
    """What a pixel of the square shows of a ramp is the place that it is said to have."""
    squares = torch.tensor([square])
    cut = cut_squares(ramp(120, 130), squares, 24)[0]
    middles = ramp(24, 24)[0].flatten(1).T
    seen = cut.flatten(1).T
    wanted = to_picture(middles[None], squares, 24)[0]
    inside = ((wanted > 4) & (wanted < 116)).all(1)
    torch.testing.assert_close(seen[inside], wanted[inside], atol=0.02, rtol=0)
    assert inside.sum() > 300


def test_depth_is_scaled_as_the_square_is():
    points = torch.tensor([[[12.0, 12.0, 5.0]]])
    torch.testing.assert_close(to_picture(points, torch.tensor([[7.0, 9.0, 48.0, 1.0]]), 24),
                               torch.tensor([[[7.0, 9.0, 10.0]]]))  # fmt: skip


def test_beyond_the_picture_its_border_goes_on():
    picture = ramp(20, 20)
    far = cut_squares(picture, torch.tensor([[-500.0, 10.0, 20.0, 0.0], [10.0, 400.0, 20.0, 0.3]]), 8)
    assert far[0, 0].eq(0.5).all() and far[1, 1].eq(19.5).all()


def test_shrinking_takes_means():
    """Stripes of one pixel become grey, and the far border's blocks may be smaller."""
    stripes = torch.ones(1, 1, 64, 64)
    stripes[..., ::2] = -1
    assert cut_squares(stripes, torch.tensor([[32.0, 32.0, 64.0, 0.0]]), 16).abs().max() < 1e-6
    torch.testing.assert_close(shrink(torch.tensor([[[[1.0, 3.0, 8.0]]]]), 2), torch.tensor([[[[2.0, 8.0]]]]))


def test_gradients_reach_the_picture():
    picture = torch.rand(1, 1, 30, 30, dtype=torch.float64, requires_grad=True)
    square = torch.tensor([[14.2, 15.9, 11.0, 0.7]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda shown: cut_squares(shown, square, 4), picture)
