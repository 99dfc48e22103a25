"""What the ComfyUI registry reads, by its specification; and what its archive must hold for the pack to work."""

import re
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SYSTEMS = {"OS Independent", "Microsoft :: Windows", "POSIX :: Linux", "MacOS"}
ACCELERATORS = {"NVIDIA CUDA", "AMD ROCm", "Intel Arc", "Apple Metal"}
# What a user of the registry's archive needs.
NEEDED = [
    "__init__.py",
    "requirements.txt",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "nodes/extension.py",
    "nodes/web/docs/LoadEG3D.md",
    "nodes/photos/portrait.jpg",
    "nodes/photos/portrait.txt",
    "locales/en/nodeDefs.json",
    "locales/zh/nodeDefs.json",
    "sat3d/assets/synthheads-256.safetensors",
    "sat3d/domains/face.json",
    "workflows/2 First edit.json",
    "workflows/2 First edit.jpg",
    "training/train_masks.py",
]


def ignored() -> list[str]:
    """The folders and files of ``.comfyignore``; only whole top-level names are used, which the test below holds."""
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_name_is_one_for_the_registry():
    name = PROJECT["project"]["name"]
    assert re.fullmatch(r"[a-z](?:[a-z0-9]|[-_.](?![-_.]))*", name) and len(name) < 100 and "comfyui" not in name
    assert re.fullmatch(r"\d+\.\d+\.\d+", PROJECT["project"]["version"]) and PROJECT["project"]["description"]


def test_the_version_is_that_of_the_changelog():
    assert PROJECT["project"]["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_a_file():
    assert (ROOT / PROJECT["project"]["license"]["file"]).is_file() and (ROOT / PROJECT["project"]["readme"]).is_file()


def test_the_registry_and_the_manager_install_the_same():
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n")
    assert PROJECT["project"]["dependencies"] == [line for line in wanted if line and not line.startswith("#")]
    assert "dynamic" not in PROJECT["project"], "the registry does not resolve it"


def test_systems_and_accelerators_are_known_ones():
    found = PROJECT["project"]["classifiers"]
    systems = {each.removeprefix("Operating System :: ") for each in found if each.startswith("Operating")}
    devices = {each.removeprefix("Environment :: GPU :: ") for each in found if each.startswith("Environment")}
    assert systems and systems <= SYSTEMS and devices and devices <= ACCELERATORS


def test_the_section_of_the_host():
    comfy = PROJECT["tool"]["comfy"]
    assert re.fullmatch(r"[a-z][a-z0-9-]+", comfy["PublisherId"]) and comfy["DisplayName"] == "SAT3D"
    assert comfy["requires-comfyui"] == ">=0.3.64"
    assert all(comfy[key].startswith("https://") for key in ("Icon", "Banner") if key in comfy)
    assert all(url.startswith("https://") for url in PROJECT["project"].get("urls", {}).values())


def test_the_archive_holds_what_users_need_and_no_tests():
    patterns = ignored()
    assert all(re.fullmatch(r"/[\w.-]+/?", pattern) for pattern in patterns)
    left_out = [pattern.strip("/") for pattern in patterns]
    assert {"tests", "out"} <= set(left_out)
    for path in NEEDED:
        assert (ROOT / path).is_file(), path
        assert Path(path).parts[0] not in left_out, path
