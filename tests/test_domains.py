"""Domain files: the built-in one agrees with SynthHeads, and wrong or hostile files are refused."""

import copy
import json
import os
import re

import numpy as np
import pytest

from sat3d.domains import SCHEMA, domain_names, load_domain, parse_domain
from sat3d.errors import ConfigError, FileError, Sat3dError
from training.synthheads import captions
from training.synthheads.sampler import draw_latents, parameters_from_latent
from training.synthheads.truths import ATTRIBUTE_VALUES

GOOD = {
    "schema": SCHEMA,
    "name": "cats",
    "template": "a cat with {}",
    "attributes": {
        "fur": {
            "length": ["short fur", "long fur"],
            "colour": {"truth": "fur_colour", "phrases": {"black fur": ["black"], "red fur": ["red", "orange"]}},
        }
    },
}


def changed(path: str, value) -> dict:
    """GOOD with one entry set; None removes it."""
    content = copy.deepcopy(GOOD)
    *parents, last = path.split("/")
    place = content
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


def test_a_users_file_is_read(tmp_path):
    path = tmp_path / "cats.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")
    for domain in (load_domain(path), load_domain(str(path))):
        colour = domain.group("fur", "colour")
        assert domain.sentences(colour) == ["a cat with black fur", "a cat with red fur"]
        assert (colour.index_of("orange"), colour.index_of("white")) == (1, None)
        assert domain.group("fur", "length").index_of("black") is None
        assert domain.num_phrases == 4 and [g.name for g in domain] == ["length", "colour"]


def test_what_a_domain_lacks_is_an_error():
    domain = parse_domain(GOOD)
    with pytest.raises(ConfigError, match=r"'cats' has no such attribute.*ears.*\['fur'\]"):
        domain.groups("ears")
    with pytest.raises(ConfigError, match="no such descriptor group"):
        domain.group("fur", "pattern")


def test_synthheads_has_the_face_set_in_groups_of_two_to_six():
    domain = load_domain("synthheads")
    assert "synthheads" in domain_names() and domain.name == "synthheads"
    assert list(domain.attributes) == [
        "hairstyle",
        "hair_colour",
        "eye_region",
        "expression",
        "beard",
        "eyeglasses",
    ]
    assert all(1 <= len(groups) <= 4 for groups in domain.attributes.values())
    assert all(2 <= len(group.phrases) <= 6 for group in domain)


def test_synthheads_truths_are_those_of_the_heads():
    for group in load_domain("synthheads"):
        assert {v for values in group.values for v in values} <= set(ATTRIBUTE_VALUES[group.truth]), group


def test_every_hair_style_expression_beard_and_pair_of_glasses_is_measured():
    measured: dict[str, set] = {}
    for group in load_domain("synthheads"):
        measured.setdefault(group.truth, set()).update(v for values in group.values for v in values)
    for fact in ("hair_style", "hair_colour", "expression", "beard", "glasses", "iris_colour", "frame_colour"):
        assert set(ATTRIBUTE_VALUES[fact]) - measured[fact] <= {"other", "none", "hidden"}, fact


def test_synthheads_speaks_the_language_of_the_captions():
    rng = np.random.default_rng(5)
    heard = set()
    for head in (parameters_from_latent(draw_latents(5, i)) for i in range(800)):
        heard |= set(re.findall(r"[\w-]+", captions.caption(head, rng).lower()))
    domain = load_domain("synthheads")
    said = {word for group in domain for text in domain.sentences(group) for word in re.findall(r"[\w-]+", text)}
    assert not said - heard


WRONG_FORMS = {
    "no template": changed("template", None),
    "a template without slot": changed("template", "a cat"),
    "a template with two slots": changed("template", "{} {}"),
    "a format string": changed("template", "{} {0.__class__}"),
    "an unknown key": changed("extra", 1),
    "a name that is a path": changed("name", "../cats"),
    "a name with a line break": changed("name", "cats\n"),
    "no attributes": changed("attributes", {}),
    "attributes in a list": changed("attributes", []),
    "a reserved attribute": changed("attributes/others", {"a": ["b", "c"]}),
    "an attribute without groups": changed("attributes/fur", {}),
    "one phrase": changed("attributes/fur/length", ["short fur"]),
    "equal phrases": changed("attributes/fur/length", ["short fur", "Short fur"]),
    "a number as phrase": changed("attributes/fur/length", ["short fur", 3]),
    "an empty phrase": changed("attributes/fur/length", ["short fur", ""]),
    "a phrase with a control character": changed("attributes/fur/length", ["short fur", "a\x1b[2J"]),
    "half a character": changed("attributes/fur/length", ["short fur", "\ud800"]),
    "a phrase with braces": changed("attributes/fur/length", ["short fur", "{} fur"]),
    "a huge phrase": changed("attributes/fur/length", ["short fur", "x" * 5000]),
    "too many phrases": changed("attributes/fur/length", [f"fur {i}" for i in range(5000)]),
    "text for a group": changed("attributes/fur/length", "short"),
    "no truth": changed("attributes/fur/colour/truth", None),
    "values that are text": changed("attributes/fur/colour/phrases/red fur", "red"),
    "a value right for two phrases": changed("attributes/fur/colour/phrases/red fur", ["black"]),
    "no value": changed("attributes/fur/colour/phrases/red fur", []),
    "infinity": changed("description", float("inf")),
    "deep nesting": changed("attributes/fur", json.loads("[" * 300 + "]" * 300)),
}


@pytest.mark.parametrize("content", WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_wrong_forms_are_refused_and_the_place_is_named(content, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"mine\.json.*Wanted.*Next step") as refusal:
        load_domain(path)
    assert len(str(refusal.value)) < 3000


NOT_JSON = {
    "empty": b"",
    "text": b"hello",
    "not UTF-8": b'{"name": "\xff"}',
    "a bottomless list": b"[" * 200_000,
    "a huge number": b'{"schema": ' + b"9" * 50_000 + b"}",
    "a repeated key": b'{"schema": "sat3d-domain/1", "schema": "sat3d-domain/1"}',
    "too large": b" " * (2 << 20),
    "another schema": b'{"schema": "other/1"}',
    "a list": b"[1]",
    "null": b"null",
}


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
def test_files_that_are_no_domains_are_refused(data, tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(data)
    with pytest.raises(FileError, match="Next step"):
        load_domain(path)


@pytest.mark.parametrize(
    "name", ["", "nothing", "../synthheads", "a\0b", "x" * 5000, ".", 5, None, b"cats", "/dev/zero"]
)
def test_names_of_nothing_are_refused(name):
    with pytest.raises(FileError, match="synthheads"):
        load_domain(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(Sat3dError):
        load_domain(tmp_path / "pipe.json")


def test_a_domain_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        load_domain("synthheads").attributes["beard"] = ()
