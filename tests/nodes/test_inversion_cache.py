"""Inversions that are kept: found again by the same pictures and settings alone, bounded, and never in the way."""

import os
from dataclasses import replace

import pytest
import torch

from tests.nodes.host_stub import run


@pytest.fixture
def cache(part):
    return part("nodes.inversion_cache")


@pytest.fixture
def counted(part, monkeypatch):
    """The node, quick; and how often it has really inverted."""
    module, options = part("nodes.invert"), part("sat3d.inversion").InversionOptions
    monkeypatch.setattr(
        module, "InversionOptions", lambda *given: options(*given, low_resolution=8, full_resolution=16)
    )
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: None)
    monkeypatch.setattr(part("nodes.built_in_networks"), "reader", lambda: None)
    runs, really = [], module.run

    def run_really(tools, work, report):
        runs.append(work.method)
        return really(tools, work, report)

    monkeypatch.setattr(module, "run", run_really)

    def invert(model, image, method="W", steps=2, seed=0, **more):
        return run(module.InvertImage, model=model, image=image, method=method, steps=steps, seed=seed, **more)

    return invert, runs


@pytest.fixture
def picture(graph):
    model = graph.load()[0]
    return graph.render(model, graph.sample(model, seed=5), path="still", frames=1, yaw_deg=0.0, pitch_deg=0.0)[0]


@pytest.mark.parametrize("method", ["W", "tune"])
def test_the_same_is_not_inverted_again(graph, counted, picture, method):
    (invert, runs), model = counted, graph.load()[0]
    first, preview, info = invert(model, picture, method)
    again, seen, told = invert(graph.load()[0], picture.clone(), method)  # as after a restart
    assert len(runs) == 1 and told.startswith(info) and "found before" in told and "found before" not in info
    torch.testing.assert_close(again.styles, first.styles, atol=0, rtol=0)
    torch.testing.assert_close(again.camera, first.camera, atol=0, rtol=0)
    assert set(again.tuned) == set(first.tuned) and not again.styles.is_inference()
    torch.testing.assert_close(seen, preview, atol=2e-3, rtol=0)
    graph.render(model, again)


def test_anything_else_is(graph, counted, picture):
    (invert, runs), model = counted, graph.load()[0]
    mask = torch.zeros(1, *picture.shape[1:3])
    mask[:, :4] = 1
    for more in ({}, {"steps": 3}, {"seed": 1}, {"method": "W+"}, {"ignore": mask}, {"frames": "video"}):
        invert(model, picture, **more)
    changed = picture.clone()
    changed[0, 0, 0, 0] += 0.01
    invert(model, changed)
    assert len(runs) == 7


def test_a_damaged_file_is_made_anew(graph, counted, picture, cache):
    (invert, runs), model = counted, graph.load()[0]
    invert(model, picture)
    (file,) = cache.folder().iterdir()
    file.write_bytes(b"rubbish")
    invert(model, picture)
    invert(model, picture)
    assert len(runs) == 2


def test_a_folder_that_cannot_be_made_is_no_error(graph, counted, picture, cache):
    cache.folder().parent.parent.mkdir(parents=True, exist_ok=True)
    cache.folder().parent.write_text("in the way")
    invert, _ = counted
    assert "dB" in invert(graph.load()[0], picture)[2]


def test_the_oldest_go_and_those_in_use_stay(graph, cache, monkeypatch):
    monkeypatch.setattr(cache, "MOST_FILES", 2)
    face = graph.sample(graph.load()[0])
    for i, key in enumerate("abc"):
        cache.keep(key, replace(face, name=key), [key])
        for path in cache.folder().glob(f"{key}.*"):
            os.utime(path, (i, i))
        if key == "b":
            assert cache.find("a")[1] == ["a"]  # used: now the youngest
    assert {path.stem for path in cache.folder().iterdir()} == {"a", "c"} or cache.find("b") is None
    assert cache.find("a")[0].name == "a"
    monkeypatch.setattr(cache, "MOST_BYTES", 10)
    cache.keep("d", face, [])
    assert not list(cache.folder().iterdir())
