"""The safe reader against pickles in the official format: what it reads, and how it names what is wrong."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sat3d.errors import CancelledError, ConfigError, FileError
from sat3d.foreign.values import Storage, TensorView
from sat3d.generators import load_generator
from sat3d.generators.config import (
    PLANE_AXES_EG3D,
    SUPERRESOLUTION,
    BackboneConfig,
    StyleGAN2Config,
    TriplaneConfig,
)
from sat3d.generators.official import expected_tensors, read_network
from tests.foreign.official_pickle import Network

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "foreign"
# Full parity cases are too large for the repository; where they lie beside it, they are read as well.
PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity"
VARIANTS = ["micro_numpy1names", "micro_oldstyle_proto3", "micro_strides"]

MICRO_CONFIG = StyleGAN2Config(
    BackboneConfig(z_dim=8, c_dim=0, w_dim=8, num_mapping_layers=2, resolution=8, channel_base=64, channel_max=4)
)


@pytest.fixture(scope="module")
def micro():
    return read_network(GOLDEN / "micro_valid.pkl")


def test_config_and_names(micro):
    assert micro.config == MICRO_CONFIG
    assert {name: tuple(tensor.shape) for name, tensor in micro.tensors.items()} == expected_tensors(MICRO_CONFIG)
    assert micro.tensors["synthesis.b8.conv0.noise_const"].shape == (8, 8)


def test_tensors_are_plain_and_their_own(micro):
    for tensor in micro.tensors.values():
        assert tensor.dtype == torch.float32 and tensor.is_contiguous() and tensor.device.type == "cpu"
        assert not tensor.requires_grad and tensor.untyped_storage().nbytes() == 4 * tensor.numel()
    assert len({tensor.data_ptr() for tensor in micro.tensors.values()}) == len(micro.tensors)


def test_values_are_the_bytes_of_the_file(micro):
    raw = (GOLDEN / "micro_valid.pkl").read_bytes()
    for name, tensor in micro.tensors.items():
        assert tensor.numpy().tobytes() in raw, name
    assert micro.source_sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("name", VARIANTS)
def test_other_spellings_of_the_same_network(micro, name):
    other = read_network(GOLDEN / f"{name}.pkl")
    assert other.config == micro.config and list(other.tensors) == list(micro.tensors)
    assert all(torch.equal(other.tensors[key], value) for key, value in micro.tensors.items())
    assert other.source_sha256 != micro.source_sha256


def test_key_chooses_the_network(micro):
    other = read_network(GOLDEN / "micro_valid.pkl", key="G")
    assert other.notes["key"] == "G" and micro.notes["key"] == "G_ema"
    assert not torch.equal(other.tensors["synthesis.b4.const"], micro.tensors["synthesis.b4.const"])


@pytest.mark.parametrize(
    "key, says",
    [
        ("D", r"judges pictures and draws none.*'Discriminator'"),
        ("training_set_kwargs", "not a network"),
        ("augment_pipe", "augment_pipe"),
        ("other", "G_ema"),
    ],
)
def test_keys_that_are_no_generator(key, says):
    with pytest.raises(FileError, match=says):
        read_network(GOLDEN / "micro_valid.pkl", key=key)


@pytest.mark.parametrize(
    "name, says",
    [
        ("damaged_truncated", "truncated"),
        ("damaged_wrong_shape", r"synthesis\.b8\.conv1\.weight has shape \[5, 4, 3, 3\] instead of \[4, 4, 3, 3\]"),
        ("damaged_missing_param", r"synthesis\.b8\.conv0\.bias is missing"),
        ("damaged_size_past_storage", r"synthesis\.b4\.const has shape \[64, 4, 4\]"),
    ],
)
def test_damage_is_named(name, says):
    with pytest.raises(FileError, match=says):
        read_network(GOLDEN / f"{name}.pkl")


def test_a_file_without_the_average_gives_the_network_itself_and_says_so(micro):
    path = GOLDEN / "damaged_missing_gema.pkl"
    found = read_network(path)
    assert found.notes["key"] == "G" and "there is no G_ema" in found.notes["network"]
    assert torch.equal(found.tensors["synthesis.b4.const"], read_network(path, "G").tensors["synthesis.b4.const"])
    with pytest.raises(FileError, match=r"no network 'G_ema'.*training_set_kwargs, G, D, augment_pipe.*it: G, D"):
        read_network(path, "G_ema")
    assert micro.notes["network"] == "G_ema"


def test_progress_counts_bytes_and_can_cancel():
    calls = []
    read_network(GOLDEN / "micro_valid.pkl", progress=lambda done, total: calls.append((done, total)))
    size = (GOLDEN / "micro_valid.pkl").stat().st_size
    assert calls == sorted(calls) and calls[-1][0] == calls[-1][1] > size

    def cancel(done, total):
        raise CancelledError("Cancelled")

    with pytest.raises(CancelledError):
        read_network(GOLDEN / "micro_valid.pkl", progress=cancel)


@pytest.mark.parametrize(
    "name, content, says",
    [
        ("empty.pkl", b"", "empty"),
        ("zip.pkl", b"PK\x03\x04" + bytes(100), "zip file"),
        ("page.pkl", b"<!DOCTYPE html>", "web page"),
        ("pointer.pkl", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("torch.pkl", bytes.fromhex("80028a0a6cfc9c46f920") + bytes(50), "torch.save"),
        ("weights.safetensors", (20).to_bytes(8, "little") + b'{"__metadata__":{}}  ', "safetensors"),
        ("notes.txt", b"hello", "begins with"),
        ("tuple.pkl", b"\x80\x04).", "not a dictionary of networks"),
        ("behind.pkl", b"\x80\x04}.}", "behind its end"),
        ("tensorflow.pkl", b"\x80\x03cdnnlib.tflib.network\nNetwork\nq\x00.", "TensorFlow"),
    ],
)
def test_other_kinds_of_file(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=says):
        read_network(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileError, match="not found"):
        read_network(tmp_path / "absent.pkl")
    with pytest.raises(FileError, match="Not a file"):
        read_network(tmp_path)


def replaced(name: str, old: bytes, new: bytes) -> bytes:
    """A golden file with one string changed (same length, so that all lengths stay right)."""
    raw = (GOLDEN / f"{name}.pkl").read_bytes()
    assert len(old) == len(new) and old in raw
    return raw.replace(old, new)


@pytest.mark.parametrize(
    "old, new, says",
    [
        (b"\x8c\x04skip", b"\x8c\x04orig", "architecture is 'orig'"),
        (b"\x8c\x05lrelu", b"\x8c\x05swish", "activation is 'swish'"),
        (b"\x8c\x0eSynthesisLayer", b"\x8c\x0eSynthesisLaxer", "class is 'SynthesisLaxer'"),
        (b"\x8c\x09Generator", b"\x8c\x09Genesator", "class is unknown"),
        (b"\x8c\x0bchannel_max", b"\x8c\x0bchannel_mux", "option 'channel_mux'"),
        (b"\x8c\x02b4", b"\x8c\x02L4", "StyleGAN3"),
        (np.float32(3 / 64).tobytes(), np.float32(4 / 64).tobytes(), "resample_filter"),
    ],
)
def test_networks_that_compute_otherwise_are_refused(tmp_path, old, new, says):
    path = tmp_path / "other.pkl"
    path.write_bytes(replaced("micro_valid", old, new))
    with pytest.raises(FileError, match=says):
        read_network(path)


def test_values_that_are_not_finite_are_named(tmp_path, micro):
    const = micro.tensors["synthesis.b4.const"].numpy().tobytes()
    path = tmp_path / "nan.pkl"
    path.write_bytes(replaced("micro_valid", const, np.float32("nan").tobytes() + const[4:]))
    with pytest.raises(FileError, match=r"not finite.*synthesis\.b4\.const"):
        read_network(path)


@pytest.mark.parametrize(("channels", "classes"), [(1, 0), (4, 0), (3, 10), (1, 10)])
def test_pickles_of_other_pictures_draw_rgb(tmp_path, channels, classes):
    config = StyleGAN2Config(dataclasses.replace(MICRO_CONFIG.backbone, img_channels=channels, c_dim=classes))
    (tmp_path / "other.pkl").write_bytes(Network(config).pickle())
    network = load_generator(tmp_path / "other.pkl").network
    assert network.config == config
    view = network.synthesize(network.styles(network.map(torch.ones(2, 8), network.labels([3, 14]))))
    assert view.image.shape == (2, 3, 8, 8) and (view.opacity is not None) == (channels == 4)


def test_pickles_whose_pictures_cannot_be_shown_are_refused(tmp_path):
    built = Network(MICRO_CONFIG)
    built.states[""]["_init_kwargs"]["img_channels"] = 2
    (tmp_path / "two.pkl").write_bytes(built.pickle())
    with pytest.raises(ConfigError, match=r"does not draw pictures that can be shown.*2 channels"):
        read_network(tmp_path / "two.pkl")


# Layout: sizes of the published networks, known independently of this code.


def test_layout_of_published_networks():
    eg3d, ffhq = expected_tensors(TriplaneConfig()), expected_tensors(StyleGAN2Config())
    assert eg3d["backbone.mapping.embed.weight"] == (512, 25) and eg3d["decoder.net.2.weight"] == (33, 64)
    assert eg3d["superresolution.block1.conv0.noise_const"] == (512, 512)
    assert parameters(eg3d) == 30_662_136 and parameters(ffhq) == 30_370_060


def parameters(layout):
    return sum(int(np.prod(shape)) for name, shape in layout.items() if not name.endswith(("noise_const", "w_avg")))


@pytest.mark.parametrize(
    "variant, noise, channels", [("8XDC", 256, 256), ("8X", 256, 128), ("4X", 128, 128), ("2X", 64, 128)]
)
def test_layout_of_superresolution(variant, noise, channels):
    layout = expected_tensors(TriplaneConfig(superresolution=SUPERRESOLUTION[variant]))
    assert layout["superresolution.block0.conv0.noise_const"] == (noise, noise)
    assert layout["superresolution.block0.conv0.weight"] == (channels, 32, 3, 3)
    assert layout["superresolution.block1.torgb.weight"] == (3, channels // 2, 1, 1)


def test_all_number_types():
    from sat3d.foreign.storage import STORAGE_TYPES
    from sat3d.foreign.tensors import read_small
    from sat3d.foreign.values import Blob

    values = torch.tensor([[1.5, -2.0, 0.25], [4.0, 65504.0, -0.5]])
    for name, dtype in [
        ("FloatStorage", torch.float32),
        ("DoubleStorage", torch.float64),
        ("HalfStorage", torch.float16),
        ("BFloat16Storage", torch.bfloat16),
    ]:
        stored = values.to(dtype)
        raw = b"x" + stored.T.contiguous().view(torch.uint8).numpy().tobytes()
        view = TensorView(Storage(name, STORAGE_TYPES[name][1], 6, Blob(1, len(raw))), 0, (2, 3), (1, 2))
        array = read_small(memoryview(raw), view, (2, 3), name)
        assert array.dtype == np.float32 and array.flags["C_CONTIGUOUS"]
        assert torch.equal(torch.from_numpy(array), stored.float())


# Parity cases beside the repository (none on a bare clone).


def test_parity_cases():
    for case in sorted((PARITY / "pack").glob("*.json")):
        facts, network = json.loads(case.read_text()), read_network(case.with_suffix(".pkl"))
        wanted = {
            name: tuple(shape)
            for name, shape in facts["parameters_and_buffers"].items()
            if not name.endswith(("resample_filter", "dataset_label_std"))
        }
        assert expected_tensors(network.config) == wanted, case
        assert network.notes["class_name"] == facts["class_name"]
        if isinstance(network.config, TriplaneConfig):
            check_triplane(network.config, facts)


def check_triplane(config, facts):
    options = facts["rendering_kwargs"]
    for name in (
        "depth_resolution",
        "depth_resolution_importance",
        "ray_start",
        "ray_end",
        "box_warp",
        "c_scale",
        "avg_camera_radius",
        "c_gen_conditioning_zero",
        "superresolution_noise_mode",
    ):
        assert getattr(config.rendering, name) == options[name]
    assert config.rendering.white_back == options.get("white_back", False)
    assert config.rendering.avg_camera_pivot == tuple(options["avg_camera_pivot"])
    assert config.neural_rendering_resolution == facts["neural_rendering_resolution"]
    assert config.img_resolution == facts["init_kwargs"]["img_resolution"]
    assert config.plane_axes == PLANE_AXES_EG3D
    variant = options["superresolution_module"].rpartition("SuperresolutionHybrid")[2]
    assert config.superresolution == SUPERRESOLUTION[variant]
    assert config.backbone.conv_clamp is None


def test_layouts_of_full_size():
    for path, config in [
        (PARITY / "layout_ffhq512-128.json", TriplaneConfig()),
        (PARITY / "layout_stylegan2-ffhq-1024.json", StyleGAN2Config()),
    ]:
        tensors = json.loads(path.read_text())["tensors"] if path.exists() else []
        wanted = {
            tensor["name"]: tuple(tensor["shape"])
            for tensor in tensors
            if not tensor["name"].endswith("resample_filter")
        }
        assert expected_tensors(config) == wanted or not path.exists()
