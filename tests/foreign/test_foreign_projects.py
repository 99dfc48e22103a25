"""Networks of projects that cannot be used: recognised, and answered in one sentence each."""

import io
import sys
import types

import numpy as np
import pytest
import torch

from sat3d.errors import FileError, HostileFileError
from tests.foreign.official_pickle import Network, New, module_state, persistent, pickled
from tests.foreign.refusal import MICRO


def with_part(kind: str, name: str) -> dict:
    """A network of that class with a part of that name."""
    inner, _, leaf = name.rpartition(".")
    state = module_state({leaf: persistent("SynthesisBlock", module_state())})
    if inner:
        state = module_state({inner: persistent("SynthesisNetwork", state)})
    return {"G_ema": persistent(kind, state)}


FILES = {
    "Next3D": {"G_ema": New("training_avatar_texture.triplane_next3d", "OSGDecoder", module_state())},
    "Next3D.": with_part("TriPlaneGenerator", "texture_backbone"),
    "IDE-3D": with_part("Generator", "synthesis.vb64"),
    "StyleGAN3": with_part("Generator", "synthesis.L0_36_512"),
    "GGHead": {"G_ema": New("gghead.models.gghead_model", "GGHeadModel", module_state())},
    "CGS-GAN": {"G_ema": New("training.cgs_generator", "CGSGenerator", module_state())},
    "Gaussian heads": with_part("GaussianGenerator", "mapping"),
    "TensorFlow": {"G_ema": New("dnnlib.tflib.network", "Network", {})},
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_named_in_one_sentence(refused, name):
    error = refused(pickled(FILES[name]))
    assert isinstance(error, FileError) and not isinstance(error, HostileFileError)
    assert name.rstrip(".") in error.what and ". " not in error.what
    assert error.next_step and "--" not in str(error)


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
@pytest.mark.parametrize("zipped", [True, False])
def test_they_are_named_in_files_of_torch_save_too(refused, monkeypatch, zipped):
    module = types.ModuleType("gghead.models")
    kind = type("GGHeadModel", (torch.nn.Module,), {"__module__": "gghead.models"})
    module.GGHeadModel = kind
    monkeypatch.setitem(sys.modules, "gghead", types.ModuleType("gghead"))
    monkeypatch.setitem(sys.modules, "gghead.models", module)
    stream = io.BytesIO()
    torch.save({"G_ema": kind()}, stream, _use_new_zipfile_serialization=zipped)
    error = refused(stream.getvalue())
    assert "GGHead" in error.what and not isinstance(error, HostileFileError)


def test_a_cloud_of_gaussians_is_no_network(refused):
    assert "PLY file" in str(refused(b"ply\nformat binary_little_endian 1.0\n" + bytes(100)))


def test_a_code_is_sent_to_where_codes_are_loaded(refused):
    for save in (np.save, lambda stream, array: np.savez(stream, w=array)):
        stream = io.BytesIO()
        save(stream, np.zeros((1, 4, 8), np.float32))
        assert "load it as a face" in refused(stream.getvalue()).next_step


def test_names_that_only_look_alike_are_not_taken_for_them(refused):
    error = refused(pickled({"G_ema": New("ggheadset", "GGHeadModel", module_state())}))
    assert isinstance(error, HostileFileError) and "ggheadset" in error.got


def test_networks_of_ours_are_none_of_them(tmp_path):
    from sat3d.generators.official import read_network

    (tmp_path / "plain.pkl").write_bytes(Network(MICRO).pickle())
    assert read_network(tmp_path / "plain.pkl").config == MICRO
