"""The shape of the project: who may import whom, files, weights."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "sat3d": {"nodes", "training", "comfy", "comfy_api", "folder_paths", "tests"},
    "nodes": {"training", "tests"},
    "training": {"nodes", "tests", "comfy", "comfy_api"},
}


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names a file imports; relative imports are resolved to the folder they reach."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            names.add((*base, *(node.module or "").split("."))[0] or (node.names[0].name if node.level else ""))
    return names


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_imports_go_one_way(folder):
    files = python_files(folder)
    assert files
    assert not [f"{path.relative_to(ROOT)}: {bad}" for path in files if (bad := imported(path) & FORBIDDEN[folder])]


@pytest.mark.parametrize("folder", ["sat3d", "nodes"])
def test_the_pack_imports_itself_relatively(folder):
    """The host loads the pack by path, where an absolute ``import sat3d`` finds nothing."""
    wrong = [
        str(path)
        for path in python_files(folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and not node.level
        and (node.module or "").split(".")[0] in ("sat3d", "nodes")
    ]
    assert not wrong


def test_nothing_executes_foreign_content():
    pattern = re.compile(
        r"pickle\.loads?\(|torch\.load\(|weights_only=False|(?<![\w.])(eval|exec)\(|os\.system\(|shell=True"
    )
    found = [
        f"{path.relative_to(ROOT)}:{i}"
        for folder in ("sat3d", "nodes", "training")
        for path in python_files(folder)
        for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line) and "re.compile" not in line and not line.lstrip().startswith(("#", 'r"', 'rb"', 'br"'))
    ]
    assert not found


# What writes by itself, and why that is no result of a user's that could be lost or left half-made.
WRITERS = {
    "sat3d/files/writing.py": "the one place",
    "nodes/model_folders.py": "an empty folder, and no harm if not",
    "nodes/inversion_cache.py": "an empty folder, and no harm if not",
    "training/tools/fuzz_foreign.py": "a temporary folder",
    "training/masks/command.py": "an empty file, whose name tells other processes that a step is done",
    "training/common/timing.py": "a switch of the kernel's",
    "training/synth/views.py": "the null device",
    "training/synth/render_command.py": "an empty folder, translated there",
    "training/synth/shards.py": "into a path that files.py gave",
}
WRITES = re.compile(
    r"\.(write_text|write_bytes|mkdir|touch)\(|open\([^)]*[\"'][wax]b?[\"']|os\.(link|rename|replace)\("
)


def test_results_are_written_in_one_place():
    """Where a full disk gets its words, and what was there is kept until the new file is complete."""
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("sat3d", "nodes", "training")
        for path in python_files(folder)
        if any(WRITES.search(line) for line in path.read_text(encoding="utf-8").splitlines())
    }
    assert found == WRITERS.keys()


def test_the_core_and_the_nodes_name_no_options_of_scripts():
    """What is said in a node must help there; a whole command line, with the script's name, does."""
    option = re.compile(r"(?<![\w-])--[a-z]")
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for folder in ("sat3d", "nodes")
        for path in python_files(folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if option.search(node.value) and ".py" not in node.value
    ]
    assert not wrong


def test_the_host_finds_workflows_and_no_example_folder():
    assert (ROOT / "workflows").is_dir() and not [p for p in ROOT.iterdir() if p.name.startswith("example")]


def test_sizes_stay_small():
    golden = sum(p.stat().st_size for p in (ROOT / "tests" / "golden").rglob("*") if p.is_file())
    assets = sum(p.stat().st_size for p in (ROOT / "sat3d").rglob("*.safetensors"))
    assert golden <= 12 * 2**20 and assets <= 48 * 2**20


def test_requirements_leave_torch_to_the_host():
    lines = (ROOT / "requirements.txt").read_text().split()
    assert "torch" in lines and not [
        line for line in lines if line.startswith("torch") and line.strip("torchvisaud") not in ("", line)
    ]
