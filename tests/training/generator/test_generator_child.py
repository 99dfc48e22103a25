"""Children: what may learn, codes, a short training that keeps the style space, and its exact resumption."""

import pytest
import torch

from sat3d.files.network_files import save_network
from sat3d.generators import load_generator
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.generators.child import read_child
from sat3d.generators.differences import makes_styles
from sat3d.generators.kinship import same_style_makers
from sat3d.inversion.encoder import KIND as ENCODER
from tests.training.generator.runs import CPU, assert_same_files, options_of
from tests.training.tiny_generators import random_network
from training.generator import command
from training.generator.child import may_learn, natural_pictures
from training.generator.networks import first_networks


@pytest.fixture(scope="module")
def family(tiny, tmp_path_factory):
    """A tiny parent for pictures of 32 pixels, and its encoder."""
    folder = tmp_path_factory.mktemp("family")
    parent = random_network(tiny.network)
    tensors = {name: tensor.contiguous() for name, tensor in parent.state_dict().items()}
    save_checkpoint(folder / "parent.safetensors", parent.config, tensors, {"licence": "test"})
    networks = first_networks(tiny, torch.randn(20, tiny.network.backbone.w_dim), 0, CPU)
    save_network(folder / "encoder.safetensors", ENCODER, networks.mean_encoder)
    return folder


def train(family, data, out, *more) -> int:
    given = ["--child-of", str(family / "parent.safetensors"), "--child-encoder", str(family / "encoder.safetensors")]
    return command.run(options_of(data, out, *given, "--free-from", "16", "--child-patch", "12", *more))


def test_what_may_learn():
    free = {
        "backbone.synthesis.b64.conv0.weight": True,
        "backbone.synthesis.b32.conv0.weight": False,
        "backbone.synthesis.b32.torgb.weight": True,
        "backbone.synthesis.b64.conv0.affine.weight": False,
        "backbone.synthesis.b64.conv0.noise_strength": False,
        "backbone.mapping.fc0.weight": False,
        "decoder.net.0.weight": True,
        "superresolution.block0.conv0.weight": True,
        "superresolution.block0.conv0.affine.bias": False,
    }
    assert {name: may_learn(name, 64) for name in free} == free


def test_natural_pictures_are_the_datas_own_where_that_is_its_look(data, pack):
    pictures = list(natural_pictures([data], pack.size))
    assert len(pictures) == len(pack)
    assert torch.allclose(pictures[3], pack.pictures(torch.tensor([3]))[0], atol=1e-5)


def test_a_child_learns_and_keeps_its_parents_style_space(family, data, tmp_path):
    assert train(family, data, tmp_path / "out", "--steps", "6") == 0
    path, parent = tmp_path / "out" / "child.safetensors", load_generator(family / "parent.safetensors")
    child = load_generator(path, base=family / "parent.safetensors")
    assert same_style_makers(parent.network, child.network) and child.fingerprint != parent.fingerprint
    assert child.parent_fingerprint == parent.fingerprint and child.metadata["parent"] == "parent.safetensors"
    names = set(read_child(path).differences)
    assert names and all(may_learn(name, 16) and not makes_styles(name) for name in names)
    assert path.stat().st_size < (family / "parent.safetensors").stat().st_size
    assert train(family, data, tmp_path / "half", "--steps", "6", "--stop-after-steps", "3") == 0
    assert train(family, data, tmp_path / "half", "--steps", "6", "--resume") == 0
    assert_same_files(path, tmp_path / "half" / "child.safetensors")
