"""Errors: what a console and a page show of them, and their short names."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from sat3d import errors

ROOT = Path(__file__).resolve().parents[1]
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Sat3dError)]


def test_a_console_gets_one_line():
    assert str(errors.FileError("What", 1, "2.", "go.")) == "What. Got: 1. Wanted: 2. Next step: go."


def test_a_page_gets_the_sentence_then_what_helps(monkeypatch):
    monkeypatch.setattr(errors.Sat3dError, "on_lines", True)
    assert str(errors.FileError("What.", 1, None, "go")) == "What.\nNext step: go.\nGot: 1."
    assert str(errors.FileError("What")) == "What."


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_outlives_the_way_to_another_process(kind):
    assert str(pickle.loads(pickle.dumps(kind("What", 1)))).startswith("What. Got: 1.")


def test_a_package_loaded_by_its_path_names_its_errors_shortly():
    """As a host loads packs: the module's name is a path, the error's name is not."""
    code = (
        "import importlib.util, sys\n"
        "name = '/home/somebody/custom_nodes/pack.sat3d.errors'\n"
        "spec = importlib.util.spec_from_file_location(name, sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); sys.modules[name] = module\n"
        "spec.loader.exec_module(module)\n"
        "kinds = [k for k in vars(module).values() if isinstance(k, type) and issubclass(k, Exception)]\n"
        "print({k.__module__ for k in kinds}, len(kinds))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "sat3d/errors.py")], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"{{'sat3d.errors'}} {len(KINDS)}"
