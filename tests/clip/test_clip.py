"""Image-text models: the same code for a stock open_clip architecture and for our own small one."""

import dataclasses

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sat3d.clip import BUILT_IN, UNTRAINED, ClipConfig, OwnClip, load_clip
from sat3d.clip.built_in_clip import KIND, HeadTower
from sat3d.clip.tokenizer import WordTokenizer, vocabulary_of
from sat3d.errors import ConfigError, FileError, ShapeError
from sat3d.files.network_files import load_network, save_network

WORDS = vocabulary_of(["a face with no beard", "a full beard"])
CONFIG = ClipConfig(
    embed_dim=8,
    image={"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32},
    text={"context_length": 12, "vocab_size": len(WORDS) + 3, "width": 16, "heads": 2, "layers": 1},
    vocabulary=WORDS,
)
STOCK = "ViT-S-32-alt"  # the smallest of the registry


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "clip.safetensors"
    save_network(path, KIND, OwnClip(CONFIG).eval())
    return path


@pytest.fixture(scope="module")
def stock():
    torch.manual_seed(0)
    return load_clip(STOCK, UNTRAINED)


def pictures(size=(40, 56), count=2):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def check(clip, width):
    images = pictures().requires_grad_()
    places, texts = clip.encode_image(images), clip.encode_text(["a face with no beard", "a full beard", "a face"])
    assert places.shape == (2, width) and texts.shape == (3, width) and not clip.training
    torch.testing.assert_close(places.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(3))
    assert not torch.allclose(texts[0], texts[1]) and clip.logit_scale.shape == () and clip.logit_scale > 1
    (clip.logit_scale * places @ texts.T).softmax(1)[:, 1].sum().backward()
    assert torch.isfinite(images.grad).all() and images.grad.abs().max() > 0
    assert all(p.grad is None for p in clip.parameters())


def test_a_stock_architecture_runs(stock):
    check(stock, 256)
    assert stock.size == (224, 224) and stock.mean.flatten()[0] == pytest.approx(0.48145466)


def test_our_own_runs_by_the_same_loader(saved):
    check(load_clip(BUILT_IN, saved), 8)


def test_pictures_are_scaled_by_hand(saved):
    clip = load_clip(BUILT_IN, saved)
    torch.testing.assert_close(clip.prepare(torch.full((1, 3, 70, 50), 0.2)), torch.full((1, 3, 32, 32), 0.2))
    clip.mean.fill_(0.25)
    clip.std.fill_(0.2)
    grey = clip.prepare(torch.zeros(1, 3, 32, 32))  # (0.5 - 0.25) / 0.2
    torch.testing.assert_close(grey, torch.full((1, 3, 32, 32), 1.25))


def test_shrinking_is_antialiased(saved):
    stripes = torch.ones(1, 3, 128, 128)
    stripes[..., ::2] = -1
    assert load_clip(BUILT_IN, saved).prepare(stripes)[..., 2:-2].abs().max() < 0.05


def test_a_file_gives_the_same_model(saved):
    torch.manual_seed(0)
    before, after = OwnClip(CONFIG).eval().image_text(), load_clip(BUILT_IN, saved)
    torch.testing.assert_close(before.encode_image(pictures()), after.encode_image(pictures()), atol=0.02, rtol=0)
    torch.testing.assert_close(before.encode_text(["a face"]), after.encode_text(["a face"]), atol=0.02, rtol=0)


def test_words_become_numbers_by_hand():
    tokenizer = WordTokenizer(("a", "clean", "face", "shaven"), 6)
    assert tokenizer(["A clean-shaven face.", "face"]).tolist() == [[5, 1, 2, 4, 3, 6], [5, 3, 6, 0, 0, 0]]


def test_the_end_of_a_text_decides_and_padding_does_not(saved):
    clip = load_clip(BUILT_IN, saved)
    tokens = clip.tokenizer(["a beard"])
    changed = tokens.clone()
    changed[0, 4:] = 1
    torch.testing.assert_close(clip.model.encode_text(tokens), clip.model.encode_text(changed))


@pytest.mark.parametrize(("text", "hint"), [("a bear", "beard"), ("a face " * 9, "too long")])
def test_texts_that_our_model_cannot_read(saved, text, hint):
    with pytest.raises(ConfigError, match=hint):
        load_clip(BUILT_IN, saved).encode_text([text])


@pytest.mark.parametrize("texts", ["a face", [], [3]])
def test_what_is_no_list_of_texts(saved, texts):
    with pytest.raises(ShapeError):
        load_clip(BUILT_IN, saved).encode_text(texts)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(3, 32, 32),
        torch.zeros(1, 4, 32, 32),
        torch.zeros(1, 3, 8, 8).byte(),
        torch.full((1, 3, 8, 8), torch.nan),
    ],
)
def test_what_is_no_picture(saved, images):
    with pytest.raises(ShapeError):
        load_clip(BUILT_IN, saved).encode_image(images)


@pytest.mark.parametrize(
    "name", ["no-such-model", "hf-hub:someone/something", "local-dir:/tmp", "roberta-ViT-B-32", "ViT-B-16-SigLIP"]
)
def test_names_that_are_not_on_this_machine(name):
    with pytest.raises(ConfigError):
        load_clip(name, UNTRAINED)


def test_missing_weights(tmp_path):
    with pytest.raises(FileError, match="open_clip_model"):
        load_clip(STOCK)
    with pytest.raises(FileError, match="train_clip"):
        load_clip(BUILT_IN, tmp_path / "missing.safetensors")


@pytest.mark.slow
def test_weights_of_a_stock_architecture(tmp_path, stock):
    with pytest.raises(FileError, match="not found"):
        load_clip(STOCK, tmp_path / "missing.safetensors")
    with pytest.raises(FileError, match="save_file"):
        load_clip(STOCK, tmp_path / "open_clip.pt")
    path = tmp_path / "open_clip_model.safetensors"
    tensors = {name: tensor.half() for name, tensor in stock.model.state_dict().items()}
    save_file(tensors, path)
    loaded = load_clip(STOCK, path)
    torch.testing.assert_close(loaded.encode_text(["a dog"]), stock.encode_text(["a dog"]), atol=0.01, rtol=0)
    for wrong in ({"visual.conv1.weight": torch.zeros(2)}, tensors | {"ln_final.bias": torch.full((256,), torch.nan)}):
        save_file(wrong, path)
        with pytest.raises(FileError):
            load_clip(STOCK, path)


@pytest.mark.parametrize(
    "change",
    [
        {"vocabulary": WORDS[:-1]},
        {"vocabulary": (*WORDS[:-1], WORDS[0])},
        {"vocabulary": (*WORDS[:-1], "Two words")},
        {"image": CONFIG.image | {"timm_model_name": "resnet50"}},
        {"image": CONFIG.image | {"width": 10**9}},
        {"text": CONFIG.text | {"hf_model_name": "bert"}},
        {"text": {"width": 16}},
        {"embed_dim": 0},
        {"std": (0.5, 0.5, 0.0)},
        {"mean": "no numbers"},
    ],
)
def test_configurations_that_are_refused(change):
    with pytest.raises(ConfigError):
        dataclasses.replace(CONFIG, **change)


def test_towers_that_cannot_be_built():
    with pytest.raises(ConfigError, match="towers"):
        OwnClip(dataclasses.replace(CONFIG, text=CONFIG.text | {"heads": 3}))


def test_a_vocabulary_of_another_size_than_the_tensors(tmp_path, saved):
    tensors = load_file(saved)
    tensors["model.token_embedding.weight"] = tensors["model.token_embedding.weight"][:-1].contiguous()
    with safe_open(saved, "pt") as stream:
        header = stream.metadata()
    save_file(tensors, tmp_path / "other.safetensors", metadata=header)
    with pytest.raises(FileError, match="token_embedding"):
        load_network(KIND, tmp_path / "other.safetensors")


HEAD = {"image_size": 32, "widths": [4, 8], "depths": [0, 1], "face_zoom": 1.0}


def test_the_tower_for_heads_is_used_and_saved(tmp_path):
    torch.manual_seed(0)
    network = OwnClip(dataclasses.replace(CONFIG, image=HEAD)).eval()
    save_network(tmp_path / "clip.safetensors", KIND, network)
    clip = load_clip(weights=tmp_path / "clip.safetensors")
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    assert isinstance(clip.model.visual, HeadTower)
    with torch.no_grad():
        wanted = torch.nn.functional.normalize(network.model.visual(clip.prepare(images)), dim=1)
    torch.testing.assert_close(clip.encode_image(images), wanted, atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize(
    "change",
    [{"widths": [4] * 6, "depths": [0] * 6}, {"depths": [0]}, {"face_zoom": -1}, {"widths": ["a", 2]}, {"layers": [1]}],
)
def test_towers_for_heads_that_cannot_be(change):
    with pytest.raises(ConfigError):
        OwnClip(dataclasses.replace(CONFIG, image=HEAD | change))
