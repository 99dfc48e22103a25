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


@pytest.mark.parametrize("shape", [(2, 2, 3), (1, 2, 2), (1, 2, 2, 0), (1, 2, 2, 5), (1, 3, 64, 64), (4,)])
def test_other_shapes_are_refused(part, shape):
    images = part("nodes.images")
    with pytest.raises(part("sat3d.errors").ShapeError, match=r"Not a picture.*Next step"):
        images.from_host(torch.zeros(shape))


def test_what_helps_depends_on_what_is_missing(part):
    images, error = part("nodes.images"), part("sat3d.errors").ShapeError
    for shape, said in (((64, 64, 3), "add the batch"), ((2, 64, 64), "Convert Mask to Image")):
        with pytest.raises(error, match=said):
            images.from_host(torch.zeros(shape))


@pytest.mark.parametrize(("channels", "kept"), [(1, [0, 0, 0]), (2, [0, 0, 0]), (3, [0, 1, 2]), (4, [0, 1, 2])])
def test_grey_becomes_rgb_and_alpha_is_dropped(part, channels, kept):
    image = torch.rand(2, 3, 4, channels, generator=torch.Generator().manual_seed(0))
    found = part("nodes.images").from_host(image)
    assert found.shape == (2, 3, 3, 4) and torch.equal(found, image[..., kept].permute(0, 3, 1, 2) * 2 - 1)


# A number of each type, and what it is of white: a fifth of 255 is 51, of 65535 13107.
NUMBERS = [
    (torch.float32, 0.2, 0.2), (torch.float64, 0.2, 0.2), (torch.float16, 0.25, 0.25), (torch.bfloat16, 0.25, 0.25),
    (torch.float32, 1.3, 1.3), (torch.float32, -0.2, -0.2), (torch.uint8, 51, 0.2), (torch.uint8, 255, 1.0),
    (torch.int8, 51, 0.2), (torch.int32, 51, 0.2), (torch.int64, 255, 1.0), (torch.int16, 13107, 0.2),
    (torch.uint16, 13107, 0.2), (torch.uint16, 65535, 1.0), (torch.bool, True, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "number", "share"), NUMBERS)
def test_numbers_of_every_type(part, dtype, number, share):
    images = part("nodes.images")
    values = torch.tensor([0, number]).to(dtype)
    image = values.reshape(1, 1, 2, 1).expand(1, 1, 2, 3)
    found = images.from_host(image)
    assert found.dtype == torch.float32 and found[0, 1, 0].tolist() == pytest.approx([-1, 2 * share - 1])
    assert images.as_image(image)[0, 0, 1].tolist() == pytest.approx([share] * 3)
    mask = images.mask_from_host(values.reshape(1, 1, 2))
    assert mask.dtype == torch.float32 and mask.flatten().tolist() == pytest.approx([0, min(max(share, 0), 1)])


@pytest.mark.parametrize(("dtype", "number", "said"), [
    (torch.float32, 255.0, r"not scaled.*torch.float32 from 0 to 255.*divide 0 … 255 by 255"),
    (torch.float32, 2.1, "not scaled"), (torch.float16, 200.0, "not scaled"), (torch.int32, 256, r"0 to 256.*0 to 255"),
    (torch.int64, -1, "from -1 to 0"), (torch.int16, -5, "0 to 65535"), (torch.complex64, 0.5, "complex"),
])  # fmt: skip
def test_numbers_that_are_no_picture(part, dtype, number, said):
    images, error = part("nodes.images"), part("sat3d.errors").ShapeError
    values = torch.tensor([0, number]).to(dtype)
    with pytest.raises(error, match=f"The picture is.*{said}"):
        images.from_host(values.reshape(1, 1, 2, 1))
    with pytest.raises(error, match=f"The mask is.*{said}"):
        images.mask_from_host(values.reshape(1, 1, 2))


def test_nan_neither_hides_a_wrong_scale_nor_is_one(part):
    """A broken frame of a video is held by who inverts it; so it must come through."""
    images, error = part("nodes.images"), part("sat3d.errors").ShapeError
    broken = torch.tensor([torch.nan, torch.inf, 0.5, 1.0]).reshape(4, 1, 1, 1)
    assert images.from_host(broken)[2:, 0, 0, 0].tolist() == [0, 1]
    assert images.from_host(broken * torch.nan).isnan().all()
    with pytest.raises(error, match="not scaled"):
        images.from_host(broken * 255)
    with pytest.raises(error, match=r"mask is not usable.*NaN"):
        images.mask_from_host(broken[..., 0])


@pytest.mark.parametrize(("shape", "wanted"), [((4, 5), (1, 4, 5)), ((2, 4, 5), (2, 4, 5)), ((2, 1, 4, 5), (2, 4, 5))])
def test_masks_of_every_shape(part, shape, wanted):
    assert part("nodes.images").mask_from_host(torch.rand(shape)).shape == wanted


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (1, 2, 3, 4, 5)])
def test_what_is_no_mask(part, shape):
    with pytest.raises(part("sat3d.errors").ShapeError, match="mask is not usable"):
        part("nodes.images").mask_from_host(torch.rand(shape))


def test_pictures_are_counted_as_people_count(part):
    images, errors = part("nodes.images"), part("sat3d.errors")
    assert images.name_pictures([2], 8) == "picture 3 of 8" and images.name_pictures([0, 2], 8) == "pictures 1, 3 of 8"
    with (
        pytest.raises(errors.ShapeError, match=r"^Picture 3 of 8: What\. Got: 1\. Wanted: 2\. Next step: go\.$"),
        images.naming(2, 8),
    ):
        raise errors.ShapeError("What", 1, 2, "go")
    with pytest.raises(errors.ShapeError, match=r"^What\.$"), images.naming(0, 1):
        raise errors.ShapeError("What")


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


def test_a_single_one_serves_all_pictures(part):
    nth = part("nodes.images").nth
    assert [nth("ab", i) for i in (0, 1)] == ["a", "b"] and [nth([7], i) for i in (0, 5)] == [7, 7]
    assert torch.equal(nth(torch.eye(2), 1), torch.tensor([0.0, 1.0]))
