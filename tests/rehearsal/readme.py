"""What the README tells a user of an official checkpoint to type, taken from the README itself."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.rehearsal.official_files import CLIP

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONAL = re.compile(r"\s*\[[^\]]*\]")
_DEMO = re.compile(r"Try `(training/demo\.py)[^`]*`, or another network: `([^`]*)`")


def command(script: str) -> list[str]:
    """The words after ``python`` of the only line that gives ``script`` an official checkpoint; what is in brackets is
    left out, and ``FILE`` has a name."""
    lines = [line for _, block in _BLOCK.findall(README) for line in block.splitlines()]
    (line,) = [line for line in lines if line.startswith(f"python training/{script} ") and "ffhq512-128.pkl" in line]
    words = shlex.split(_OPTIONAL.sub("", line))[1:]
    return [CLIP if word == "FILE" else word for word in words]


def demo_command() -> list[str]:
    """As :func:`command`, of the sentence about the demo."""
    found = _DEMO.search(README)
    assert found, "the README shows the demo with another network"
    return [found[1], *shlex.split(found[2])]


def python_example() -> str:
    """The lines for researchers."""
    (example,) = [block for language, block in _BLOCK.findall(README) if language == "python"]
    return example
