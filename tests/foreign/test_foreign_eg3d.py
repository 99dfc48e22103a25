"""EG3D settings out of pickles: every variant, what wins over what, and what is refused."""

import dataclasses

import pytest
import torch

from sat3d.errors import ConfigError, FileError, Sat3dError
from sat3d.generators.config import (
    PLANE_AXES_CORRECTED,
    PLANE_AXES_EG3D,
    SUPERRESOLUTION,
    BackboneConfig,
    RenderingConfig,
    TriplaneConfig,
)
from sat3d.generators.official import read_network
from tests.foreign.official_pickle import Network, storage, view

BACKBONE = BackboneConfig(
    z_dim=16, c_dim=25, w_dim=8, num_mapping_layers=2, resolution=8, img_channels=12, channel_base=32, channel_max=4
)


def small_config(variant="2X", **changes):
    fields = {
        "backbone": BACKBONE,
        "superresolution": SUPERRESOLUTION[variant],
        "neural_rendering_resolution": 32,
        "decoder_hidden": 16,
        **changes,
    }
    return TriplaneConfig(**fields)


@pytest.fixture
def read(tmp_path):
    def read_built(network: Network):
        path = tmp_path / "network.pkl"
        path.write_bytes(network.pickle())
        return read_network(path)

    return read_built


@pytest.mark.parametrize("variant", list(SUPERRESOLUTION))
def test_variants_round_trip(read, variant):
    built = Network(small_config(variant), variant)
    got = read(built)
    assert got.config == small_config(variant)
    assert all(torch.equal(got.tensors[name], value) for name, value in built.tensors.items())
    assert got.notes["class_name"] == "TriPlaneGenerator"


def test_oldest_variant_never_antialiases(read):
    built = Network(small_config("4X"), "Deepfp32")
    assert read(built).config.superresolution == dataclasses.replace(SUPERRESOLUTION["4X"], antialias=False)


def test_settings_are_read_not_assumed(read):
    rendering = RenderingConfig(64, 64, 0.1, 2.6, 1.6, True, False, 1.7, (0.0, 0.5, -0.06), True, 0.5, "random")
    config = small_config(rendering=rendering, plane_axes=PLANE_AXES_CORRECTED, decoder_lr_mul=0.01)
    assert read(Network(config)).config == config
    automatic = dataclasses.replace(rendering, ray_start="auto", ray_end="auto")
    assert read(Network(small_config(rendering=automatic))).config.rendering == automatic


def test_live_attributes_win(read):
    built = Network(small_config())
    built.states[""]["rendering_kwargs"]["depth_resolution"] = 96
    built.states[""]["neural_rendering_resolution"] = 64
    built.states["superresolution"]["sr_antialias"] = False
    config = read(built).config
    assert config.rendering.depth_resolution == 96
    assert config.neural_rendering_resolution == 64 and config.superresolution.antialias is False
    del built.states[""]["rendering_kwargs"]
    assert read(built).config.rendering.depth_resolution == 48


def test_missing_conditioning_scale_is_zero(read):
    built = Network(small_config())
    del built.states[""]["rendering_kwargs"]["c_scale"]
    assert read(built).config.rendering.c_scale == 0


def test_plane_axes_of_any_kind(read):
    built = Network(small_config())
    built.states["renderer"] = {}
    assert read(built).config.plane_axes == PLANE_AXES_EG3D
    built.states["renderer"] = {"plane_axes": torch.eye(3).repeat(3, 1, 1) * 0.1}
    assert read(built).config.plane_axes[2][1] == (0.0, float(torch.tensor(0.1)), 0.0)


def test_clamp_of_superresolution(read):
    built = Network(small_config())
    for arguments in (built.states[""]["_init_kwargs"], built.states["superresolution"]["_init_kwargs"]):
        arguments["sr_num_fp16_res"] = 0
    assert read(built).config.superresolution.conv_clamp is None
    built.states["superresolution.block0.conv0"] = {"conv_clamp": 128}
    built.states["superresolution.block1.torgb"] = {"conv_clamp": 256}
    with pytest.raises(FileError, match=r"superresolution\.block1\.torgb\.conv_clamp is 256 instead of 128"):
        read(built)


def test_unknown_rendering_settings_are_noted(read):
    built = Network(small_config())
    built.states[""]["rendering_kwargs"] |= {"gpc_reg_prob": 0.5, "shiny": True}
    assert read(built).notes["ignored_rendering_kwargs"] == "shiny"


@pytest.mark.parametrize(
    "key, value, says",
    [
        ("clamp_mode", "relu", "clamp_mode.*'relu'.*softplus"),
        ("density_noise", 0.5, "density_noise"),
        ("box_warp", "1", "box_warp"),
        ("box_warp", 0.0, "box_warp"),
        ("box_warp", float("inf"), "box_warp"),
        ("depth_resolution", 1 << 30, "depth_resolution"),
        ("depth_resolution", 48.0, "depth_resolution"),
        ("ray_start", "auto", "Ray limits"),
        ("ray_start", None, "ray_start"),
        ("ray_end", 1.0, "Ray limits"),
        ("white_back", 1, "white_back"),
        ("avg_camera_pivot", [0, 0], "avg_camera_pivot"),
        ("avg_camera_pivot", [0, 0, []], "avg_camera_pivot"),
        ("superresolution_noise_mode", "loud", "noise_mode"),
        ("c_scale", float("nan"), "c_scale"),
        ("decoder_lr_mul", {}, "decoder_lr_mul"),
    ],
)
def test_bad_rendering_settings(read, key, value, says):
    built = Network(small_config())
    built.states[""]["rendering_kwargs"][key] = value
    with pytest.raises(Sat3dError, match=says):
        read(built)


@pytest.mark.parametrize(
    "path, attribute, value, says",
    [
        ("backbone.synthesis.b8", "architecture", "resnet", "architecture is 'resnet' instead of skip"),
        ("backbone.synthesis.b8.conv0", "up", 1, "up is 1 instead of 2"),
        ("backbone.synthesis.b4.conv1", "use_noise", False, "use_noise"),
        ("backbone.synthesis.b4.conv1", "act_gain", 1.0, "act_gain is 1.0"),
        ("backbone.mapping.fc0", "bias_gain", 1.0, r"bias_gain is 1\.0 instead of 0\.01"),
        ("backbone.mapping.embed", "activation", "lrelu", "instead of linear"),
        ("decoder.net.0", "bias_gain", 0.5, "bias_gain is 0.5"),
        ("decoder.net.1", "beta", 2.0, "beta is 2.0"),
        ("renderer", "plane_axes", torch.zeros(3, 3, 3), "cannot be inverted"),
        ("renderer", "plane_axes", torch.full((3, 3, 3), float("nan")), "not finite"),
        ("renderer", "plane_axes", torch.eye(3), "shape"),
        ("renderer", "plane_axes", 5, "not a tensor"),
    ],
)
def test_modules_that_compute_otherwise(read, path, attribute, value, says):
    built = Network(small_config())
    built.states[path] = {**built.states.get(path, {}), attribute: value}
    with pytest.raises(FileError, match=says):
        read(built)


@pytest.mark.parametrize(
    "option, value",
    [
        ("resample_filter", [1, 2, 1]),
        ("architecture", "orig"),
        ("fancy", 1),
        ("synthesis_kwargs", 5),
        ("mapping_kwargs", {"lr_multiplier": 1}),
        ("mapping_kwargs", {"layer_features": 4}),
        ("conv_clamp", -1.0),
    ],
)
def test_unsupported_arguments_are_named(read, option, value):
    built = Network(small_config())
    built.states["backbone"]["_init_kwargs"][option] = value
    with pytest.raises(FileError, match=option if option != "mapping_kwargs" else next(iter(value))):
        read(built)


@pytest.mark.parametrize("kind", ["SuperresolutionHybrid16X", "8XDC", "SuperresolutionHybrid", "Upsampler"])
def test_unknown_superresolution(read, kind):
    built = Network(small_config())
    built.kinds["superresolution"] = kind
    with pytest.raises(FileError, match=f"super-resolution module.*'{kind}'"):
        read(built)


def test_parts_that_disagree(read):
    built = Network(small_config())
    built.states[""]["_init_kwargs"]["img_resolution"] = 256
    with pytest.raises(FileError, match="disagree about img_resolution"):
        read(built)


def test_a_label_that_is_no_camera_is_refused(read):
    built = Network(small_config())
    built.states["backbone"]["_init_kwargs"]["c_dim"] = 16
    with pytest.raises(ConfigError, match=r"another label than a camera.*c_dim 16.*25"):
        read(built)


def test_all_problems_are_named_at_once(read):
    built = Network(small_config())
    del built.tensors["backbone.mapping.w_avg"]
    built.tensors["decoder.net.0.bias"] = torch.zeros(3)
    built.tensors["decoder.net.3.bias"] = torch.zeros(3)
    built.tensors["backbone.synthesis.b4.const"] = view(storage(torch.zeros(70).numpy()), 7, (4, 4, 4), (16, 4, 1))
    with pytest.raises(FileError) as caught:
        read(built)
    for problem in (
        "backbone.mapping.w_avg is missing",
        "decoder.net.3.bias is unexpected",
        "decoder.net.0.bias has shape",
        "backbone.synthesis.b4.const goes past its storage of 70 elements",
    ):
        assert problem in str(caught.value)
