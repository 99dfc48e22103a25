"""What a user sees in the real page: every template opens readable and without red nodes, the first one runs, and the
studio's head is turned."""

from pathlib import Path

import pytest

TEMPLATES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "workflows").glob("*.json"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_opens(seen, name):
    template = seen["templates"][name]
    assert template["nodes"] > 3 and template["red"] == [] and template["wrong"] == []
    assert template["zoom"] >= 0.7


def test_the_first_face_runs(seen):
    assert seen["run"]["status"] == "success" and seen["run"]["wrong"] == []
    files = [file["filename"] for output in seen["run"]["outputs"].values() for file in output.get("images", [])]
    assert any(file.endswith(".mp4") for file in files)


def test_the_head_of_the_studio_is_turned_and_edited(seen):
    studio = seen["studio"]
    assert studio["wrong"] == [] and studio["turning"] > 0 and studio["sliding"] > 0
    assert studio["turned"]["view"]["yaw_deg"] > 20 and "eyeglasses" not in studio["turned"]["edits"]
    assert studio["slid"]["edits"]["eyeglasses"]["intensity"] > 0.3
    assert studio["undone"] == studio["turned"] == studio["reloaded"]
