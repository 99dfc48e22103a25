"""Parsers of photographs: published names and shapes, weights read without running them, what is refused."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision.models import resnet18

from sat3d.domains import load_domain
from sat3d.errors import ConfigError, FileError, HostileFileError, ShapeError
from sat3d.parsing import bisenet, deeplab
from sat3d.parsing.state_file import open_state_file, shapes_of
from sat3d.regions import alterable_region
from training.masks.studio import PARSERS, load_segmenter

CPU = torch.device("cpu")


class Two(torch.nn.Module):
    """The smallest network with all that occurs: weights, statistics, a counter."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = torch.nn.Conv2d(2, 3, 1, bias=False), torch.nn.BatchNorm2d(3)


def two() -> Two:
    torch.manual_seed(1)
    network = Two()
    network.bn.running_mean.normal_()
    return network


@pytest.fixture(scope="module")
def face():
    torch.manual_seed(0)
    network = bisenet.FaceParser()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture(scope="module")
def face_file(face, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "79999_iter.pth"
    torch.save(face.state_dict(), path, _use_new_zipfile_serialization=False)  # as in 2019
    return path


def pictures(*size):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2)) * 2 - 1


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_both_formats_of_torch_save_give_every_number(tmp_path, zipped, protocol):
    path, source = tmp_path / "two.pth", two()
    torch.save(source.state_dict(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    file = open_state_file(path)
    filled = file.fill(Two())
    assert set(file.names) == {"conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}
    for name in file.names:
        assert torch.equal(filled.state_dict()[name], source.state_dict()[name]), name
    assert not filled.training and not any(p.requires_grad for p in filled.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_number_types_and_shared_storages(tmp_path, dtype):
    path, both = tmp_path / "two.pth", torch.arange(12, dtype=dtype)
    state = {**two().state_dict(), "conv.weight": both[:6].reshape(3, 2, 1, 1), "bn.bias": both[9:]}
    torch.save(state, path)
    filled = open_state_file(path).fill(Two())
    assert filled.conv.weight.flatten().tolist() == [0, 1, 2, 3, 4, 5] and filled.bn.bias.tolist() == [9, 10, 11]
    assert filled.conv.weight.dtype == torch.float32


def test_safetensors_serve_too(tmp_path):
    source = two()
    save_file(dict(source.state_dict()), tmp_path / "two.safetensors")
    file = open_state_file(tmp_path / "two.safetensors")
    assert torch.equal(file.fill(Two()).conv.weight, source.conv.weight)
    with pytest.raises(FileError, match=r"conv\.weight is missing"):
        open_state_file(tmp_path / "two.safetensors").fill(torch.nn.Sequential(Two()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("bn.bias"), "bn.bias is missing"),
        (lambda state: state.update(extra=torch.zeros(1)), "extra is unexpected"),
        (lambda state: state.update({"bn.bias": torch.zeros(4)}), r"bn\.bias has shape \[4\]"),
        (lambda state: state.update({"bn.bias": torch.zeros(3, dtype=torch.long)}), "not floating-point"),
        (lambda state: state.update({"bn.bias": torch.full((3,), torch.nan)}), "not finite"),
        (lambda state: state.update({"bn.bias": [1.0]}), "not a plain state dictionary"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, said):
    state = dict(two().state_dict())
    change(state)
    torch.save(state, tmp_path / "two.pth")
    with pytest.raises(FileError, match=said):
        open_state_file(tmp_path / "two.pth").fill(Two())


class Evil:
    def __reduce__(self):
        return (Path.write_text, (Path("executed"), "yes"))


@pytest.mark.parametrize("zipped", [True, False])
def test_programs_are_refused_and_not_run(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    torch.save({**two().state_dict(), "x": Evil()}, "evil.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(HostileFileError, match="nothing in it was executed"):
        open_state_file("evil.pth")
    assert not Path("executed").exists()


def test_a_whole_module_is_refused(tmp_path):
    torch.save(two(), tmp_path / "two.pth")
    with pytest.raises(HostileFileError, match="nothing in it was executed"):
        open_state_file(tmp_path / "two.pth")


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04", b"\x80\x02", pickle.dumps({"a": 1}), b"\x80\x02N."])
def test_files_of_another_kind(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(FileError, match="Next step"):
        open_state_file(tmp_path / "x.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_is_cut_off_anywhere(tmp_path, zipped):
    stream = io.BytesIO()
    torch.save(two().state_dict(), stream, _use_new_zipfile_serialization=zipped)
    whole = stream.getvalue()
    for share in range(1, 20):
        (tmp_path / "x.pth").write_bytes(whole[: len(whole) * share // 20])
        with pytest.raises(FileError):
            open_state_file(tmp_path / "x.pth").fill(Two())


@pytest.mark.parametrize("zipped", [True, False])
def test_damage_anywhere_is_an_error_in_words_or_harmless(tmp_path, zipped):
    stream = io.BytesIO()
    torch.save(two().state_dict(), stream, _use_new_zipfile_serialization=zipped)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        broken = bytearray(stream.getvalue())
        for place in torch.randint(len(broken), (3,), generator=generator).tolist():
            broken[place] = int(torch.randint(256, (1,), generator=generator))
        (tmp_path / "x.pth").write_bytes(broken)
        try:
            open_state_file(tmp_path / "x.pth").fill(Two())
        except FileError as error:
            assert "Next step" in str(error)


def rezipped(path: Path, change) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    method = change(entries) or zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: zipfile.ZIP_DEFLATED, "compressed"),
        (lambda e: e.pop("archive/data/0") and None, "content is missing"),
        (lambda e: e.update({"archive/byteorder": b"big"}), "little-endian"),
        (lambda e: e.update({"archive/data/0": b"1234"}), "wrong length"),
        (lambda e: e.update({"other/data.pkl": b"N."}), "exactly one data.pkl"),
    ],
)
def test_archives_that_are_wrong(tmp_path, change, said):
    path = tmp_path / "archive.pth"
    stream = io.BytesIO()
    torch.save(two().state_dict(), stream)
    path.write_bytes(stream.getvalue())
    rezipped(path, change)
    with pytest.raises(FileError, match=said):
        open_state_file(path)


def test_a_few_bytes_that_pretend_to_be_much(tmp_path):
    """One number, and a tensor that repeats it (stride 0)."""
    path = tmp_path / "x.pth"
    torch.save({**two().state_dict(), "conv.weight": torch.zeros(1).expand(3, 2, 1, 1)}, path)
    with pytest.raises(FileError, match="stride 0"):
        open_state_file(path).fill(Two())


def test_the_names_and_shapes_of_the_published_face_weights(face):
    """Facts of 79999_iter.pth, a few of each part."""
    shapes = shapes_of(face)
    published = {
        "cp.resnet.conv1.weight": (64, 3, 7, 7),
        "cp.resnet.layer1.1.bn2.running_var": (64,),
        "cp.resnet.layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "cp.resnet.layer4.0.downsample.1.bias": (512,),
        "cp.resnet.layer4.1.conv2.weight": (512, 512, 3, 3),
        "cp.arm16.conv.conv.weight": (128, 256, 3, 3),
        "cp.arm32.conv_atten.weight": (128, 128, 1, 1),
        "cp.arm32.bn_atten.running_mean": (128,),
        "cp.conv_head16.bn.weight": (128,),
        "cp.conv_avg.conv.weight": (128, 512, 1, 1),
        "ffm.convblk.conv.weight": (256, 256, 1, 1),
        "ffm.conv1.weight": (64, 256, 1, 1),
        "ffm.conv2.weight": (256, 64, 1, 1),
        "conv_out.conv.conv.weight": (256, 256, 3, 3),
        "conv_out.conv_out.weight": (19, 256, 1, 1),
        "conv_out16.conv.conv.weight": (64, 128, 3, 3),
        "conv_out32.conv_out.weight": (19, 64, 1, 1),
    }
    assert {name: shapes.get(name) for name in published} == published
    assert not [name for name in shapes if name.startswith(("cp.resnet.fc", "sp."))]
    # Trunk 20 × 5, refinements 2 × 10, three blocks 15, fusion 7, heads 3 × 6; counters not counted.
    assert len(shapes) == 160


def test_the_trunk_computes_as_torchvision_does(face):
    other = resnet18(weights=None).eval()
    missing, unexpected = other.load_state_dict(face.cp.resnet.state_dict(), strict=False)
    assert unexpected == [] and set(missing) == {"fc.weight", "fc.bias"}
    x = pictures(64, 96)
    with torch.no_grad():
        y = other.maxpool(other.relu(other.bn1(other.conv1(x))))
        wanted = [y := layer(y) for layer in (other.layer1, other.layer2, other.layer3, other.layer4)][1:]
        for got, want in zip(face.cp.resnet(x), wanted, strict=True):
            torch.testing.assert_close(got, want)


def test_the_context_path_by_hand(face):
    """From the tensors alone, in the published order of operations."""
    state = face.state_dict()

    def norm(x, name):
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts)

    def block(x, name, padding=1):
        return F.relu(norm(F.conv2d(x, state[f"{name}.conv.weight"], padding=padding), f"{name}.bn"))

    def refine(x, name):
        x = block(x, f"{name}.conv")
        mean = F.avg_pool2d(x, x.shape[2:])
        return x * torch.sigmoid(norm(F.conv2d(mean, state[f"{name}.conv_atten.weight"]), f"{name}.bn_atten"))

    with torch.no_grad():
        fine, middle, coarse = face.cp.resnet(pictures(128, 64))
        average = block(F.avg_pool2d(coarse, coarse.shape[2:]), "cp.conv_avg", 0)
        up = F.interpolate(refine(coarse, "cp.arm32") + average, middle.shape[2:], mode="nearest")
        around = refine(middle, "cp.arm16") + block(up, "cp.conv_head32")
        around = block(F.interpolate(around, fine.shape[2:], mode="nearest"), "cp.conv_head16")
        got_fine, got_around = face.cp(pictures(128, 64))
        torch.testing.assert_close(got_fine, fine)
        torch.testing.assert_close(got_around, around)


def test_faces_are_parsed_by_weights_in_a_file(face, face_file):
    segmenter = PARSERS["celebamask"](face_file, CPU)
    labels = segmenter.find(pictures(70, 64))
    assert labels.shape == (1, 70, 64) and labels.dtype == torch.long and 0 <= labels.min() <= labels.max() < 19
    assert torch.equal(labels, face.labels(pictures(70, 64))) and len(set(labels.flatten().tolist())) > 1
    assert segmenter.fingerprint and len(segmenter.label_names) == 19 and segmenter.label_names[17:] == ("hair", "hat")


def test_faces_are_seen_at_512_with_imagenets_statistics(face):
    seen = []
    with torch.no_grad():
        hook = face.cp.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        face(torch.full((1, 3, 64, 64), 2 * 0.485 - 1))
        hook.remove()
    assert seen[0].shape == (1, 3, 512, 512)
    wanted = [0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225]
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor(wanted), atol=1e-6, rtol=0)


def test_the_labels_of_the_domains_are_known():
    for name, label_names in (("face", bisenet.LABEL_NAMES), ("cat", deeplab.LABEL_NAMES)):
        domain = load_domain(name)
        assert domain.parser in PARSERS
        for parts in domain.regions.values():
            alterable_region(torch.zeros(1, 8, 8, dtype=torch.long), parts, label_names)
    assert deeplab.LABEL_NAMES.index("cat") == 8 and len(deeplab.LABEL_NAMES) == 21


@pytest.mark.parametrize("domain", ["face", "cat"])
def test_without_weights_it_is_said_where_they_are_from(domain):
    with pytest.raises(FileError, match=r"do not come with the package.*--parser"):
        load_segmenter(load_domain(domain), None, CPU)


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
    first = deeplab.downloaded("deeplabv3_resnet50")
    assert asked == [("https://download.pytorch.org/models/" + first.name, "cd0a2569")] and first.is_file()
    assert deeplab.downloaded("deeplabv3_resnet50") == first and len(asked) == 1
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


def test_pictures_that_are_none(face):
    with pytest.raises(ShapeError):
        face.labels(torch.zeros(1, 3, 32, 32))
