"""The pictures that CLIP sees are open_clip's own, from Pillow, and still one can differentiate through them."""

import open_clip
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from sat3d.clip import UNTRAINED, load_clip
from sat3d.clip.loading import _find_preprocessing
from sat3d.clip.resizing import Resizing, whole_levels
from sat3d.errors import ConfigError

STOCK = "ViT-S-32-alt"  # the smallest of the registry
SIZES = [(64, 64), (128, 128), (224, 224), (225, 225), (512, 512), (1024, 1024), (300, 200), (211, 640)]
ONE_LEVEL = 1 / 255 / 0.26  # of the 8-bit levels, in the model's units


@pytest.fixture(scope="module")
def stock():
    torch.manual_seed(0)
    return load_clip(STOCK, UNTRAINED)


def photograph(height, width):
    """``[1, 3, H, W]`` uint8: smooth shapes, fine grain, and corners that are wholly black and white."""
    generator = torch.Generator().manual_seed(height)
    shapes = F.interpolate(torch.rand(1, 3, 12, 12, generator=generator), (height, width), mode="bicubic")
    grain = 0.05 * torch.randn(1, 3, height, width, generator=generator)
    picture = ((shapes * 1.2 - 0.1 + grain).clamp(0, 1) * 255).round().byte()
    picture[..., :16, :16], picture[..., :16, -16:] = 0, 255
    return picture


def by_open_clip(picture, **options):
    transform = open_clip.image_transform(224, is_train=False, **options)
    return transform(Image.fromarray(picture[0].permute(1, 2, 0).numpy()))[None]


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_those_of_open_clips_own_transform(stock, size):
    picture = photograph(*size)
    texts = stock.encode_text(["a face with no beard", "a full beard", "a cat"])
    theirs, ours = by_open_clip(picture), stock.prepare(picture.float() / 127.5 - 1)
    assert ours.shape == theirs.shape and (ours - theirs).abs().max() < 1.1 * ONE_LEVEL
    assert ((ours - theirs).abs() > 0.1 * ONE_LEVEL).float().mean() < 0.01
    with torch.no_grad():
        vectors = F.normalize(stock.model.encode_image(torch.cat([theirs, ours])), dim=1)
        theirs, ours = (stock.logit_scale * vectors @ texts.T).unbind()
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)


@pytest.mark.parametrize("mode", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_every_way_of_resizing(mode, interpolation):
    picture = photograph(197, 301)
    ours = Resizing(mode, interpolation)(picture.float() / 127.5 - 1, (224, 224))
    theirs = by_open_clip(picture, mean=(0.5,) * 3, std=(0.5,) * 3, resize_mode=mode, interpolation=interpolation)
    assert ((ours - theirs).abs() > 1e-4).float().mean() < 0.01 and (ours - theirs).abs().max() < 2.1 / 255


def test_levels_by_hand():
    x = torch.tensor([-1.3, -1.0, 0.0, 0.99, 1.2], requires_grad=True)
    levels = whole_levels(x)
    torch.testing.assert_close((levels + 1) * 127.5, torch.tensor([0.0, 0, 128, 254, 255]))
    levels.sum().backward()
    assert x.grad.tolist() == [1] * 5


def test_gradients_are_those_of_the_smooth_resizing():
    images = (torch.rand(1, 3, 90, 70) * 2.4 - 1.2).requires_grad_()
    weights = torch.randn(1, 3, 32, 32)
    ours = torch.autograd.grad((Resizing()(images, (32, 32)) * weights).sum(), images)[0]
    smooth = F.interpolate(images, (32, 32), mode="bicubic", antialias=True, align_corners=False)
    torch.testing.assert_close(ours, torch.autograd.grad((smooth * weights).sum(), images)[0], atol=1e-5, rtol=1e-4)


def test_pictures_of_the_right_size_stay_as_they_are():
    images = torch.randn(2, 3, 32, 32)
    assert Resizing()(images, (32, 32)) is images
    assert torch.equal(Resizing("shortest")(images, (32, 32)), images)


def test_the_middle_is_cut_out():
    """Of a picture twice as wide as high, the quarters left and right are gone."""
    picture = torch.full((1, 3, 64, 128), -1.0)
    picture[..., 32:96] = 1
    assert (Resizing("shortest")(picture, (64, 64)) == 1).all()
    assert 0.4 < (Resizing("squash")(picture, (64, 64)) > 0).float().mean() < 0.6


def test_half_precision_is_kept():
    assert Resizing()(torch.rand(1, 3, 64, 64).half(), (32, 32)).dtype == torch.float16


@pytest.mark.parametrize(
    ("name", "mode", "interpolation"),
    [("ViT-B-16", "shortest", "bicubic"), ("ViT-H-14-CLIPA", "squash", "bilinear"), (STOCK, "shortest", "bicubic")],
)
def test_each_model_has_its_own_way(stock, name, mode, interpolation):
    mean, std, resizing = _find_preprocessing(name, stock.model)
    assert (resizing.mode, resizing.interpolation) == (mode, interpolation) and len(mean) == len(std) == 3


@pytest.mark.parametrize("change", [{"mode": "longest"}, {"interpolation": "random"}])
def test_what_is_not_supported_is_said(change):
    with pytest.raises(ConfigError, match="not supported"):
        Resizing(**change)
