"""Masks learned inside the host: the file, the report, cancel and going on, names, domains of a user's own."""

import json
import sys
from pathlib import Path

import pytest
import torch

from sat3d.masks import load_masks
from tests.nodes.conftest import PACK
from tests.nodes.host_stub import Interrupted, run
from tests.nodes.tiny_clip import write_tiny_clip

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"PROBES": 2, "HELD_OUT": 6, "FEWEST_FACES": 4}


@pytest.fixture
def learn(part, graph, assets, monkeypatch):
    """The node, with a tiny image-text model, few faces to judge by, and small chunks."""
    write_tiny_clip(assets)
    part("nodes.clips")._kept.clear()
    part("nodes.learn_masks")
    start = sys.modules[f"{PACK}.sat3d.learning.quick_start"]
    for name, value in SMALL.items():
        monkeypatch.setattr(start, name, value)
    monkeypatch.setattr(part("sat3d.learning.presampling"), "_CHUNK", 8)
    examine = start.examine
    monkeypatch.setattr(start, "examine", lambda *given, **more: examine(*given, **{"transfers": 1, **more}))

    def learn(model=None, **changes):
        given = {"domain": "mine.json", "clip": "synthheads-clip (built-in)", "faces": 9, "seed": 1, "filename": "mine"}
        return run(part("nodes.learn_masks").SAT3DLearnMasks, model=model or graph.load()[0], **{**given, **changes})

    return learn


@pytest.fixture(autouse=True)
def own_domain(models):
    """A copy of the built-in domain with two attributes, which nothing parses."""
    content = json.loads((ROOT / "sat3d" / "domains" / "synthheads.json").read_text(encoding="utf-8"))
    content["attributes"] = {name: content["attributes"][name] for name in ("beard", "eyeglasses")}
    for key in ("parser", "regions", "preselection", "sampling", "covers", "hidden"):
        del content[key]
    folder = models / "sat3d_domains"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "mine.json"


@pytest.fixture
def masks_file(models):
    return models / "sat3d_masks" / "mine.safetensors"


def test_masks_are_learned_written_and_offered(learn, part, graph, masks_file):
    model = graph.load()[0]
    masks, report, sheet = learn(model)
    assert masks.attributes == ("beard", "eyeglasses") and masks.metadata["licence"] == "test"
    assert masks.warning_for(model.loaded.fingerprint) is None
    assert [line.split(":")[0] for line in report.splitlines()[:2]] == ["beard", "eyeglasses"]
    assert sheet.shape == (1, 3 * 96, 4 * 96, 3) and 0 <= sheet.min() < sheet.max() <= 1
    assert torch.equal(load_masks(masks_file, model.network.layout).logits, masks.logits)
    loaded = run(part("nodes.masks").SAT3DLoadMasks, masks_file="mine.safetensors")
    assert torch.equal(loaded[0].logits, masks.logits)
    assert part("nodes.masks").LIBRARY.own_files() == ["mine.safetensors"]  # and no pictures, and no faces
    assert not list(part("nodes.model_folders").kept_folder("learning").iterdir())
    face = graph.sample(model)
    given = {"model": model, "source": face, "reference": face, "attribute": "beard", "intensity": 1.0}
    assert "masks mine" in run(part("nodes.transfer").SAT3DTransfer, masks=masks, **given)[1]


def test_the_page_sees_faces_and_edits_meanwhile(learn):
    learn()
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    numbers = [done for done, _, _ in updates]
    assert numbers == sorted(numbers) and numbers[-1] == 1000
    assert all(total == 1000 for _, total, _ in updates) and sum(shown is not None for _, _, shown in updates) > 5


def test_a_cancelled_run_goes_on_where_it_was(learn, part, masks_file, monkeypatch):
    state = sys.modules["comfy.model_management"].state
    presampling, drawn = part("sat3d.learning.presampling"), []
    measure = presampling.measure

    def counted(*given):
        drawn.append(1)
        if len(drawn) == 2:
            state.interrupt_after = state.checks
        return measure(*given)

    monkeypatch.setattr(presampling, "measure", counted)
    with pytest.raises(Interrupted):
        learn(faces=16)
    assert not masks_file.exists()
    (kept,) = part("nodes.model_folders").kept_folder("learning").iterdir()
    assert len(list(kept.glob("pairs-*"))) == 1
    state.interrupt_after, before = None, len(drawn)
    learn(faces=16)
    assert len(drawn) - before == 2 and masks_file.exists()  # the second chunk, and the faces that judge


def test_the_same_again_is_read_and_other_masks_are_never_replaced(learn, part, masks_file, monkeypatch):
    masks, report, sheet = learn()
    before = masks_file.read_bytes()
    monkeypatch.setattr(part("nodes.learn_masks"), "quick_start", None)
    again, said, seen = learn()
    assert torch.equal(again.logits, masks.logits) and said.startswith(report.rpartition("\n")[0])
    assert "learned before" in said and seen.shape == sheet.shape
    with pytest.raises(part("sat3d.errors").NameTakenError, match=r"Other masks.*another filename"):
        learn(seed=2)
    masks_file.write_bytes(b"something else")
    with pytest.raises(part("sat3d.errors").NameTakenError, match="Other masks"):
        learn()
    assert masks_file.read_bytes() == b"something else" != before


@pytest.mark.parametrize("name", ["../mine", "a/b", "a\\b", " ", ".hidden", "a\nb", "a\0b"])
def test_names_that_are_none_are_refused_before_anything_runs(learn, part, models, name):
    node = part("nodes.learn_masks").SAT3DLearnMasks
    assert "Next step" in node.validate_inputs(filename=name)
    with pytest.raises(part("sat3d.errors").FileError):
        learn(filename=name)
    assert not list((models / "sat3d_masks").iterdir())


def test_what_is_not_there_is_said_before_anything_runs(part):
    node = part("nodes.learn_masks").SAT3DLearnMasks
    assert node.validate_inputs(domain="mine.json", filename="mine", parser="of the domain") is True
    assert "dogs" in node.validate_inputs(domain="dogs")
    assert "absent.pth" in node.validate_inputs(parser="absent.pth")
    assert "absent" in node.validate_inputs(clip="absent")


def test_an_unknown_word_is_said_before_any_face_is_drawn(learn, part, own_domain, monkeypatch):
    content = json.loads(own_domain.read_text(encoding="utf-8"))
    content["attributes"]["lipstick"] = {"colour": ["bare lips", "red lips"]}
    own_domain.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(part("nodes.learn_masks"), "quick_start", None)
    with pytest.raises(part("sat3d.errors").ConfigError, match=r"'bare' in .*models/open_clip"):
        learn()


def test_a_changed_domain_of_the_same_name_is_read_anew(learn, part, graph, own_domain):
    learn()
    assert json.loads(own_domain.read_text(encoding="utf-8"))["name"] == "synthheads"
    qmm = part("nodes.clips").load("synthheads-clip (built-in)", "").qmm(part("nodes.domains").read("synthheads"))
    assert "hairstyle" in qmm.domain.attributes


def test_without_a_parser_for_photographs_it_goes_on_and_says_so(part, caplog):
    jobs, face = part("nodes.learning_jobs"), part("nodes.domains").read("face")
    seen = jobs.seen_domain(face, None)
    assert "No parser is chosen" in caplog.text and not seen.regions and not seen.parser
    assert not seen.sampling.drop and seen.sampling.yaw_deg == face.sampling.yaw_deg
    caplog.clear()
    assert jobs.seen_domain(face, Path("79999_iter.pth")) == face
    heads = part("nodes.domains").read("synthheads")
    assert jobs.seen_domain(heads, None) == heads and not caplog.text


def test_few_cancelled_runs_are_kept(part):
    jobs = part("nodes.learning_jobs")
    for key in "abcde":
        jobs.faces_folder(key).mkdir(parents=True)
    jobs.forget("e")
    assert len(list(jobs.faces_folder("x").parent.iterdir())) == 3


def test_a_generator_without_masks_leads_here(graph, part):
    info = graph.load("flat.safetensors")[1]
    assert "masks: none yet" in info and "Learn Attribute Masks" in info
    model = graph.load("flat.safetensors")[0]
    with pytest.raises(part("sat3d.errors").LayoutError, match="learn them here with Learn Attribute Masks"):
        part("nodes.masks").find_masks(model)
