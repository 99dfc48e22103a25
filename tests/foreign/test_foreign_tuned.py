"""Weights of tuned networks beside their bases, and whole networks of torch.save."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from sat3d.errors import FileError, HostileFileError, NoBaseError
from sat3d.generators import load_generator
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.generators.official import Bases, read_network
from tests.foreign import official_pickle
from tests.foreign.official_pickle import Network, Raw, opcodes, pickled
from tests.foreign.rosinality import saved, with_notes
from tests.foreign.test_foreign_eg3d import small_config

BUFFERS = {
    "dataset_label_std": torch.ones(25),
    "backbone.synthesis.b8.conv0.resample_filter": torch.outer(*[torch.tensor([1.0, 3.0, 3.0, 1.0])] * 2) / 64,
}


def base(seed: int = 0) -> Network:
    """An EG3D network; other seeds have another mapping, and all else alike."""
    network = Network(small_config())
    network.tensors["backbone.mapping.fc0.bias"] = torch.full((8,), float(seed))
    return network


def tuned(network: Network) -> dict[str, torch.Tensor]:
    """Its tensors with other convolutions, as a module's state_dict() has them."""
    tensors = dict(network.tensors)
    tensors["backbone.synthesis.b8.conv1.weight"] = tensors["backbone.synthesis.b8.conv1.weight"] + 0.5
    return with_notes(tensors | BUFFERS)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "first.pkl").write_bytes(base(1).pickle())
    (tmp_path / "second.pkl").write_bytes(base(2).pickle())
    (tmp_path / "broken.pkl").write_bytes(base(3).pickle()[:5000])
    (tmp_path / "notes.txt").write_text("not a network")
    return tmp_path


def write(folder: Path, contents: object, zipped: bool = True, name: str = "tuned.pth") -> Path:
    (folder / name).write_bytes(saved(contents, zipped))
    return folder / name


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("key", ["G_ema", "state_dict", ""])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_base_is_found_by_its_mapping(folder, seed, key, zipped):
    weights = tuned(base(seed))
    loaded = load_generator(write(folder, {key: weights} if key else weights, zipped))
    assert loaded.metadata["base"] == {1: "first.pkl", 2: "second.pkl"}[seed]
    assert "tuned weights" in loaded.metadata["recognised"] and "base network" in loaded.metadata["licence"]
    assert loaded.network.config == small_config()
    state = loaded.network.state_dict()
    assert all(torch.equal(state[name], weights[name]) for name in weights if name not in BUFFERS)


def test_a_checkpoint_of_ours_is_a_base_too_also_in_half_precision(tmp_path):
    network = base(1)
    half = {name: tensor.half() for name, tensor in network.tensors.items()}
    save_checkpoint(tmp_path / "converted.safetensors", small_config(), half, {"licence": "mine"})
    loaded = load_generator(write(tmp_path, {"G_ema": tuned(network)}))
    assert loaded.metadata["base"] == "converted.safetensors" and loaded.metadata["licence"].endswith("mine")


def test_settings_are_those_of_the_base(tmp_path):
    network = base(1)
    network.states[""]["rendering_kwargs"]["ray_start"] = 2.35
    (tmp_path / "base.pkl").write_bytes(network.pickle())
    assert load_generator(write(tmp_path, {"G_ema": tuned(network)})).network.config.rendering.ray_start == 2.35


def test_without_its_base_one_is_asked_for_and_told_what_was_looked_at(folder):
    with pytest.raises(NoBaseError, match="weights without the network they belong to") as caught:
        load_generator(write(folder, {"G_ema": tuned(base(7))}))
    said = str(caught.value)
    assert "first.pkl: another network" in said and "second.pkl: another network" in said and "broken.pkl: " in said
    assert "same folder" in caught.value.next_step and "choose it as the base" in caught.value.next_step


def test_a_chosen_base_needs_only_the_same_shapes(folder):
    path = write(folder, {"G_ema": tuned(base(7))})
    loaded = load_generator(path, base=folder / "first.pkl")
    assert "mapping network is another" in loaded.metadata["recognised"]
    same = load_generator(write(folder, {"G_ema": tuned(base(1))}), base=folder / "first.pkl")
    assert "mapping" not in same.metadata["recognised"]
    other = Network(small_config("8X"), "8X")
    (folder / "other.pkl").write_bytes(other.pickle())
    with pytest.raises(NoBaseError, match=r"another base.*other\.pkl.*block0\.conv0\.noise_const has shape") as caught:
        load_generator(path, base=folder / "other.pkl")
    assert "choose it as the base" in caught.value.next_step


def test_damaged_weights_of_the_chosen_base_are_not_taken_for_those_of_another(folder):
    weights = tuned(base(1))
    del weights["superresolution.block1.conv1.weight"]
    with pytest.raises(FileError, match=r"block1\.conv1\.weight is missing") as caught:
        load_generator(write(folder, {"G_ema": weights}), base=folder / "first.pkl")
    assert not isinstance(caught.value, NoBaseError)


def test_bases_of_other_folders_are_asked_too(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = write(elsewhere, {"G_ema": tuned(base(1))})
    with pytest.raises(FileError, match="weights without"):
        load_generator(path)
    assert load_generator(path, others=folder.glob("*.pkl")).metadata["base"] == "first.pkl"


def _without(name: str):
    return lambda weights: weights.pop(name)


def _with(name: str, value: torch.Tensor):
    return lambda weights: weights.update({name: value})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_without("superresolution.block1.conv1.weight"), r"superresolution\.block1\.conv1\.weight is missing"),
        (_with("backbone.synthesis.b8.conv1.weight", torch.zeros(5, 4, 3, 3)), r"b8\.conv1\.weight has shape \[5, 4"),
        (_with("surprise", torch.zeros(1)), "surprise is unexpected"),
        (_with("decoder.net.0.bias", torch.full((16,), torch.inf)), "not finite.*decoder.net.0.bias"),
        (_with("backbone.synthesis.b8.conv0.resample_filter", torch.ones(4, 4)), "another filter"),
        (_without("backbone.mapping.w_avg"), "weights without the network they belong to"),
    ],
    ids=range(6),
)
def test_what_does_not_fit_the_base_is_named(folder, change, says):
    weights = tuned(base(1))
    change(weights)
    with pytest.raises(FileError, match=f"(?s){says}"):
        load_generator(write(folder, {"G_ema": weights}))


class Evil:
    def __reduce__(self):
        return exec, ("open('HOSTILE_MARKER', 'w').close()",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_the_notes_of_a_state_dict_is_refused(refused, zipped):
    weights = tuned(base(1))
    weights._metadata["x"] = Evil()
    error = refused(saved({"G_ema": weights}, zipped))
    assert isinstance(error, HostileFileError) and "nothing in it was executed" in str(error)


# Whole networks.


def module_file(network: Network) -> bytes:
    """A zip archive as PTI writes it: the network's own pickle, tensors beside it."""
    stream = io.BytesIO()
    tensors: list[torch.Tensor] = []

    def reference(tensor: torch.Tensor) -> bytes:
        tensors.append(tensor.float().contiguous())
        key = str(len(tensors) - 1)
        kind = b"ctorch\nFloatStorage\n"
        storage = b"(" + opcodes("storage") + kind + opcodes(key) + opcodes("cuda:0") + opcodes(tensor.numel()) + b"tQ"
        size, stride = tuple(tensor.shape), tuple(tensor.contiguous().stride())
        hooks = b"ccollections\nOrderedDict\n)R"
        view = b"(" + storage + opcodes(0) + opcodes(size) + opcodes(stride) + opcodes(True) + hooks + b"t"
        return b"ctorch._utils\n_rebuild_tensor_v2\n" + view + b"R"

    kept = official_pickle._SCALARS[torch.Tensor]
    official_pickle._SCALARS[torch.Tensor] = reference
    try:
        program = pickled(network.value(), 2)
    finally:
        official_pickle._SCALARS[torch.Tensor] = kept
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", program)
        archive.writestr("model/version", "3\n")
        for key, tensor in enumerate(tensors):
            archive.writestr(f"model/data/{key}", tensor.numpy().tobytes())
    return stream.getvalue()


def test_a_whole_network_of_torch_save_is_read_as_data(refusal, tmp_path):
    network = base(4)
    (tmp_path / "model.pt").write_bytes(module_file(network))
    with refusal.watch:
        got = read_network(tmp_path / "model.pt")
    assert refusal.watch.seen == [] and got.config == small_config()
    assert all(torch.equal(got.tensors[name], value) for name, value in network.tensors.items())


def test_such_a_network_is_a_base_too(tmp_path):
    (tmp_path / "model.pt").write_bytes(module_file(base(4)))
    assert load_generator(write(tmp_path, {"G_ema": tuned(base(4))})).metadata["base"] == "model.pt"


def test_numpy_numbers_of_protocol_2_are_read(tmp_path):
    """Bytes are written as text there; gains of layers are such numbers."""
    scalar = pickle.dumps(np.float64(2**0.5), 2)[2:-1]
    network = base(4)
    network.states["backbone.synthesis.b8.conv1"] = {"act_gain": Raw(scalar)}
    (tmp_path / "model.pkl").write_bytes(network.pickle())
    assert read_network(tmp_path / "model.pkl").config == small_config()
    wrong = pickle.dumps(np.float64(2.0), 2)[2:-1]
    network.states["backbone.synthesis.b8.conv1"] = {"act_gain": Raw(wrong)}
    (tmp_path / "model.pkl").write_bytes(network.pickle())
    with pytest.raises(FileError, match=r"b8\.conv1\.act_gain is 2\.0 instead of 1\.41"):
        read_network(tmp_path / "model.pkl")


def test_code_in_a_whole_network_is_refused(refused):
    program = module_file(base(4)).replace(b"ccollections\nOrderedDict\n", b"cposix\nsystem           \n", 1)
    error = refused(program)
    assert isinstance(error, HostileFileError)


def test_bases_are_looked_for_where_they_are(folder):
    path = write(folder, {"G_ema": tuned(base(2))})
    assert read_network(path, bases=Bases((folder / "second.pkl",))).notes["base"] == "second.pkl"
    with pytest.raises(FileError, match="without the network"):
        read_network(path)
