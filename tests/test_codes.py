"""Codes that other programs have found: read without running anything, and made faces."""

import io
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from sat3d.codes import code_of, latent_of, read_code, tuned_latent_of
from sat3d.errors import FileError, HostileFileError, LayoutError
from sat3d.generators import LoadedGenerator, generator_from_tensors
from sat3d.inversion.delta import difference_of, with_delta
from sat3d.latent import load_latent
from tests.conftest import seeded, tiny_config
from tests.foreign.rosinality import saved

CODE = np.random.RandomState(0).standard_normal((1, 8, 24)).astype(np.float32)  # of the fixture triplane: 8 rows


def npy(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def npz(save=np.savez, **arrays) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


FILES = {
    "a.npy": npy(CODE),
    "columns.npy": npy(np.asfortranarray(CODE)),
    "double.npy": npy(CODE.astype(">f8")),
    "projected_w.npz": npz(w=CODE),
    "packed.npz": npz(np.savez_compressed, w=CODE),
    "other_name.npz": npz(code=CODE),
    "several.npz": npz(w=CODE, camera=np.zeros(25)),
    "0.pt": saved(torch.from_numpy(CODE).requires_grad_()),
    "old.pt": saved(torch.from_numpy(CODE), zipped=False),
    "wrapped.pt": saved({"latent": torch.from_numpy(CODE)}),
}


@pytest.mark.parametrize("name", FILES)
def test_every_form_gives_the_same_numbers(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    assert torch.equal(read_code(tmp_path / name), torch.from_numpy(CODE))


def test_half_precision_is_read(tmp_path):
    (tmp_path / "half.npy").write_bytes(npy(CODE.astype(np.float16)))
    torch.testing.assert_close(read_code(tmp_path / "half.npy"), torch.from_numpy(CODE), atol=2e-3, rtol=0)


class Evil:
    def __reduce__(self):
        return exec, ("open('HOSTILE_MARKER', 'w').close()",)


OBJECTS = npy(np.array([Evil()], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (OBJECTS, "of type O, not of floating-point"),
        (npz(w=np.array([Evil()], dtype=object)), "of type O, not of floating-point"),
        (npy(CODE)[:-48], "it is damaged"),
        (npy(CODE) + b"more", "it is damaged"),
        (npy(CODE)[:40], "header of its array is damaged"),
        (npy(CODE)[:9], "cut off"),
        (npy(CODE).replace(b"(1, 8, 24)", b"(9, 9, 99)"), "it is damaged"),
        (npy(CODE).replace(b"'<f4', 'f", b"open(), 'f"), "header of its array is damaged"),
        (npy(np.arange(6)), "not of floating-point"),
        (npy(np.zeros(3, dtype=[("a", "f4")])), "damaged, or of records"),
        (npy(np.full((1, 8, 24), np.nan, np.float32)), "NaN"),
        (npz(a=CODE, b=CODE), r"arrays a\.npy, b\.npy"),
        (npz(np.savez_compressed, w=CODE)[:-30], "not a complete zip"),
        (saved({"a": torch.zeros(1), "b": 2}), "a dict"),
        (saved([torch.zeros(1)]), "a list"),
        (b"\x89PNG", "begins with"),
        (b"", "begins with"),
    ],
    ids=range(17),
)
def test_what_is_no_code_is_refused_and_nothing_is_run(tmp_path, monkeypatch, content, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.npy").write_bytes(content)
    with pytest.raises(FileError, match=says) as caught:
        read_code(tmp_path / "code.npy")
    assert caught.value.next_step and not (tmp_path / "HOSTILE_MARKER").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_tensor_file_is_refused(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0.pt").write_bytes(saved(Evil(), zipped))
    with pytest.raises(HostileFileError, match="nothing in it was executed"):
        read_code(tmp_path / "0.pt")
    assert not (tmp_path / "HOSTILE_MARKER").exists()
    (tmp_path / "0.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(FileError):
        read_code(tmp_path / "0.pt")
    assert not (tmp_path / "HOSTILE_MARKER").exists()


def test_a_packed_array_that_would_fill_the_memory_is_not_unpacked(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", npy(CODE) + bytes(200 << 20))
    (tmp_path / "bomb.npz").write_bytes(stream.getvalue())
    assert len(stream.getvalue()) < 1 << 20
    with pytest.raises(FileError, match="it is damaged"):
        read_code(tmp_path / "bomb.npz")


def test_a_code_becomes_a_face(triplane):
    code = torch.from_numpy(CODE)
    assert torch.equal(code_of(code, triplane), code) and torch.equal(code_of(code[0], triplane), code)
    one = code[:, :1]
    for w in (one, one[0], one[0, 0]):
        assert torch.equal(code_of(w, triplane), one.expand(-1, 8, -1))
    assert code_of(code.repeat(3, 1, 1), triplane).shape == (3, 8, 24)
    latent = latent_of(code_of(code, triplane), triplane, "network", "projected")
    assert torch.equal(latent.styles, triplane.styles(code)) and latent.name == "projected"
    latent.check_layout(triplane.layout)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (torch.zeros(1, 3, 24), r"does not belong.*\[1, 3, 24\].*8 rows"),
        (torch.zeros(1, 18, 24), "does not belong"),
        (torch.zeros(1, 8, 23), "does not belong"),
        (torch.zeros(0, 8, 24), "does not belong"),
        (torch.zeros(1, 1, 8, 24), "does not belong"),
        (torch.zeros(()), "does not belong"),
        (torch.zeros(1, 25), "a camera, not a face"),
        (torch.zeros(25), "a camera, not a face"),
    ],
)
def test_codes_of_other_networks_are_refused(triplane, code, says):
    with pytest.raises(FileError, match=f"(?s){says}"):
        code_of(code, triplane)


# Networks that were tuned to a photo.


def tuned_copy(network, amount: float, only: str = ""):
    """The same network with other weights, as a tuning leaves it: the mapping as it was."""
    generator = torch.Generator().manual_seed(5)
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for name, tensor in tensors.items():
        if "mapping" not in name and "noise_const" not in name and only in name:
            tensor += amount * torch.randn(tensor.shape, generator=generator)
    return generator_from_tensors(network.config, tensors)


def loaded(network) -> LoadedGenerator:
    return LoadedGenerator(network, network.fingerprint(), {})


def test_a_tuned_network_travels_in_the_face_as_a_difference(triplane, tmp_path):
    tuned, ws = tuned_copy(triplane, 0.01), torch.from_numpy(CODE)
    latent = tuned_latent_of(ws, loaded(triplane), loaded(tuned), "me")
    assert latent.generator_fingerprint == triplane.fingerprint() != tuned.fingerprint()
    assert not any("mapping" in name or "affine" in name for name in latent.tuned)
    sizes = [sum(t.nbytes for t in tensors.values()) for tensors in (latent.tuned, tuned.state_dict())]
    assert sizes[0] < 0.55 * sizes[1]
    latent.save(tmp_path / "me.safetensors")
    again = load_latent(tmp_path / "me.safetensors", triplane.layout)
    camera = triplane.rig.label(0.2)
    shown = with_delta(triplane, again.tuned).synthesize(again.styles, camera).image
    wanted = tuned.synthesize(tuned.styles(ws), camera).image
    torch.testing.assert_close(shown, wanted, atol=1e-3 * float(wanted.abs().max()), rtol=0)
    plain = triplane.synthesize(again.styles, camera).image
    assert (plain - wanted).abs().max() > 20 * (shown - wanted).abs().max()


def test_only_what_differs_is_kept(triplane):
    tuned = tuned_copy(triplane, 0.1, "decoder.")
    latent = tuned_latent_of(torch.from_numpy(CODE), loaded(triplane), loaded(tuned))
    assert latent.tuned and all(name.startswith("decoder.") for name in latent.tuned)


def test_another_network_altogether_is_not_made_a_difference(triplane):
    """Half precision would lose too much of large differences, and exact ones are no smaller than the network."""
    other, ws = seeded(tiny_config(), seed=9), torch.from_numpy(CODE)
    assert difference_of(triplane, other) is None
    latent = tuned_latent_of(ws, loaded(triplane), loaded(other))
    assert latent.generator_fingerprint == other.fingerprint() and not latent.tuned
    assert torch.equal(latent.styles, other.styles(ws))
    assert difference_of(triplane, tuned_copy(triplane, 0.0)) == {}


def test_networks_of_two_layouts_make_no_difference(triplane):
    narrow = seeded(replace(tiny_config(), backbone=replace(tiny_config().backbone, channel_max=8)))
    with pytest.raises(LayoutError):
        tuned_latent_of(torch.from_numpy(CODE), loaded(triplane), loaded(narrow))
