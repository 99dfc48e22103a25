"""The check of a device and the table of growth, at small size on the CPU."""

import json

import torch

from sat3d.generators import RenderOptions
from tests.conftest import seeded, tiny_config
from training import device_check
from training.common.growth import growth_cases, threads


def test_the_small_check_says_everything(tmp_path):
    rows = device_check.check_device("small", "cpu")
    assert rows["difference float32"] == 0 and rows["difference fast"] < 0.02
    for name in ("views a second exact", "views a second fast", "W+ steps a second", "PTI steps a second"):
        assert rows[name] > 0
    assert device_check.failures(rows) == []
    assert device_check.failures({**rows, "difference float32": float("nan")}) == ["float32"]
    assert "| W+ steps a second |" in device_check.format_rows(rows) and json.dumps(rows)


def test_growth_has_a_case_for_each_direction():
    network = seeded(tiny_config())
    with torch.no_grad():
        cases = growth_cases(network, RenderOptions(), 2)
        names = [name for name, *_ in cases]
        assert names == ["1 views", "4 views", "12 views", "4 faces", "8² rays", "16² rays", "32² rays",
                         "0.5 of the samples", "1 of the samples", "1 threads", "2 threads"]  # fmt: skip
        for run in cases[0][1:]:
            run()


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
