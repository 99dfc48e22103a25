"""Codes that other programs have found: read without running anything, and made faces."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from sat3d.codes import code_of, latent_of, read_code
from sat3d.errors import FileError, HostileFileError
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
