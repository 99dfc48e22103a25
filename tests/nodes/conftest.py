"""The pack loaded by path, as the host does it, with stand-ins for the host's own modules."""

import importlib
import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from sat3d.generators.checkpoint import save_checkpoint
from tests.nodes.host_stub import make_modules, run

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
    with hosted_pack(monkeypatch, models) as part:
        yield part


@contextmanager
def hosted_pack(monkeypatch, models):
    """See the fixture ``part``."""
    before = set(sys.modules)
    for name, module in make_modules(models).items():
        monkeypatch.setitem(sys.modules, name, module)
    load_pack()
    importlib.import_module(f"{PACK}.nodes.extension").register_model_folders()
    yield lambda name: importlib.import_module(f"{PACK}.{name}".rstrip("."))
    for name in set(sys.modules) - before:
        if name.split(".")[0] == PACK:
            del sys.modules[name]


ORBIT = {
    "path": "orbit",
    "frames": 3,
    "yaw_deg": 20.0,
    "pitch_deg": 5.0,
    "fov_deg": 0.0,
    "neural_resolution": 0,
    "fps": 8,
}


@pytest.fixture
def graph(part, shelf):
    """``load``, ``sample`` and ``render`` as the host would call them."""

    def load(name="turn.safetensors"):
        return run(part("nodes.load").LoadEG3D, checkpoint=name)

    def sample(model, **changes):
        return run(
            part("nodes.sample").SAT3DSampleFace,
            **{"model": model, "seed": 3, "truncation": 0.7, "batch_size": 1, **changes},
        )[0]

    def render(model, latent, **changes):
        return run(part("nodes.orbit").RenderOrbit, model=model, latent=latent, **{**ORBIT, **changes})

    return SimpleNamespace(load=load, sample=sample, render=render, errors=part("sat3d.errors"))


@pytest.fixture
def assets(part, tmp_path, monkeypatch) -> Path:
    """A folder in place of the pack's own weights, empty."""
    folder = tmp_path / "assets"
    folder.mkdir()
    monkeypatch.setattr(part("nodes.library"), "ASSETS", folder)
    return folder
