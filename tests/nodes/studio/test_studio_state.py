"""The state of the studio: what the page writes is read, and nothing else is."""

import json

import pytest


@pytest.fixture
def states(part):
    return part("nodes.studio_state")


@pytest.mark.parametrize("text", ["", "  ", "{}", '{"version":1}', '{"edits":{},"view":{}}'])
def test_nothing_said_is_the_face_as_it_came(states, text):
    assert states.read_state(text) == states.StudioState()


def test_what_the_page_writes(states):
    text = '{"version":1,"edits":{"beard":{"intensity":1.5,"reference":3}},"view":{"yaw_deg":-90,"pitch_deg":26.7}}'
    found = states.read_state(text)
    assert found.edits == {"beard": states.Change(1.5, 3)} and (found.yaw_deg, found.pitch_deg) == (-90.0, 26.7)
    assert isinstance(found.yaw_deg, float)


def test_a_mere_number_is_the_intensity(states):
    edits = states.read_state('{"edits": {"beard": 1, "eyeglasses": {"reference": 2}}}').edits
    assert edits == {"beard": states.Change(1.0, 1), "eyeglasses": states.Change(0.0, 2)}


BAD = [
    "[]",
    "null",
    "3",
    "{",
    '{"edits": []}',
    '{"edits": {"beard": "1"}}',
    '{"edits": {"beard": true}}',
    '{"edits": {"beard": null}}',
    '{"edits": {"beard": NaN}}',
    '{"edits": {"beard": -Infinity}}',
    '{"edits": {"beard": 1e999}}',
    '{"edits": {"beard": 3.01}}',
    '{"edits": {"beard": {"intensity": 1, "reference": 0}}}',
    '{"edits": {"beard": {"intensity": 1, "reference": 17}}}',
    '{"edits": {"beard": {"intensity": 1, "reference": 1.0}}}',
    '{"edits": {"beard": {"intensity": 1, "reference": true}}}',
    '{"edits": {"beard": {"intensity": 1, "more": 0}}}',
    '{"edits": {"": 1}}',
    '{"view": 3}',
    '{"view": {"yaw_deg": 181}}',
    '{"view": {"pitch_deg": "0"}}',
    '{"view": {"roll_deg": 0}}',
    '{"version": 2}',
    '{"version": "1"}',
    '{"unknown": 1}',
    "[" * 15_000,
    '{"edits": {"beard": ' + "9" * 15_000 + "}}",
    json.dumps({"edits": {"x" * 101: 1}}),
    json.dumps({"edits": {f"a{i}": 1 for i in range(65)}}),
    '{"edits": {}}' + " " * 20_000,
]


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_what_is_refused(part, states, text):
    with pytest.raises(part("sat3d.errors").ConfigError, match="state of the studio") as error:
        states.read_state(text)
    assert len(str(error.value)) < 500  # nothing of any length is repeated


@pytest.mark.parametrize("value", [None, 3, b"{}", {}])
def test_what_is_no_text_is_refused(part, states, value):
    with pytest.raises(part("sat3d.errors").ConfigError):
        states.read_state(value)
