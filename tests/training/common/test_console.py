"""What all scripts do alike: print on any console, end with one line and a code of their own, whatever happens."""

import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training.common.console import allow_all_characters, script
from sat3d.errors import FileError
from training import convert_checkpoint

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "training").rglob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
)


class Console:
    """A stdout and a stderr that take the characters of one encoding."""

    def __init__(self, monkeypatch, encoding: str, errors: str = "strict"):
        self.encoding = encoding
        self.streams = [io.TextIOWrapper(io.BytesIO(), encoding, errors) for _ in range(2)]
        for name, stream in zip(("stdout", "stderr"), self.streams, strict=True):
            monkeypatch.setattr(sys, name, stream)

    @property
    def out(self) -> str:
        return self._text(self.streams[0])

    @property
    def err(self) -> str:
        return self._text(self.streams[1])

    def _text(self, stream) -> str:
        stream.flush()
        return stream.buffer.getvalue().decode(self.encoding).replace(os.linesep, "\n")


def test_all_scripts_are_found():
    wanted = {"training.demo", "training.synthheads.__main__", "training.tools.weights"}
    assert len(SCRIPTS) >= 18 and wanted <= set(SCRIPTS)


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1251", "cp1253", "utf-8"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_printed_on_every_console(monkeypatch, name, encoding):
    main = importlib.import_module(name).main
    console = Console(monkeypatch, encoding)
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0 and "usage:" in console.out and console.err == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_the_common_entry(name):
    assert hasattr(importlib.import_module(name).main, "__wrapped__")


def test_what_an_encoding_lacks_is_typed_or_escaped(monkeypatch):
    console = Console(monkeypatch, "ascii")
    allow_all_characters()
    print("512×512 … 3 – 4 ひ \udcff café")
    assert console.out == "512x512 ... 3 - 4 \\u3072 \\udcff caf\\xe9\n"


def test_what_an_encoding_has_stays(monkeypatch):
    for encoding, text in (("cp437", "café ²"), ("cp1251", "Лицо …"), ("utf-8", "512×512 … ひ")):
        console = Console(monkeypatch, encoding)
        allow_all_characters()
        print(text)
        assert console.out == text + "\n"


def test_what_a_user_has_chosen_stays(monkeypatch):
    console = Console(monkeypatch, "ascii", "xmlcharrefreplace")
    allow_all_characters()
    print("×")
    assert console.out == "&#215;\n"


def test_streams_that_are_none(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    @script()
    def main(arguments):
        print("nobody hears this")
        return 0

    assert main() == 0


@pytest.mark.parametrize(
    ("stop", "code", "says"),
    [
        (FileError("The × is full", "a"), 2, "error: The x is full. Got: a.\n"),
        (OSError(28, "No space left"), 2, "error: [Errno 28] No space left\n"),
        (KeyboardInterrupt(), 130, "enough\n"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_ends_have_their_line_and_their_code(monkeypatch, stop, code, says):
    console = Console(monkeypatch, "ascii")

    @script(stopped="enough")
    def main(arguments):
        raise stop

    assert main(["x"]) == code and console.err == says and console.out == ""


def test_faults_of_ours_are_not_hidden(monkeypatch):
    @script()
    def main(arguments):
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        main()


PRINTS = """
import sys
from training.common.console import script
@script()
def main(arguments):
    print("a line of text … " * 1000)
    return 0
sys.exit(main())
"""


def run(*arguments, **options):
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=120,
        **options,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows says it in other ways")
def test_a_reader_that_has_enough_ends_the_script_without_a_word():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ended = run("-c", PRINTS, stdout=pipe)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_output_on_a_full_disk_is_one_line():
    with Path("/dev/full").open("wb") as full:
        ended = run("-c", PRINTS, stdout=full)
    assert ended.returncode == 2 and ended.stderr.startswith(b"error: ") and ended.stderr.count(b"\n") == 1


SOURCE = ROOT / "tests" / "golden" / "foreign" / "micro_valid.pkl"


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1251"])
def test_a_conversion_is_told_on_every_console(monkeypatch, tmp_path, encoding):
    console = Console(monkeypatch, encoding)
    assert convert_checkpoint.main([str(SOURCE), str(tmp_path / "out.safetensors")]) == 0
    assert "stylegan2 8x8" in console.out and (tmp_path / "out.safetensors").exists()


@pytest.mark.slow
def test_a_script_of_its_own_on_a_narrow_console(tmp_path):
    line = ("training/convert_checkpoint.py", SOURCE, tmp_path / "out.safetensors")
    ended = run(*line, stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "cp1251", "PYTHONUTF8": "0"})
    assert ended.returncode == 0 and b"Traceback" not in ended.stderr
    assert b"stylegan2 8x8" in ended.stdout and (tmp_path / "out.safetensors").exists()
