"""Terms of the loss beside pixels: identity, LPIPS where it is installed, weights from a parser; known values."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.inversion import FeatureLoss, IdentityLoss, InversionOptions, LpipsLoss, Start, invert, weight_without
from sat3d.inversion import lpips as lpips_module
from sat3d.inversion.features import collect_by_size
from sat3d.inversion.losses import Likeness
from sat3d.inversion.options import Weights
from sat3d.inversion.target import Target
from sat3d.parsing.labels import EYES, GLASSES, LABEL_NAMES
from training.generator.perceptual import Perceptual

from .conftest import PITCH, YAW, tiny_reader


def pictures(count=2, seed=0, size=64):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Brightness:
    """A term whose value is known: the squared difference of means."""

    def features(self, images):
        return images.mean()

    def __call__(self, got, wanted):
        return (got.mean() - wanted) ** 2


def test_terms_add_up_by_hand():
    """Pixels off by 0.2: 5 · 0.04 + 3 · 0.2²; a term of weight 0 is not asked."""
    wanted, got = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.2)
    loss = Likeness([(3.0, Brightness()), (0.0, None)], Target(wanted), 5.0)
    assert float(loss(got)) == pytest.approx(5 * 0.04 + 3 * 0.04)


def test_terms_never_see_what_is_masked():
    """Half the picture counts; what is behind the mask is filled with the generated picture, so its own mean is met."""
    wanted, weight = torch.ones(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    weight[:, :, :4] = 1
    got = torch.zeros(1, 3, 8, 8)
    loss = Likeness([(1.0, Brightness())], Target(wanted, weight), 0.0)
    assert float(loss(got)) == pytest.approx(0.5**2 / 0.5)
    spoilt = wanted.clone()
    spoilt[:, :, 4:] = -1
    assert torch.equal(Likeness([(1.0, Brightness())], Target(spoilt, weight), 1.0)(got),
                       Likeness([(1.0, Brightness())], Target(wanted, weight), 1.0)(got))  # fmt: skip


def test_identity_is_one_minus_the_cosine():
    reader = tiny_reader()
    loss, images = IdentityLoss(reader), pictures()
    assert float(loss(images, loss.features(images))) == pytest.approx(0, abs=1e-6)
    a, b = reader(images).identity
    assert float(loss(images[:1], loss.features(images[1:]))) == pytest.approx(1 - float(a @ b), abs=1e-5)
    assert float(loss(images[:1], -loss.features(images[:1]))) == pytest.approx(2, abs=1e-5)


def test_identity_takes_small_pictures_and_refuses_other_networks():
    loss = IdentityLoss(tiny_reader())
    assert loss.features(pictures(size=32)).shape == (2, 4)
    with pytest.raises(ConfigError, match="tell people apart"):
        IdentityLoss(torch.nn.Linear(1, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["identity", "lpips"])
def test_a_term_changes_the_latent_where_it_is_at_hand_and_counts(case, name):
    term = IdentityLoss(tiny_reader()) if name == "identity" else LpipsLoss(lambda a, b: (a - b).abs().mean())
    tools, start = replace(case.tools, **{name: term}), Start(yaw_rad=YAW, pitch_rad=PITCH)

    def styles(tools, weight):
        options = InversionOptions("W", 3, low_resolution=16, weights=replace(Weights(), **{name: weight}))
        return invert(tools, case.picture, options, start=start).latent.styles

    assert torch.equal(styles(tools, 0.0), styles(case.tools, 5.0))
    assert not torch.equal(styles(tools, 5.0), styles(case.tools, 5.0))


def test_the_training_and_the_inversion_see_the_same_features():
    reader = tiny_reader()
    images = pictures()
    perceptual, plain = Perceptual(reader.trunk), collect_by_size(reader.trunk, images, 3)
    assert [tuple(part.shape[2:]) for part in plain] == [(32, 32), (16, 16), (8, 8)]
    assert all(torch.equal(a, b) for a, b in zip(plain, perceptual.features(images), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(plain, FeatureLoss(reader).features(images), strict=True))
    assert float(perceptual(images, images)) == 0 < float(perceptual(images, images.flip(0)))


@pytest.fixture
def weights_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def install(monkeypatch, *names):
    """Make these packages, and no other, be found."""
    monkeypatch.setattr(lpips_module.importlib.util, "find_spec", lambda name: name if name in names else None)


@pytest.mark.parametrize(
    ("packages", "weights", "said"),
    [
        ((), True, "none of the Python packages lpips, torchmetrics"),
        (("lpips",), True, "torchvision"),
        (("lpips", "torchvision"), False, "no weights in"),
    ],
)
def test_without_lpips_the_user_is_told_only_when_it_is_asked_for(monkeypatch, weights_folder, packages, weights, said):
    install(monkeypatch, *packages)
    if weights:
        (weights_folder / "alexnet-owt-7be5be79.pth").touch()
    assert said in lpips_module.lpips_missing()
    with pytest.raises(ConfigError, match=said):
        lpips_module.load_lpips()


@pytest.mark.parametrize("package", ["lpips", "torchmetrics"])
def test_lpips_is_taken_from_the_package_with_the_network_that_is_there(monkeypatch, weights_folder, package):
    asked = []

    class Network(torch.nn.Module):
        def __init__(self, **options):
            super().__init__()
            asked.append(options)
            self.scale = torch.nn.Parameter(torch.tensor(2.0))
            self.net = None if options.get("verbose") is False else Network(verbose=False)

        def forward(self, a, b):
            assert min(a.shape[2:]) >= 64 and a.abs().max() <= 1
            return self.scale * (a - b).abs().mean((1, 2, 3))

    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=Network))
    parent = SimpleNamespace(LearnedPerceptualImagePatchSimilarity=Network)
    monkeypatch.setitem(sys.modules, "torchmetrics", SimpleNamespace(image=SimpleNamespace(lpip=parent)))
    monkeypatch.setitem(sys.modules, "torchmetrics.image", SimpleNamespace(lpip=parent))
    monkeypatch.setitem(sys.modules, "torchmetrics.image.lpip", parent)
    install(monkeypatch, package, "torchvision")
    (weights_folder / "vgg16-397923af.pth").touch()
    loss = lpips_module.load_lpips()
    assert "vgg" in asked[0].values() and not any(p.requires_grad for p in loss.parameters())
    images = pictures(size=32) * 0.5
    assert float(loss(images, loss.features(images - 0.25))) == pytest.approx(0.5, abs=1e-5)


class Painted:
    """A parser that sees glasses in some columns, eyes beside them, and background in the first rows."""

    config = SimpleNamespace(labels=LABEL_NAMES)

    def labels(self, images):
        labels = torch.ones(len(images), *images.shape[2:], dtype=torch.int64)
        labels[:, :10] = 0
        labels[:, 40:60, 40:60], labels[:, 40:60, 80:90] = GLASSES, EYES
        return labels


def test_weights_leave_out_what_is_named_and_a_margin():
    weight = weight_without(Painted(), pictures(2, size=100), ["glasses"], background=0.25, margin=0.03)
    expected = torch.ones(100, 100)
    expected[:10] = 0.25
    expected[37:63, 37:63] = 0
    assert weight.shape == (2, 1, 100, 100)
    torch.testing.assert_close(weight[1, 0], expected)
    assert weight_without(Painted(), pictures(1, size=100)).eq(1).all()


def test_unknown_parts_and_shares_are_refused():
    with pytest.raises(ConfigError, match="hat"):
        weight_without(Painted(), pictures(), ["hat"])
    with pytest.raises(ConfigError, match="background"):
        weight_without(Painted(), pictures(), background=float("nan"))
