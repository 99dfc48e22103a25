"""Curves of trainings: what is read of a log, and where its points are drawn."""

import json

import numpy as np
import pytest

from sat3d.errors import FileError
from training.curves import draw, read_log


def write_log(path, values):
    rows = [{"step": step, "seconds": 1.0, "losses": {"ref": value, "src": 1.0}} for step, value in values]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_log_is_read_and_a_step_done_twice_counts_once(tmp_path):
    log = write_log(tmp_path / "m.progress.jsonl", [(1, 4.0), (5, 2.0), (3, 3.0), (5, 1.0)])
    assert read_log(str(log)) == ("m", {"ref": [(1, 4.0), (3, 3.0), (5, 1.0)], "src": [(1, 1.0), (3, 1.0), (5, 1.0)]})
    assert read_log(f"paper={log}")[0] == "paper"
    for text in ("", "{}\n", "[1]\n", '{"step": 1, "losses": {"ref": "x"}}\n', "\x00", "[" * 100_000):
        log.write_text(text, encoding="utf-8")
        with pytest.raises(FileError, match="Not a log"):
            read_log(str(log))
    with pytest.raises(FileError, match="Not a log"):
        read_log(str(tmp_path / "missing"))


def test_a_falling_loss_falls_in_the_picture():
    falling, rising = [(0, 1.0), (10, 0.0)], [(0, 0.0), (10, 1.0)]
    picture = np.asarray(draw({"a": {"ref": falling}, "b": {"ref": rising}}))[:250]
    blue = np.argwhere((picture == (0, 114, 178)).all(-1))
    left, right = blue[blue[:, 1].argmin()], blue[blue[:, 1].argmax()]
    assert left[0] + 150 < right[0] and left[1] + 250 < right[1]  # from the upper left to the lower right
    orange = np.argwhere((picture == (213, 94, 0)).all(-1))
    assert orange[orange[:, 1].argmin()][0] > orange[orange[:, 1].argmax()][0] + 150
