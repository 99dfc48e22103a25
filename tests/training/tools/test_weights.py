"""What ships: every network with a card that says how it was made, and not too many megabytes."""

import sys

import pytest

from sat3d.errors import ConfigError
from sat3d.files.network_files import ASSETS
from training.tools import weights

FILES = sorted(ASSETS.glob("*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_network_has_a_card_with_data_command_licence_and_scores(path):
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    for word in ("**Data:**", "**Made by:**", "**Licence:**", "## Scores"):
        assert word in text
    assert any(line.startswith("python ") for line in weights.commands(path.with_suffix(".md")))


def test_all_networks_together_are_small_enough():
    assert sum(path.stat().st_size for path in FILES) <= 48 * 10**6


def test_commands_are_told_in_the_order_of_need(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["weights.py"])
    assert weights.main() == 0
    said = capsys.readouterr().out
    assert said.index("# attribute-reader") < said.index("train_reader.py") < said.index("# head-parser")


def test_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="attribute-reader"):
        weights.cards(["nothing"])
