"""The pack loaded by path, as the host does it, with stand-ins for the host's own modules."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

from sat3d.generators.checkpoint import save_checkpoint
from tests.nodes.host_stub import make_modules

ROOT = Path(__file__).resolve().parents[2]
PACK = "sat3d_pack_by_path"


def load_pack():
    spec = importlib.util.spec_from_file_location(PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACK] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def models(tmp_path) -> Path:
    """The host's models folder."""
    return tmp_path / "models"


@pytest.fixture
def shelf(models, triplane, stylegan2) -> Path:
    """``models/eg3d`` with a tiny turnable generator, a flat one, and a file of another kind."""
    folder = models / "eg3d"
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in (("turn", triplane), ("flat", stylegan2)):
        tensors = {key: tensor.contiguous() for key, tensor in network.state_dict().items()}
        save_checkpoint(folder / f"{name}.safetensors", network.config, tensors, {"licence": "test"})
    (folder / "notes.txt").write_text("not a checkpoint")
    return folder


@pytest.fixture
def part(monkeypatch, models):
    """``part("nodes.orbit")`` -> that module of the pack, inside the stand-in host. Everything is undone afterwards."""
    before = set(sys.modules)
    for name, module in make_modules(models).items():
        monkeypatch.setitem(sys.modules, name, module)
    load_pack()
    importlib.import_module(f"{PACK}.nodes.host").register_model_folder()
    yield lambda name: importlib.import_module(f"{PACK}.{name}".rstrip("."))
    for name in set(sys.modules) - before:
        if name.split(".")[0] == PACK:
            del sys.modules[name]
