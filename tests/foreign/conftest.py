"""The check that a hostile file is refused, ready in a folder of its own."""

import pytest

from tests.foreign.refusal import Refusal


@pytest.fixture(scope="module")
def refusal():
    return Refusal()


@pytest.fixture
def refused(refusal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refusal.folder = tmp_path
    return refusal
