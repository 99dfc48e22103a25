"""The page is driven only where ``COMFYUI_DIR`` names a tree of ComfyUI; else nothing here is collected.

``COMFYUI_PYTHON`` is the Python that runs it (its requirements and playwright installed; else that of a ``venv`` or
``.venv`` in the tree), ``CHROMIUM`` the browser (else ``chromium`` or ``google-chrome``).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOST = os.environ.get("COMFYUI_DIR")
collect_ignore = [] if HOST else ["test_page.py"]
_LONGEST_S = 900


def python_of(host: Path) -> str:
    places = [host / venv / place for venv in ("venv", ".venv") for place in ("bin/python", "Scripts/python.exe")]
    return os.environ.get("COMFYUI_PYTHON") or next((str(place) for place in places if place.is_file()), "python3")


@pytest.fixture(scope="session")
def seen(tmp_path_factory) -> dict:
    """What ``drive.py`` saw in the page, of all templates and of the studio."""
    host, folder = Path(HOST).resolve(), tmp_path_factory.mktemp("page")
    report = folder / "report.json"
    command = [python_of(host), str(ROOT / "tests/page/drive.py"), str(host), str(ROOT), str(folder), str(report)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S)
    assert report.is_file(), f"{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    return json.loads(report.read_text(encoding="utf-8"))
