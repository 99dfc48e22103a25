"""The head parser: shapes, sizes, files, refusals."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from sat3d.errors import ConfigError, FileError, ShapeError
from sat3d.files.network_files import save_network
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parsing.parser import KIND, HeadParser, ParserConfig, load_parser

CONFIG = ParserConfig(input_px=64, widths=(8, 8, 8), depths=(0, 1, 1))


@pytest.fixture
def parser():
    torch.manual_seed(0)
    return HeadParser(CONFIG).eval()


def pictures(height=64, width=64, count=2):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("size", [(64, 64), (96, 96), (128, 128), (64, 130)])
def test_labels_have_the_size_of_the_picture(parser, size):
    images = pictures(*size)
    labels, shares = parser.labels(images), parser.probabilities(images)
    assert labels.shape == (2, *size) and labels.dtype == torch.int64 and int(labels.max()) < len(LABEL_NAMES)
    assert shares.shape == (2, len(LABEL_NAMES), *size)
    torch.testing.assert_close(shares.sum(1), torch.ones(2, *size))
    assert torch.equal(shares.argmax(1), labels)


def test_folded_logits_are_the_pixels_of_each_two_by_two(parser):
    images = pictures()
    folded, whole = parser.folded_logits(images), parser.logits_at_input_size(images)
    for row in (0, 1):
        for column in (0, 1):
            assert torch.equal(folded[:, 2 * row + column :: 4], whole[:, :, row::2, column::2])


def test_it_learns_edges_at_the_full_size():
    """A stripe one pixel wide, which a network at half the size could not draw."""
    torch.manual_seed(0)
    parser = HeadParser(CONFIG).train()
    images, labels = torch.full((2, 3, 64, 64), -1.0), torch.zeros(2, 64, 64, dtype=torch.int64)
    for b, column in enumerate((20, 33)):
        images[b, :, :, column], labels[b, :, column] = 1.0, 8
    optimizer = torch.optim.Adam(parser.parameters(), 0.03)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(parser(images), labels).backward()
        optimizer.step()
    assert torch.equal(parser.labels(images), labels)


def test_gradients_reach_the_picture(parser):
    images = pictures(128, 128).requires_grad_()
    parser.probabilities(images)[:, 2].mean().backward()
    assert images.grad.abs().max() > 0


def test_a_file_gives_the_same_parser(tmp_path, parser):
    save_network(tmp_path / "parser.safetensors", KIND, parser)
    loaded = load_parser(tmp_path / "parser.safetensors")
    assert loaded.config == CONFIG and not loaded.training
    torch.testing.assert_close(loaded(pictures()), parser(pictures()), atol=5e-3, rtol=0)


def test_missing_built_in_weights_say_how_to_make_them(monkeypatch, tmp_path):
    monkeypatch.setattr("sat3d.files.network_files.ASSETS", tmp_path)
    with pytest.raises(FileError, match=r"train_parser\.py"):
        load_parser()


def test_other_tensors_are_refused(parser):
    with pytest.raises(ShapeError):
        parser.labels(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize("change", [{"input_px": 100}, {"depths": (1,)}, {"widths": (8,), "depths": (0,)}])
def test_settings_that_cannot_be_are_refused(change):
    with pytest.raises(ConfigError):
        replace(CONFIG, **change)


def test_the_default_network_is_small():
    assert sum(p.numel() for p in HeadParser().parameters()) < 900_000
