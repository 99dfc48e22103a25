"""Settings: flags of every kind, ranges, help, and that scripts run by their path find the rest of a clone."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro

from sat3d.errors import ConfigError
from training.common.settings import Again, BuiltIn, Flag, Many, Maybe, Range, Settings, parse

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class Oven(Settings):
    heat: Annotated[int, Range(50, 300)] = 180
    """in degrees"""
    fan: Flag = True  # no air moves


@dataclass(frozen=True, kw_only=True)
class Bake(Settings):
    """Bake a cake."""

    out: Path
    """where it goes"""
    minutes: Annotated[Maybe[float], Range(0.5)] = None
    """as long (until it is brown)"""
    egg: Again[str] = ()
    fruits: Many[str] = ()
    sides_cm: Annotated[tuple[float, float], Range(1, 90), tyro.conf.arg(name="sides")] = (20.0, 30.0)
    kind: Literal["sweet", "salty"] = "sweet"
    recipe: BuiltIn = Path("recipes/plain.json")
    quick: Flag = False
    oven: Oven = field(default_factory=Oven)


@dataclass(frozen=True, kw_only=True)
class Eat(Settings):
    """Eat it."""

    cake: tyro.conf.Positional[Path]


def test_flags_of_every_kind():
    assert parse(Bake, ["--out", "x"]) == Bake(out=Path("x"))
    words = ("--out x --minutes 2 --egg a --egg b --fruits c d --sides 3 4 --kind salty --recipe r --quick --heat 60"
             " --no-fan")  # fmt: skip
    oven = Oven(heat=60, fan=False)
    wanted = Bake(out=Path("x"), minutes=2.0, egg=("a", "b"), fruits=("c", "d"), sides_cm=(3.0, 4.0), kind="salty",
                  recipe=Path("r"), quick=True, oven=oven)  # fmt: skip
    assert parse(Bake, words.split()) == wanted


def test_subcommands_have_settings_of_their_own():
    kinds = {"bake": Bake, "eat": Eat}
    assert parse(kinds, ["eat", "cake"]) == Eat(cake=Path("cake"))
    assert parse(kinds, ["bake", "--out", "x"]) == Bake(out=Path("x"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--heat", "301"), r"--heat is out of range.*301.*50 to 300.*Next step"),
        (("--heat", "-1"), r"--heat is out of range.*-1"),
        (("--minutes", "nan"), r"--minutes is out of range.*nan.*at least 0\.5"),
        (("--minutes", "inf"), r"--minutes is out of range.*inf"),
        (("--sides", "3", "91"), r"--sides is out of range.*91.*1 to 90"),
    ],
)
def test_numbers_out_of_their_range_are_refused_by_the_flags_name(words, said):
    with pytest.raises(ConfigError, match=said):
        parse(Bake, ["--out", "x", *words])


def test_ranges_hold_without_a_command_line():
    with pytest.raises(ConfigError, match="--heat is out of range"):
        Oven(heat=49)
    assert Oven(heat=50).heat == 50 and Bake(out=Path("x"), minutes=0.5).minutes == 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--out"),
        (["--out", "x", "--heet", "60"], "--heat"),
        (["--out", "x", "--kind", "sour"], "salty"),
        (["--out", "x", "--heat", "warm"], "warm"),
        (["--out", "x", "--minutes", "None"], "--minutes"),
        (["--out", "x", "--no-quick"], "--quick"),
    ],
)
def test_wrong_words_are_answered_and_end_with_2(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Bake, words)
    assert stop.value.code == 2 and said in capsys.readouterr().err


def test_help_says_what_a_default_means(capsys):
    with pytest.raises(SystemExit):
        parse(Bake, ["--help"], "Make a cake.")
    said = re.sub(r"[│\s]+", " ", capsys.readouterr().out)
    for text in ("Make a cake.", "--out PATH where it goes (required)", "as long (until it is brown)",
                 "in degrees (default: 180)", "(the built-in one)", "--no-fan no air moves"):  # fmt: skip
        assert text in said, text
    assert "None" not in said and "recipes" not in said and "False" not in said


SCRIPTS = [path for path in sorted((ROOT / "training").glob("*.py")) if path.name != "training.py"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_imports_of_training_first(path):
    """Run by its path, it finds ``sat3d`` only then."""
    first = next(re.finditer(r"^(?:from|import) (training|sat3d)\b", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert first[1] == "training"


def test_a_script_runs_by_its_path_from_anywhere(tmp_path):
    line = [sys.executable, ROOT / "training" / "parity.py", tmp_path]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2 and "There are no cases in the folder" in ended.stderr
