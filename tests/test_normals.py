"""Normals of surfaces whose normals are known."""

import math

import pytest
import torch

from sat3d.normals import normals_from_depth

SIDE, FOCAL = 64, 4.0


def rays():
    steps = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE - 0.5
    x, y = steps.expand(SIDE, -1), -steps[:, None].expand(-1, SIDE)
    return torch.nn.functional.normalize(torch.stack([x, y, torch.full_like(x, -FOCAL)]), dim=0)


def test_a_ball_has_the_normals_of_a_ball():
    """Its middle 5 before the camera, radius 0.5: the normal of a point is its direction from the middle."""
    directions, middle, radius = rays(), torch.tensor([0.0, 0.0, -5.0], dtype=torch.float64), 0.5
    along = (directions * middle[:, None, None]).sum(0)
    root = along**2 - (middle @ middle) + radius**2
    hit = root > 0.03
    depth = torch.where(hit, along - root.clamp_min(0).sqrt(), torch.full_like(root, 5.0))
    wanted = torch.nn.functional.normalize(directions * depth - middle[:, None, None], dim=0)
    found = normals_from_depth(depth[None, None], hit.double()[None, None], FOCAL)[0]
    inner = torch.nn.functional.max_pool2d((~hit).double()[None], 5, 1, 2)[0] == 0
    assert inner.sum() > 200
    assert (found * wanted).sum(0)[inner].min() > math.cos(math.radians(4))
    torch.testing.assert_close(found[:, 0, 0], torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("slope", [(0.4, 0.0), (0.0, -0.3), (0.2, 0.2)])
def test_a_plane_has_one_normal(slope):
    normal = torch.nn.functional.normalize(torch.tensor([-slope[0], -slope[1], 1.0], dtype=torch.float64), dim=0)
    directions = rays()
    depth = (normal @ torch.tensor([0.0, 0.0, -5.0], dtype=torch.float64)) / (directions * normal[:, None, None]).sum(0)
    found = normals_from_depth(depth[None, None], torch.ones(1, 1, SIDE, SIDE), FOCAL)[0]
    torch.testing.assert_close(found, normal[:, None, None].expand_as(found), atol=1e-6, rtol=0)


def test_no_depth_faces_the_camera():
    found = normals_from_depth(torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8), FOCAL)
    assert torch.equal(found, torch.tensor([0.0, 0.0, 1.0])[None, :, None, None].expand_as(found))
