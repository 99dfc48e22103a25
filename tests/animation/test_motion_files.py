"""Motions as files, of this project and of others; hostile ones."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from sat3d.animation.coefficients import load_coefficients
from sat3d.animation.motion_files import load_motion, save_motion
from sat3d.errors import ConfigError, FileError, NameTakenError

from .motions import NAMES, speaking

MOTION = replace(speaking(), starts=(7,), missing=torch.arange(50) == 12)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_motion_comes_back_bit_for_bit(tmp_path, suffix):
    save_motion(MOTION, tmp_path / f"m{suffix}")
    found = load_motion(tmp_path / f"m{suffix}")
    for part in ("values", "gaze_rad", "pose_rad", "missing"):
        assert torch.equal(getattr(found, part), getattr(MOTION, part)), part
    assert (found.names, found.fps, found.starts, found.name) == (NAMES, 25.0, (7,), "speaking")


def test_nothing_is_overwritten_and_other_suffixes_are_refused(tmp_path):
    save_motion(MOTION, tmp_path / "m.npz")
    with pytest.raises(NameTakenError):
        save_motion(MOTION, tmp_path / "m.npz", overwrite=False)
    with pytest.raises(ConfigError, match="suffix"):
        save_motion(MOTION, tmp_path / "m.pkl")


def written(tmp_path, **changes) -> dict:
    save_motion(MOTION, tmp_path / "m.json")
    return {**json.loads((tmp_path / "m.json").read_text()), **changes}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": "other/1"}, "schema"),
        ({"names": "jawOpen"}, "no list of names"),
        ({"names": [["jawOpen"]] * 6}, "usable names"),
        ({"fps": "25"}, "no fps"),
        ({"fps": -1}, "speed"),
        ({"fps": 10**400}, "no motion"),
        ({"values": [[0.1], [0.2, 0.3]]}, "no table"),
        ({"values": [["0.1"]]}, "no table"),
        ({"values": [[True] * 6] * 50}, "no table"),
        ({"values": [[10**400] * 6] * 50}, "huge"),
        ({"values": [[1e30] * 6] * 50}, "not usable"),
        ({"values": []}, "no frame|shape|table"),
        ({"values": None}, "no table"),
        ({"pose_rad": [[0, 0, 0]]}, "do not pair"),
        ({"missing": [50]}, "no list of frames"),
        ({"missing": [0.5]}, "no list of frames"),
        ({"starts": {"a": 1}}, "no list of frames"),
    ],
    ids=range(17),
)
def test_a_damaged_json_is_refused_in_words(tmp_path, changes, says):
    (tmp_path / "bad.json").write_text(json.dumps(written(tmp_path, **changes)))
    with pytest.raises(FileError, match=says) as caught:
        load_motion(tmp_path / "bad.json")
    assert caught.value.next_step


@pytest.mark.parametrize(
    "text", [b"", b"[1]", b"{", b'{"values": NaN}', b"[" * 100_000, b"\xff\xfe", b"\x80\x04K\x01."]
)
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "bad.json").write_bytes(text)
    with pytest.raises(FileError, match="no motion of a face"):
        load_motion(tmp_path / "bad.json")


class Evil:
    def __reduce__(self):
        return exec, ("open('HOSTILE_MARKER', 'w').close()",)


def test_a_pickle_in_an_npz_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "bad.npz", values=np.array([Evil()], dtype=object))
    with pytest.raises(FileError, match="of type O"):
        load_motion(tmp_path / "bad.npz")
    assert not (tmp_path / "HOSTILE_MARKER").exists()


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("sat3d.animation.motion_files.MOST_BYTES", 10_000)
    np.savez_compressed(tmp_path / "bomb.npz", values=np.zeros(100_000, np.float32))
    with pytest.raises(FileError, match="no motion of a face"):
        load_motion(tmp_path / "bomb.npz")


def test_a_truncated_archive_and_one_without_arrays_are_refused(tmp_path):
    save_motion(MOTION, tmp_path / "m.npz")
    data = (tmp_path / "m.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[: len(data) // 2])
    with zipfile.ZipFile(tmp_path / "none.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    for name in ("cut.npz", "none.npz"):
        with pytest.raises(FileError, match="no motion of a face"):
            load_motion(tmp_path / name)


# -- coefficients of other programs

MAP = {
    "schema": "sat3d-motion-map/1",
    "fps": 30,
    "channels": {
        "jawOpen": {"terms": {"pose[3]": 2.0}},
        "mouthSmileLeft": {"bias": 0.25, "terms": {"expression[0]": 0.5, "expression[1]": -1}},
        "browInnerUp": {"bias": 0.5},
    },
    "angles": {"yaw_rad": {"terms": {"pose[1]": -1}}},
}


def coefficients(tmp_path, rules=MAP, **arrays):
    arrays = {"expression": np.arange(8.0).reshape(4, 2) / 10, "pose": np.full((4, 6), 0.1), **arrays}
    np.savez(tmp_path / "flame.npz", **arrays)
    (tmp_path / "map.json").write_text(json.dumps(rules))
    return load_coefficients(tmp_path / "flame.npz", tmp_path / "map.json")


def test_a_map_makes_movements_of_coefficients(tmp_path):
    motion = coefficients(tmp_path)
    assert motion.names == ("jawOpen", "mouthSmileLeft", "browInnerUp") and motion.fps == 30 and len(motion) == 4
    wanted = torch.tensor([[0.2, 0.25 + 0.5 * 0.2 * i - (0.2 * i + 0.1), 0.5] for i in range(4)])
    torch.testing.assert_close(motion.values, wanted)
    torch.testing.assert_close(motion.pose_rad, torch.tensor([[-0.1, 0.0, 0.0]]).expand(4, 3))
    assert not motion.gaze_rad.any()


def test_the_same_from_json(tmp_path):
    wanted = coefficients(tmp_path)
    arrays = {"expression": (np.arange(8.0).reshape(4, 2) / 10).tolist(), "pose": np.full((4, 6), 0.1).tolist()}
    (tmp_path / "flame.json").write_text(json.dumps(arrays))
    found = load_coefficients(tmp_path / "flame.json", tmp_path / "map.json")
    assert torch.equal(found.values, wanted.values)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"schema": "no"}, "map of coefficients"),
        ({"fps": None}, "map of coefficients"),
        ({"channels": {}}, "map of coefficients"),
        ({"channels": {"jawOpen": {"terms": {"pose": 1}}}}, "map of coefficients"),
        ({"channels": {"jawOpen": {"terms": {"pose[0]": "1"}}}}, "map of coefficients"),
        ({"channels": {"jawOpen": [1]}}, "map of coefficients"),
        ({"angles": {"jaw_rad": {}}}, "map of coefficients"),
        ({"channels": {"jawOpen": {"terms": {"pose[6]": 1}}}}, "no such coefficients"),
        ({"channels": {"jawOpen": {"terms": {"shape[0]": 1}}}}, "no such coefficients"),
        ({"channels": {"jawOpen": {"terms": {"expression[0]": 1e6, "pose[0]": 1}}}}, "no motion"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tmp_path, rules, says):
    with pytest.raises(FileError, match=says):
        coefficients(tmp_path, {**MAP, **rules}, expression=np.full((4, 2), 100.0))


def test_arrays_of_different_lengths_are_refused(tmp_path):
    with pytest.raises(FileError, match="no such coefficients"):
        coefficients(tmp_path, pose=np.zeros((3, 6)))
