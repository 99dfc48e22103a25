"""Dress rehearsal, small: all that the README and the workflows ask of a user of an official checkpoint.

On files in the official layouts, as it is typed and as it is run in the host. ``python -m tests.rehearsal`` is the same
at full size.
"""

import importlib
import json
import math
import runpy
import sys
from dataclasses import replace

import open_clip
import pytest
import torch
from PIL import Image

from sat3d.generators import load_generator
from sat3d.generators.checkpoint import read_checkpoint
from sat3d.generators.official import read_network
from sat3d.learning.quick_start import __name__ as QUICK_START
from sat3d.learning.studio import View
from sat3d.masks import load_masks
from sat3d.parsing import bisenet
from tests.clip.test_clip_weights import TINY
from tests.nodes.conftest import PACK
from tests.nodes.test_workflows import check_arrived, perform
from tests.rehearsal import host
from tests.rehearsal.official_files import ARCHITECTURE, CLIP, PARSER, PICKLE, write_all
from tests.rehearsal.readme import command, demo_command, python_example
from tests.training.tiny_generators import labelled_config, random_network
from training.masks import command as masks_command

ATTRIBUTES = ("hairstyle", "hair_colour", "eye_region", "expression", "beard", "eyeglasses")
CONVERTED = "ffhq512-128.safetensors"


@pytest.fixture(scope="module", autouse=True)
def small():
    """Tiny sizes of the architectures, few faces and steps; nothing that is typed is changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(open_clip.factory._MODEL_CONFIGS, ARCHITECTURE, {**TINY, "quick_gelu": True})
        patch.setattr(bisenet, "INPUT_PX", 64)
        few = {"pairs": 12, "iterations": 2, "start_faces": 2}
        patch.setattr(masks_command, "fit", lambda recipe, estimate: replace(recipe, **few))
        patch.setattr(masks_command, "View", lambda resolution, *rest: View(16, *rest))
        few_to_judge(patch, sys.modules[QUICK_START])
        yield


def few_to_judge(patch, module):
    examine = module.examine
    patch.setattr(module, "HELD_OUT", 6)
    patch.setattr(module, "examine", lambda *given, **more: examine(*given, **{**more, "transfers": 1}))


def small_network():
    config = labelled_config()
    rendering = replace(config.rendering, depth_resolution=8, depth_resolution_importance=4)
    return random_network(replace(config, rendering=rendering))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The downloads, and what the README's lines make of them."""
    folder = tmp_path_factory.mktemp("user")
    write_all(folder, small_network())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        demo = demo_command()
        edited = [*demo, "--masks", host.MASKS, "--out", "out/edited", "--frames", "2"]
        for words in (command("convert_checkpoint.py"), command("train_masks.py"), demo, edited):
            assert type_in(words) == 0, words
    return folder


def type_in(words: list[str]) -> int:
    """``python training/script.py …``, in this process; the exit code."""
    return importlib.import_module(words[0].removesuffix(".py").replace("/", ".")).main(words[1:])


def test_the_pickle_is_one_of_the_official_ffhq(folder):
    """In the published layout, with the published camera: what a photo is cropped for."""
    found = read_network(folder / PICKLE)
    config = found.config
    assert found.notes["class_name"] == "TriPlaneGenerator" and found.notes["key"] == "G_ema"
    assert (config.backbone.z_dim, config.backbone.c_dim) == (512, 25) and "NVIDIA" in found.licence
    assert (config.rendering.avg_camera_radius, config.rendering.avg_camera_pivot) == (2.7, (0.0, 0.0, 0.2))
    assert not config.backbone.mapping_choices and not config.background_hidden and config.density_gain == 1


def test_what_the_readme_converts_is_the_same_network(folder):
    found, (config, tensors, header) = read_network(folder / PICKLE), read_checkpoint(folder / CONVERTED)
    assert config == found.config and header["source_name"] == PICKLE and "non-commercial" in header["licence"]
    assert all(torch.equal(tensors[name], value) for name, value in found.tensors.items())


def test_what_the_readme_learns_fits_the_pickle_and_its_conversion(folder):
    for name in (PICKLE, CONVERTED):
        loaded = load_generator(folder / name)
        masks = load_masks(folder / host.MASKS, loaded.network.layout)
        assert masks.attributes == ATTRIBUTES and masks.warning_for(loaded.fingerprint) is None
    assert "non-commercial" in masks.metadata["licence"] and masks.metadata["domain"] == "face"
    training = json.loads(masks.metadata["training"])
    assert (training["iterations"], training["start"], training["steps"]) == (2, "population", "2")
    said = (folder / "face.report.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split(":")[0] for line in said] == list(ATTRIBUTES)
    with Image.open(folder / "face.report.png") as sheet:
        assert sheet.width > sheet.height > 96


def test_the_demo_turns_its_heads_and_edits_them_by_masks_learned_for_them(folder):
    with Image.open(folder / "out" / "demo" / "sheet.png") as plain, \
            Image.open(folder / "out" / "edited" / "sheet.png") as edited:  # fmt: skip
        assert len(set(plain.convert("L").tobytes())) > 20  # of 256 levels
        assert edited.size != plain.size  # a third head, and an orbit of two


def test_the_lines_for_researchers(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)
    script = tmp_path / "example.py"
    script.write_text(python_example(), encoding="utf-8")
    made = runpy.run_path(str(script))
    assert made["views"].image.shape[0] == 24 and torch.isfinite(made["views"].image).all()
    assert made["editable"].shape == (1, made["network"].layout.num_editable)


@pytest.fixture
def nodes(part, models, folder, monkeypatch):
    """The pack in its host, with all files where they belong."""
    host.put_files(folder, models)
    part("nodes.learn_masks")
    monkeypatch.setattr(part("sat3d.parsing.bisenet"), "INPUT_PX", 64)
    inside = sys.modules[f"{PACK}.sat3d.learning.quick_start"]
    few_to_judge(monkeypatch, inside)
    monkeypatch.setattr(inside, "PROBES", 2)
    return {node.define_schema().node_id: node for node in part("nodes.extension").NODES}


def run_all(prompt: dict, nodes: dict, models) -> dict[str, list]:
    assert host.complaints(prompt, nodes) == []
    arrived = perform(prompt, nodes)
    for kind, all_inputs in arrived.items():
        for inputs in all_inputs:
            check_arrived(kind, inputs, models.parent / "output")
    return arrived


def test_the_official_workflow(nodes, models):
    arrived = run_all(host.official(), nodes, models)
    (info,), (faces,) = arrived["PreviewAny"], arrived["SaveImage"]
    assert "EG3D: heads can be turned" in info["source"] and "non-commercial" in info["source"]
    assert f"masks: {host.MASKS} in models/sat3d_masks" in info["source"]
    assert faces["images"].shape == (4, 64, 64, 3) and len(arrived["SaveVideo"]) == 1


def test_the_official_workflow_with_the_masks_of_the_readme(nodes, models, part, caplog):
    def picture(intensity: float) -> torch.Tensor:
        prompt = host.official_edited()
        prompt["22"]["inputs"]["intensity"] = intensity
        return run_all(prompt, nodes, models)["SaveImage"][0]["images"]

    plain, edited = picture(0.0), picture(1.0)
    assert plain.shape == edited.shape and not torch.equal(plain, edited)
    assert "another" not in caplog.text  # masks and network belong together
    prompt = host.official_edited()
    del prompt["20"], prompt["22"]["inputs"]["masks"]
    with pytest.raises(part("sat3d.errors").LayoutError, match=rf"connect Load Attribute Masks with {host.MASKS}"):
        run_all(prompt, nodes, models)


def test_masks_learned_in_the_host(nodes, models):
    arrived = run_all(host.learning(), nodes, models)
    (report,) = arrived["PreviewAny"]
    assert [line.split(":")[0] for line in report["source"].splitlines()[:6]] == list(ATTRIBUTES)
    masks = load_masks(models / "sat3d_masks" / "my-masks.safetensors")
    assert masks.attributes == ATTRIBUTES and "non-commercial" in masks.metadata["licence"]
    assert len(arrived["PreviewImage"]) == 2
    assert math.isclose(float(masks.probabilities().sum(0).mean()), 1.0, rel_tol=1e-4)


def test_files_that_are_missing_are_named_before_anything_runs(nodes, models):
    for name in (PICKLE, CLIP, PARSER):
        (models / host.FOLDERS[name] / name).unlink()
    said = host.complaints(host.learning(), nodes)
    assert len(said) == 2  # of the checkpoint, and of the first that Learn Attribute Masks lacks
    (models / "open_clip" / CLIP).touch()
    said += host.complaints(host.learning(), nodes)[1:]
    for name, sentence in zip((PICKLE, CLIP, PARSER), said, strict=True):
        assert name in sentence and host.FOLDERS[name] in sentence and "Next step" in sentence
