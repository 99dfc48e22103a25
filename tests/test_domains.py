"""Domain files: the built-in one agrees with SynthHeads, and wrong or hostile files are refused."""

import copy
import json
import os

import pytest

from sat3d.clip.built_in_clip import KIND
from sat3d.clip.tokenizer import words_of
from sat3d.domains import (
    SCHEMA,
    Preselection,
    Quota,
    RegionPart,
    check_describes,
    domain_names,
    load_domain,
    parse_domain,
)
from sat3d.errors import ConfigError, FileError, Sat3dError
from training.synthheads.labels import ATTRIBUTE_VALUES

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


def test_synthheads_has_the_face_set_in_groups_of_two_to_eight():
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
    assert all(1 <= len(groups) <= 6 for groups in domain.attributes.values())
    assert all(2 <= len(group.phrases) <= 8 for group in domain)
    assert {"age", "skin", "gaze", "light"} <= set(domain.kept)


def test_synthheads_truths_are_those_of_the_heads():
    for group in load_domain("synthheads"):
        assert {v for values in group.values for v in values} <= set(ATTRIBUTE_VALUES[group.truth]), group


def test_every_hair_style_expression_beard_and_pair_of_glasses_is_measured():
    measured: dict[str, set] = {}
    for group in load_domain("synthheads"):
        measured.setdefault(group.truth, set()).update(v for values in group.values for v in values)
    for fact in ("hair_style", "hair_colour", "expression", "beard", "glasses", "iris_colour", "frame_colour"):
        assert set(ATTRIBUTE_VALUES[fact]) - measured[fact] <= {"other", "none", "hidden"}, fact


def test_the_built_in_model_knows_every_word_of_synthheads():
    known, domain = set(KIND.load().config.vocabulary), load_domain("synthheads")
    assert not {word for group in domain for text in domain.sentences(group) for word in words_of(text)} - known


LEARNING = GOOD | {
    "parser": "voc",
    "regions": {"fur": [{"labels": ["cat", "dog"], "margin": 0.1}, {"labels": ["cat"], "rows": [0.5, 1]}]},
    "preselection": {"fur": {"region": "cat", "k": 0.25, "d": 1.8}},
    "sampling": {
        "yaw_deg": [-20, 30],
        "pitch_deg": [0, 10],
        "truncation_psi": 0.7,
        "drop": {"hat": 0.01},
        "at_least": {"glasses": {"share": 0.4, "pixels": 0.002}},
    },
}


def test_what_masks_are_learned_from_is_read():
    domain = parse_domain(LEARNING)
    assert domain.parser == "voc"
    assert domain.regions["fur"] == (RegionPart(("cat", "dog"), 0.1), RegionPart(("cat",), 0.0, (0.5, 1.0)))
    assert domain.preselection["fur"] == Preselection("cat", 0.25, 1.8)
    assert domain.sampling.yaw_deg == (-20, 30) and domain.sampling.truncation_psi == 0.7
    assert domain.sampling.drop == {"hat": 0.01} and domain.sampling.at_least == {"glasses": Quota(0.4, 0.002)}


def test_a_domain_need_not_say_how_it_is_learned():
    domain = parse_domain(GOOD)
    assert not domain.parser and not domain.regions and not domain.preselection
    assert domain.sampling.yaw_deg == (0, 0) and domain.sampling.truncation_psi == 1


@pytest.mark.parametrize(("k", "wanted"), [(30, 30), (0.25, 25), (1.0, 100), (1, 1), (500, 100), (1e-9, 1)])
def test_preselected_channels_are_counted_or_a_share(k, wanted):
    assert Preselection("hair", k, 1.8).count(100) == wanted


@pytest.mark.parametrize("name", ["face", "head", "cat", "car", "synthheads", "synthcars", "synthcats"])
def test_domains_of_the_package_measure_with_groups_of_two_to_ten(name):
    domain = load_domain(name)
    assert domain.name == name and all(1 <= len(groups) <= 6 for groups in domain.attributes.values())
    assert all(2 <= len(group.phrases) <= 10 for group in domain)
    assert bool(domain.regions) == (name not in ("car", "synthcars", "synthcats"))
    assert domain.sampling.yaw_deg[0] < 0 < domain.sampling.yaw_deg[1]


def test_heads_are_seen_from_all_sides():
    """As faces, but for what cannot be seen from behind."""
    head, face = load_domain("head"), load_domain("face")
    assert head.sampling.yaw_deg == (-180.0, 180.0) and head.parser == face.parser
    assert head.regions == face.regions and list(head.attributes) == list(face.attributes)
    assert set(head.hidden) == set(face.attributes) - {"hairstyle", "hair_colour"}
    for name, phrases in head.hidden.items():
        own = [phrase for group in head.groups(name) for phrase in group.phrases]
        assert sorted(set(own) - set(phrases)) == sorted({p for g in face.groups(name) for p in g.phrases})


def test_faces_are_learned_as_in_the_paper():
    domain = load_domain("face")
    assert list(domain.attributes) == list(load_domain("synthheads").attributes)
    assert domain.preselection["hairstyle"] == Preselection("hair", 3500, 1.8)
    assert domain.sampling.at_least["eye_g"].share == 0.4


def learning(path: str, value) -> dict:
    """LEARNING with one entry set; None removes it."""
    content = copy.deepcopy(LEARNING)
    *parents, last = path.split("/")
    place = content
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


WRONG_LEARNING = {
    "labels without a parser": ("parser", None, "parser"),
    "a parser that is a path": ("parser", "../voc", r"parser.*\.\./voc"),
    "regions of unknown attributes": ("regions/ears", [{"labels": ["cat"]}], "regions.*ears"),
    "a region that is no list": ("regions/fur", {"labels": ["cat"]}, r"regions\.fur"),
    "an empty region": ("regions/fur", [], r"regions\.fur"),
    "a part without labels": ("regions/fur/1/labels", [], r"regions\.fur\[1\]\.labels"),
    "an unknown key of a part": ("regions/fur/0/margins", 0.1, r"regions\.fur\[0\].*margins"),
    "a margin wider than the picture": ("regions/fur/0/margin", 1.5, r"fur\[0\]\.margin.*1\.5"),
    "a margin that is text": ("regions/fur/0/margin", "wide", r"fur\[0\]\.margin.*wide"),
    "rows from bottom to top": ("regions/fur/1/rows", [1, 0.5], r"fur\[1\]\.rows"),
    "one row": ("regions/fur/1/rows", [0.5], r"fur\[1\]\.rows"),
    "no channels": ("preselection/fur/k", 0, r"preselection\.fur\.k.*0"),
    "more than all channels": ("preselection/fur/k", 1.5, r"preselection\.fur\.k.*1\.5"),
    "channels that are a truth": ("preselection/fur/k", True, r"preselection\.fur\.k.*True"),
    "a logit that is huge": ("preselection/fur/d", 1e9, r"preselection\.fur\.d"),
    "an infinite logit": ("preselection/fur/d", float("inf"), r"preselection\.fur\.d"),
    "a preselection without a region": ("preselection/fur/region", None, r"preselection\.fur.*region"),
    "an unknown key of the sampling": ("sampling/yaw", [0, 1], r"sampling.*yaw"),
    "a yaw beyond the circle": ("sampling/yaw_deg", [-200, 0], r"sampling\.yaw_deg.*-200"),
    "a pitch over the pole": ("sampling/pitch_deg", [0, 90], r"sampling\.pitch_deg.*90"),
    "a share above one": ("sampling/at_least/glasses/share", 1.1, r"at_least\.glasses\.share.*1\.1"),
    "a quota that is a number": ("sampling/at_least/glasses", 0.4, r"at_least\.glasses"),
    "a dropped label without a share": ("sampling/drop", ["hat"], r"sampling\.drop"),
    "a number of thousands of digits": ("sampling/truncation_psi", 10**4000, r"truncation_psi"),
}


@pytest.mark.parametrize(("path", "value", "named"), WRONG_LEARNING.values(), ids=WRONG_LEARNING)
def test_mistakes_of_learning_are_named_by_key_and_value(path, value, named):
    with pytest.raises(ConfigError, match=named) as refusal:
        parse_domain(learning(path, value))
    assert len(str(refusal.value)) < 3000


def test_every_attribute_has_a_region_or_none_has():
    content = copy.deepcopy(LEARNING)
    content["attributes"]["ears"] = {"shape": ["long ears", "short ears"]}
    with pytest.raises(ConfigError, match=r"regions.*missing \['ears'\]"):
        parse_domain(content)


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
    "phrases that differ in spaces": changed("attributes/fur/length", ["short fur", "short  fur"]),
    "phrases that differ in encoding": changed("attributes/fur/length", ["caf\u00e9 fur", "cafe\u0301 fur"]),
    "phrases that differ in width": changed("attributes/fur/length", ["short fur", "ｓｈｏｒｔ fur"]),
    "a phrase without a word": changed("attributes/fur/length", ["short fur", "!!!"]),
    "a number as phrase": changed("attributes/fur/length", ["short fur", 3]),
    "an empty phrase": changed("attributes/fur/length", ["short fur", ""]),
    "a phrase with a control character": changed("attributes/fur/length", ["short fur", "a\x1b[2J"]),
    "half a character": changed("attributes/fur/length", ["short fur", "\ud800"]),
    "a phrase with braces": changed("attributes/fur/length", ["short fur", "{} fur"]),
    "a huge phrase": changed("attributes/fur/length", ["short fur", "x" * 5000]),
    "too many phrases": changed("attributes/fur/length", [f"fur {i}" for i in range(5000)]),
    "text for a group": changed("attributes/fur/length", "short"),
    "a truth that is no name": changed("attributes/fur/colour/truth", 5),
    "no phrases": changed("attributes/fur/colour/phrases", None),
    "a text for phrases": changed("attributes/fur/colour", {"phrases": "red fur"}),
    "one phrase, no truth": changed("attributes/fur/colour", {"phrases": ["red fur"]}),
    "values that are text": changed("attributes/fur/colour/phrases/red fur", "red"),
    "a value right for two phrases": changed("attributes/fur/colour/phrases/red fur", ["black"]),
    "no value": changed("attributes/fur/colour/phrases/red fur", []),
    "infinity": changed("description", float("inf")),
    "a front that is one number": changed("front_deg", 38),
    "a front from below the ground": changed("front_deg", [0, 120]),
    "a front in words": changed("front_deg", ["left", 0]),
    "deep nesting": changed("attributes/fur", json.loads("[" * 300 + "]" * 300)),
}


@pytest.mark.parametrize("phrases", [["black fur", "red fur"], {"black fur": ["black"], "red fur": []}])
def test_a_group_beside_others_needs_no_truth(phrases):
    domain = parse_domain(changed("attributes/fur/colour", {"phrases": phrases}))
    group = domain.group("fur", "colour")
    assert group.phrases == ("black fur", "red fur") and (group.truth, group.values) == ("", ())
    assert group.index_of("black") is None


@pytest.mark.parametrize("content", WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_wrong_forms_are_refused_and_the_place_is_named(content, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"mine\.json.*Wanted.*Next step") as refusal:
        load_domain(path)
    assert len(str(refusal.value)) < 3000


def test_the_two_phrases_that_look_alike_are_named_and_no_others():
    phrases = ["red fur", "short fur", "black fur", "Short  Fur"]
    with pytest.raises(ConfigError, match=r"same\. Got: domain: fur\.length: \['short fur', 'Short  Fur'\]"):
        parse_domain(changed("attributes/fur/length", phrases))


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


def test_what_an_attribute_covers_is_read_and_checked():
    assert load_domain("synthheads").covers == {"eyeglasses": ("eye_region",)} and not load_domain("car").covers
    for wrong in ({"eyeglasses": ["hats"]}, {"hats": ["beard"]}, {"eyeglasses": "eye_region"}, {"eyeglasses": []}):
        with pytest.raises(ConfigError, match="covers"):
            parse_domain(changed("covers", wrong))


def test_what_hides_an_attribute_is_read_and_checked():
    hidden = load_domain("synthheads").hidden
    assert hidden == {"hair_colour": ("a bald head",), "eye_region": ("sunglasses",)}
    for wrong in ({"beard": ["a hat"]}, {"hats": ["no beard"]}, {"beard": "no beard"}, {"beard": []}):
        with pytest.raises(ConfigError, match="hidden"):
            parse_domain(changed("hidden", wrong))


def test_what_is_kept_is_measured_but_no_attribute():
    kept = {"age": {"years": ["a kitten", "an old cat"]}}
    domain = parse_domain(changed("kept", kept))
    assert list(domain.attributes) == ["fur"] and list(domain.kept) == ["age"]
    assert [group.name for group in domain] == ["length", "colour", "years"] and domain.num_phrases == 6
    with pytest.raises(ConfigError, match="no such attribute"):
        domain.groups("age")


@pytest.mark.parametrize(
    ("kept", "message"),
    [({"fur": {"g": ["a", "b"]}}, r"kept.*fur"), ({}, "kept"), ({"others": {"g": ["a", "b"]}}, "reserved"),
     ({"age": {"years": ["old"]}}, "age.years")],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(kept, message):
    with pytest.raises(ConfigError, match=message):
        parse_domain(changed("kept", kept))


def test_phrases_of_people_are_for_generators_of_people():
    for drawn in ("", "synthheads", "face", "no_such_things"):  # nothing is known of the first and the last
        check_describes(load_domain("synthheads"), drawn)
    for own in ("synthcars", "car"):
        check_describes(load_domain(own), "synthcars")
    with pytest.raises(ConfigError, match=r"synthheads.*Wanted: synthcars.*choose the domain synthcars"):
        check_describes(load_domain("synthheads"), "synthcars")
