"""The parser of cat photographs: from a file, from a download that was asked for, without torchvision."""

import pytest
import torch
from torch.nn import functional as F

from sat3d.errors import ConfigError, FileError
from sat3d.learning.segmenters import PARSERS
from sat3d.parsing import deeplab
from sat3d.parsing.state_file import shapes_of

from ..two_layers import two

CPU = torch.device("cpu")


def pictures(*size):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.mark.slow
def test_cats_parser_from_a_file(tmp_path, monkeypatch):
    assert deeplab.SHORTER_SIDE_PX == 520
    monkeypatch.setattr(deeplab, "SHORTER_SIDE_PX", 130)  # to be quick
    torch.manual_seed(0)
    source = deeplab._network_for({deeplab._AUXILIARY})
    torch.save(source.state_dict(), tmp_path / "deeplabv3_resnet50.pth")
    segmenter = PARSERS["voc"](tmp_path / "deeplabv3_resnet50.pth", CPU)
    labels = segmenter.find(pictures(64, 80))
    assert labels.shape == (1, 64, 80) and labels.max() < 21
    with torch.no_grad():
        x = F.interpolate(pictures(64, 80), [130, 162], mode="bilinear") * 0.5 + 0.5
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        logits = source.eval()((x - mean[:, None, None]) / std[:, None, None])["out"]
    wanted = F.interpolate(logits, (64, 80), mode="bilinear").argmax(1)
    assert (labels == wanted).float().mean() > 0.99  # ties of an untrained network aside


def test_the_architecture_is_known_by_the_tensors():
    large = deeplab._network_for({deeplab._ONLY_IN_101})
    assert deeplab._ONLY_IN_101 in shapes_of(large) and deeplab._AUXILIARY not in shapes_of(large)
    assert shapes_of(large)["classifier.4.weight"] == (21, 256, 1, 1)


def test_a_wrapped_file_is_known_by_its_tensors_as_well(tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(deeplab, "_network_for", lambda names: built.append(set(names)) or two())
    names = (deeplab._ONLY_IN_101, deeplab._AUXILIARY)
    torch.save({"model": {f"module.{name}": torch.zeros(1) for name in names}}, tmp_path / "x.pth")
    with pytest.raises(FileError, match="missing"):
        deeplab.load_voc_parser(tmp_path / "x.pth")
    assert built == [set(names)]


def test_nothing_is_downloaded_unless_named(tmp_path, monkeypatch):
    asked = []

    def download(url, place, hash_prefix, progress):
        asked.append((url, hash_prefix))
        torch.save(two().state_dict(), place)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(FileError, match="File not found"):
        deeplab.load_voc_parser(tmp_path / "deeplabv3_resnet50")
    assert not asked
    first = deeplab.download("deeplabv3_resnet50")
    assert asked == [("https://download.pytorch.org/models/" + first.name, "cd0a2569")] and first.is_file()
    assert deeplab.download("deeplabv3_resnet50") == first and len(asked) == 1
    with pytest.raises(FileError, match="missing"):  # what arrived is read as strictly as any file
        deeplab.load_voc_parser("deeplabv3_resnet50")


def test_a_failed_download_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(FileError, match=r"could not be downloaded.*no network"):
        deeplab.load_voc_parser("deeplabv3_resnet101")
    assert not list((tmp_path / "checkpoints").iterdir())


def test_without_torchvision_it_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    with pytest.raises(ConfigError, match=r"needs torchvision.*pip install"):
        deeplab._network_for(())
