"""Pictures between core and host, and the memory estimates."""

import pytest
import torch


def test_round_trip_and_layout(part):
    images = part("nodes.images")
    core = torch.rand(2, 3, 4, 5) * 2 - 1
    host = images.to_host(core)
    assert host.shape == (2, 4, 5, 3) and host.dtype == torch.float32
    assert torch.equal(host[1, 2, 3], core[1, :, 2, 3] * 0.5 + 0.5)
    torch.testing.assert_close(images.from_host(host), core)


def test_out_of_range_is_clamped_and_alpha_dropped(part):
    images = part("nodes.images")
    assert images.to_host(torch.full((1, 3, 1, 1), 1.7)).max() == 1
    assert images.to_host(torch.full((1, 3, 1, 1), -1.7)).min() == 0
    assert images.from_host(torch.zeros(1, 2, 2, 4)).shape == (1, 3, 2, 2)


@pytest.mark.parametrize("shape", [(2, 2, 3), (1, 2, 2, 1)])
def test_other_shapes_are_refused(part, shape):
    images = part("nodes.images")
    with pytest.raises(part("sat3d.errors").ShapeError, match="Not a picture"):
        images.from_host(torch.zeros(shape))


def test_depth_is_white_when_near_and_black_where_nothing_is(part):
    depth = torch.tensor([[2.0, 3.0], [2.5, 9.0]]).view(1, 1, 2, 2)
    opacity = torch.tensor([[1.0, 1.0], [1.0, 0.0]]).view(1, 1, 2, 2)
    grey = part("sat3d.pictures").depth_to_grey(depth, opacity)
    assert grey.flatten().tolist() == [1.0, 0.0, 0.5, 0.0]


def test_depth_of_nothing_and_of_a_wall_is_finite(part):
    depth_to_grey = part("sat3d.pictures").depth_to_grey
    flat = torch.ones(1, 1, 2, 2)
    assert depth_to_grey(flat, flat).isfinite().all()
    assert depth_to_grey(flat * 3, flat * 0).eq(0).all()


def test_rays_fit_the_free_memory(part):
    memory, configs = part("nodes.memory"), part("sat3d.generators.config")
    faces = configs.TriplaneConfig()
    small, middle, large = (memory.rays_that_fit(free, faces) for free in (2**20, 2**28, 2**40))
    assert small == 256 < middle < large == 16384
    assert middle * memory.ray_bytes(faces) <= 2**27
    assert memory.rays_that_fit(2**40, configs.StyleGAN2Config()) is None


def test_estimates_are_of_the_right_size(part):
    memory, configs = part("nodes.memory"), part("sat3d.generators.config")
    assert 2**26 < memory.render_bytes(configs.StyleGAN2Config()) < 2**33
    assert 2**28 < memory.render_bytes(configs.TriplaneConfig()) < 2**34
