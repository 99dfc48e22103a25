"""PanoHead and SphereHead out of pickles: what is read, and what is refused with which sentence."""

from dataclasses import replace

import pytest
import torch

from sat3d.errors import ConfigError, FileError, HostileFileError
from sat3d.generators import FullHeadGenerator, load_generator
from sat3d.generators.official import read_network
from tests.foreign.official_pickle import Call, Network
from tests.generators.full_heads import CASES, tiny_full_head_config, weights_of


def built(case: str = "panohead", **changes) -> Network:
    config = tiny_full_head_config(case, **changes)
    network = Network(config)
    network.tensors.update(weights_of(config))
    return network


@pytest.fixture
def read(tmp_path):
    def read_built(network: Network):
        path = tmp_path / "head.pkl"
        path.write_bytes(network.pickle())
        return read_network(path)

    return read_built


@pytest.mark.parametrize("case", CASES)
def test_every_kind_round_trips(read, case):
    network = built(case)
    got = read(network)
    assert got.config == tiny_full_head_config(case)
    assert got.tensors.keys() == network.tensors.keys()
    assert all(torch.equal(got.tensors[name], value) for name, value in network.tensors.items())


def test_the_loaded_head_is_one_that_turns(tmp_path):
    (tmp_path / "head.pkl").write_bytes(built("spherehead").pickle())
    loaded = load_generator(tmp_path / "head.pkl")
    assert type(loaded.network) is FullHeadGenerator and loaded.network.config.in_balls
    assert "SphereHead" in loaded.metadata["licence"]


def test_live_attributes_win(read):
    network = built()
    network.states[""]["rendering_kwargs"]["ray_start"] = 2.35
    network.states["decoder"]["activation"] = "sigmoid"
    got = read(network).config
    assert got.rendering.ray_start == 2.35 and got.decoder_activation == "sigmoid"
    assert got.rendering.avg_camera_pivot == (0.0, 0.0, 0.0)


def test_an_unknown_activation_is_none_as_in_the_published_code(read):
    network = built()
    network.states["decoder"]["activation"] = "tanh"
    assert read(network).config.decoder_activation == "none"


def test_planes_and_axes_are_those_of_the_file(read):
    turned = ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    network = built()
    network.states["renderer"] = {"plane_axes": torch.tensor([turned] * 3)}
    assert read(network).config.plane_axes == (turned,) * 3


def test_a_part_that_is_there_is_used_although_no_setting_names_it(read):
    network = built()
    for key in ("use_torgb_raw", "use_background"):
        del network.states[""]["rendering_kwargs"][key]
    got = read(network).config
    assert got.raw_torgb and got.backdrop is not None


def without(network: Network, start: str) -> None:
    network.tensors = {name: value for name, value in network.tensors.items() if not name.startswith(start)}
    for table in (network.states, network.kinds):
        for name in [name for name in table if (name + ".").startswith(start)]:
            del table[name]


def _live(key: str, value: object):
    return lambda n: n.states[""]["rendering_kwargs"].update({key: value})


def _attribute(module: str, name: str, value: object):
    return lambda n: n.states.setdefault(module, {}).update({name: value})


@pytest.mark.parametrize(
    ("case", "change", "says"),
    [
        ("panohead", lambda n: without(n, "bcg_synthesis."), "bcg_synthesis is missing, although use_background"),
        ("panohead", lambda n: without(n, "torgb."), "torgb is missing, although use_torgb_raw"),
        ("panohead", lambda n: without(n, "t_mapping."), "t_mapping.* is missing"),
        ("panohead", _live("triplane_depth", 2), "grids of this depth.*288 channels"),
        ("panohead", _live("triplane_depth", "3"), "triplane_depth"),
        ("panohead", _live("triplane_depth", 10**6), "grid_depth"),
        ("panohead", _live("triplane_size", 32), "triplane_size.*32.*16"),
        ("panohead", _attribute("decoder", "activation", None), "activation"),
        ("panohead", _live("density_noise", 0.5), "density_noise"),
        ("panohead", _attribute("decoder", "activation", 3), "activation"),
        ("panohead", _attribute("torgb", "conv_clamp", 256), r"torgb\.conv_clamp is 256 instead of None"),
        ("panohead", _attribute("bcg_synthesis.b8.conv0", "activation", "relu"), r"b8\.conv0\.activation is 'relu'"),
        ("panohead", lambda n: n.states["bcg_synthesis"]["_init_kwargs"].update(magic=1), "'magic' of the background"),
        ("panohead", lambda n: n.states["t_mapping"]["_init_kwargs"].update(w_dim=4), "w_dim of its t_mapping"),
        (
            "panohead",
            lambda n: n.states["t_mapping"]["_init_kwargs"].update(last_activation="lrelu"),
            "last_activation",
        ),
        (
            "panohead",
            _attribute("t_mapping.fc1", "activation", "lrelu"),
            r"fc1\.activation is 'lrelu' instead of linear",
        ),
        ("panohead", lambda n: n.kinds.update(decoder="OSGDecoder2"), "OSGDecoder2"),
        ("spherehead", lambda n: without(n, "ConvB."), "ConvB is missing, although its other ball"),
        ("spherehead", lambda n: n.tensors.pop("ConvB.1.weight"), r"ConvB\.1\.weight is missing"),
        (
            "spherehead",
            lambda n: n.tensors.update({"ConvA.1.weight": torch.zeros(64, 24, 1, 1)}),
            r"ConvA\.1\.weight has",
        ),
        ("spherehead", lambda n: n.tensors.update({"ConvA.0.weight": torch.zeros(())}), "ConvA.0.weight"),
        ("spherehead", _attribute("ConvA.0", "activation", "lrelu"), r"ConvA\.0\.activation is 'lrelu'"),
        ("spherehead", _attribute("ConvA.0", "up", 2), r"ConvA\.0\.up is 2"),
        ("spherehead", _live("triplane_depth", 2), "another number of planes.*triplane_depth 2"),
        ("spherehead", lambda n: without(n, "toparsing."), "toparsing is missing, although parsing_flag"),
        ("spherehead", lambda n: n.tensors.update({"decoder.net.0.weight": torch.zeros(3)}), "decoder.net.0.weight"),
    ],
)
def test_what_does_not_fit_is_named(read, case, change, says):
    network = built(case)
    change(network)
    with pytest.raises((FileError, ConfigError), match=f"(?s){says}") as caught:
        read(network)
    assert not isinstance(caught.value, HostileFileError) and caught.value.next_step


def test_a_plain_eg3d_decoder_with_another_activation_is_refused(read):
    """Without what makes a head turn it would be read as EG3D, whose colours are sigmoids."""
    network = built("panohead_flat", decoder_activation="none")
    without(network, "t_mapping.")
    del network.states[""]["rendering_kwargs"]["triplane_depth"]
    with pytest.raises(FileError, match=r"decoder\.activation is 'none' instead of sigmoid"):
        read(network)


def test_code_in_the_place_of_a_buffer_is_refused(refused):
    network = built()
    network.tensors["dataset_label_std"] = Call("builtins", "exec", "open('HOSTILE_MARKER', 'w')")
    error = refused(network.pickle())
    assert isinstance(error, HostileFileError) and "nothing in it was executed" in str(error)


@pytest.mark.parametrize("case", CASES)
def test_heads_that_are_cut_off_anywhere(refused, case):
    whole = built(case).pickle()
    for share in range(1, 8):
        error = refused(whole[: len(whole) * share // 8])
        assert not isinstance(error, HostileFileError) and "download the file again" in str(error)


def test_the_pivot_of_a_viewer_is_not_that_of_the_head(read):
    network = built()
    network.states[""]["rendering_kwargs"]["avg_camera_pivot"] = [0, 0, 0.2]
    wanted = tiny_full_head_config("panohead")
    assert read(network).config == wanted == replace(wanted)
