"""The attribute reader: shapes, files, refusals, gradients."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from sat3d.errors import ConfigError, FileError, Sat3dError, ShapeError
from sat3d.files.network_files import save_network
from sat3d.inversion import FeatureLoss, IdentityLoss
from sat3d.networks.close_look import close_look
from sat3d.networks.loading import large_enough, resize
from sat3d.networks.reader import KIND, AttributeReader, ReaderConfig, load_reader
from sat3d.networks.reader_config import TWO_LOOKS
from sat3d.networks.two_looks import AttentionBlock, face_of, two_looks

CONFIG = ReaderConfig(
    categories=(("glasses", ("none", "round")), ("beard", ("none", "stubble", "full beard"))),
    numbers=(("age", 1), ("hair_rgb", 3)),
    identity_size=8,
    widths=(4, 8, 8, 8, 8),
    squeezed=8,
    hidden=16,
)

ZOOMED = replace(CONFIG, input_px=96, widths=(4, 8, 8, 8), depths=(0, 0, 1, 0), source_px=256, face_zoom=2.0)
CLOSE = replace(ZOOMED, input_px=64, close_levels=2, close_width=8, close_squeezed=4)
TWICE = replace(
    CONFIG, architecture=TWO_LOOKS, input_px=64, source_px=128, widths=(8, 8, 16), depths=(0, 1, 0), attention_blocks=1
)


@pytest.fixture(params=[CONFIG, ZOOMED, CLOSE, TWICE], ids=["plain", "zoomed", "close", "twice"])
def reader(request):
    torch.manual_seed(0)
    network = AttributeReader(request.param).eval()
    network.number_std.copy_(torch.tensor([0.3, 0.1, 0.2, 0.3]))
    network.number_mean.copy_(torch.tensor([0.5, 0.4, 0.4, 0.4]))
    return network


@pytest.fixture
def saved(tmp_path, reader):
    path = tmp_path / "reader.safetensors"
    save_network(path, KIND, reader, {"licence": "free"})
    return path


def pictures(count=2, height=128, width=128):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_a_reading_names_values_with_their_probability(reader):
    readings = reader.read(pictures(3))
    output = reader(pictures(3))
    assert len(readings) == 3
    for b, reading in enumerate(readings):
        assert reading.names.keys() == reading.confidence.keys() == dict(CONFIG.categories).keys()
        assert all(reading.names[name] in values for name, values in CONFIG.categories)
        shares = output.scores["beard"][b].softmax(0)
        assert reading.confidence["beard"] == pytest.approx(float(shares.max().detach()), abs=1e-5)
        assert len(reading.numbers["hair_rgb"]) == 3 and min(reading.spreads["age"]) > 0
        assert reading.identity.shape == (8,) and float(reading.identity.norm()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (200, 200), (256, 256), (64, 300)])
def test_any_size_is_read(reader, size):
    assert reader(pictures(1, *size)).scores["glasses"].shape == (1, 2)


def test_size_matters_little(reader):
    small = pictures(1, 128, 128)
    large = resize(small, 256, 256)
    a, b = reader(resize(large, 128, 128)), reader(large)
    exact = reader.config.picture_px == 128  # others bring both to another size first
    tolerance = {} if exact else {"atol": 1e-3, "rtol": 0}
    torch.testing.assert_close(a.numbers["hair_rgb"], b.numbers["hair_rgb"], **tolerance)


def test_gradients_reach_the_picture(reader):
    images = pictures(1, 256, 256).requires_grad_()
    reader(images).scores["beard"][0, 1].backward()
    assert images.grad.abs().max() > 0


def test_a_temperature_changes_confidence_and_not_the_name(reader):
    before = reader.read(pictures())
    reader.temperature.fill_(0.5)
    after = reader.read(pictures())
    assert [r.names for r in before] == [r.names for r in after]
    assert all(b.confidence["beard"] > a.confidence["beard"] for a, b in zip(before, after, strict=True))


def test_a_file_gives_the_same_reader_in_half_the_bytes(saved, reader):
    loaded = load_reader(saved)
    assert loaded.config == reader.config and not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert load_file(saved)["hidden.0.weight"].dtype == torch.float16
    for name, value in loaded(pictures()).numbers.items():
        torch.testing.assert_close(value, reader(pictures()).numbers[name], atol=2e-3, rtol=0)


def test_a_reader_of_inference_mode_can_be_differentiated_through(saved):
    with torch.inference_mode():
        loaded = load_reader(saved)
    images = pictures().requires_grad_()
    loaded(images).identity.sum().backward()
    assert images.grad is not None


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(1, 1, 128, 128),
        torch.zeros(3, 128, 128),
        torch.zeros(1, 3, 63, 128),
        torch.zeros(1, 3, 128, 128, dtype=torch.uint8),
        torch.full((1, 3, 128, 128), float("nan")),
    ],
)
def test_other_tensors_are_refused(reader, images):
    with pytest.raises(ShapeError, match="Wanted"):
        reader(images)


def settings(config=CONFIG) -> dict:
    return json.loads(json.dumps(asdict(config)))


def rewrite(path, tensors=None, **header):
    values = {"schema": KIND.schema, "config": json.dumps(settings()), **header}
    save_file(tensors or load_file(path), path, metadata=values)


@pytest.fixture
def plain_file(tmp_path):
    torch.manual_seed(0)
    save_network(tmp_path / "plain.safetensors", KIND, AttributeReader(CONFIG))
    return tmp_path / "plain.safetensors"


def test_a_file_of_before_there_were_architectures_still_loads(plain_file):
    older = {name: value for name, value in settings().items()
             if name not in ("architecture", "source_px", "attention_blocks") and "close" not in name}  # fmt: skip
    rewrite(plain_file, config=json.dumps(older))
    assert load_reader(plain_file).config == CONFIG


def test_the_built_in_reader_loads():
    assert load_reader().read(pictures(1))[0].names["glasses"] in ("none", "round", "rectangular", "sunglasses")


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.unlink(),
        lambda p: p.write_bytes(p.read_bytes()[:-50]),
        lambda p: rewrite(p, schema="sat3d-parser/1"),
        lambda p: rewrite(p, config="{"),
        lambda p: rewrite(p, config="[]"),
        lambda p: rewrite(p, config='{"surprise": 1}'),
        lambda p: rewrite(p, config=json.dumps({**settings(), "architecture": "three looks"})),
        lambda p: rewrite(p, config=json.dumps({**settings(), "architecture": ["zoom"]})),
        lambda p: rewrite(p, config=json.dumps({**settings(), "source_px": 10**7})),
        lambda p: rewrite(p, config=json.dumps(settings(TWICE))),
        lambda p: rewrite(p, config=json.dumps({**settings(), "hidden": 10**9})),
        lambda p: rewrite(p, config=json.dumps({**settings(), "categories": 5})),
        lambda p: rewrite(p, {k: v for k, v in load_file(p).items() if k != "scores.bias"}),
        lambda p: rewrite(p, {k: v[:1] for k, v in load_file(p).items()}),
        lambda p: rewrite(p, {k: torch.full_like(v, float("nan")) for k, v in load_file(p).items()}),
    ],
)
def test_damaged_files_are_refused_in_words(plain_file, damage):
    damage(plain_file)
    with pytest.raises(Sat3dError):
        load_reader(plain_file)


def test_missing_built_in_weights_say_how_to_make_them(monkeypatch, tmp_path):
    monkeypatch.setattr("sat3d.files.network_files.ASSETS", tmp_path)
    with pytest.raises(FileError, match=r"train_reader\.py"):
        load_reader()


@pytest.mark.parametrize(
    "change",
    [
        {"input_px": 100},
        {"depths": (1,)},
        {"widths": (0, 8, 8, 8, 8)},
        {"numbers": (("age", 0),)},
        {"numbers": (("beard", 1),)},
        {"categories": (("glasses", ()),)},
        {"architecture": "three looks"},
        {"source_px": 64},
        {"source_px": 192.0},
        {"input_px": 64},
        {"input_px": 288},
        {"attention_blocks": -1},
        {"architecture": TWO_LOOKS, "face_zoom": 1.0},
        {"architecture": TWO_LOOKS, "close_levels": 1},
        {"close_levels": 6},
        {"close_levels": 5},
        {"close_levels": -1},
        {"close_levels": 1, "close_width": 0},
        {"close_levels": 1, "close_depth": -1},
        {"close_squeezed": 0},
    ],
)
def test_settings_that_cannot_be_are_refused(change):
    with pytest.raises(ConfigError):
        replace(CONFIG, **change)


def test_the_default_network_is_small():
    config = ReaderConfig(CONFIG.categories, (("shape", 65),))
    assert sum(p.numel() for p in AttributeReader(config).parameters()) < 1_400_000


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((16, 16), (64, 64)), ((64, 20), (205, 64)), ((64, 90), (64, 90)), ((1, 90), (1, 90)), ((0, 0), (0, 0))],
)
def test_small_pictures_are_enlarged_for_judges_and_strips_are_not(size, wanted):
    assert tuple(large_enough(torch.rand(2, 3, *size)).shape) == (2, 3, *wanted)


def test_enlarging_keeps_colours():
    torch.testing.assert_close(large_enough(torch.full((1, 3, 8, 8), 0.25)), torch.full((1, 3, 64, 64), 0.25))


def test_the_zoom_takes_detail_of_the_face_from_the_larger_picture():
    """A fine pattern between eyes and mouth survives where 96 pixels in all could not hold it."""
    reader = AttributeReader(ZOOMED)
    stripes = (torch.arange(256) // 2 % 2 * 2.0 - 1).expand(1, 3, 256, 256)
    seen = reader.seen(stripes)[0, 0, 57]
    assert seen.shape == (96,) and seen[38:58].std() > 0.5
    assert resize(stripes, 96, 96).std() < 0.5 * seen[38:58].std()
    small = reader.seen(torch.full((1, 3, 64, 64), 0.3))
    torch.testing.assert_close(small, torch.full((1, 3, 96, 96), 0.3))


def test_the_close_look_is_the_face_in_the_pictures_own_pixels():
    images = pictures(1, 256, 256)
    assert torch.equal(close_look(images, 128), images[:, :, 92:220, 80:176])
    reader = AttributeReader(CLOSE).eval()
    seen = reader.seen(images)
    assert seen.shape == (1, 3, 64, 64 + 48)
    torch.testing.assert_close(seen[..., 64:], resize(images[:, :, 92:220, 80:176], 64, 48))
    blind = AttributeReader(replace(CLOSE, close_levels=0))
    torch.testing.assert_close(seen[..., :64], blind.seen(images))
    other = torch.cat([seen[..., :64], -seen[..., 64:]], 3)
    assert (reader.raw(other).values - reader.raw(seen).values).abs().max() > 1e-4


def test_a_perceptual_loss_compares_the_whole_picture_and_no_close_look():
    features = FeatureLoss(AttributeReader(CLOSE).eval()).features(pictures())
    assert [tuple(part.shape[2:]) for part in features] == [(32, 32), (16, 16), (8, 8)]


def test_one_look_is_the_whole_picture_and_the_other_the_face():
    images = pictures(1, 128, 128)
    seen = two_looks(images, 64)
    assert seen.shape == (1, 6, 64, 64)
    torch.testing.assert_close(seen[:, :3], resize(images, 64, 64))
    assert torch.equal(seen[:, 3:], face_of(images)) and torch.equal(face_of(images), images[:, :, 41:105, 32:96])


def test_each_place_hears_of_all_others():
    torch.manual_seed(0)
    block, places = AttentionBlock(64), torch.randn(1, 5, 64)
    assert block.heads == 2
    changed = places.clone()
    changed[0, 4] *= -1
    assert (block(places)[0, 0] - block(changed)[0, 0]).abs().max() > 1e-4
    torch.testing.assert_close(block(places)[:, [1, 0, 2, 3, 4]], block(places[:, [1, 0, 2, 3, 4]]))


def test_both_readers_tell_people_apart_and_one_makes_a_perceptual_loss():
    twice = AttributeReader(TWICE).eval()
    assert IdentityLoss(twice).features(pictures()).shape == (2, 8)
    with pytest.raises(ConfigError, match="two looks"):
        FeatureLoss(twice)
    features = FeatureLoss(AttributeReader(ZOOMED).eval()).features(pictures())
    assert [tuple(part.shape[2:]) for part in features] == [(48, 48), (24, 24), (12, 12)]
