"""The inversion suite: points of an edit, edits of a face against itself, and the whole command on a tiny network."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.generators import build_generator
from sat3d.inversion import Inverter
from sat3d.masks import AttributeMasks
from sat3d.networks.reader import AttributeReader, load_reader
from tests.conftest import tiny_config
from training.common.settings import parse
from training.data.views import Views
from training.evaluation import inversion as suite
from training.evaluation.inversion_cases import EDITED, Case, Edits, agreement, points_of, true_latent
from training.evaluation.people import Crowd
from training.networks.targets import CATEGORIES, UNKNOWN, reader_config, targets_of
from training.synthheads.populations import FIRST

SEED = 7


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    config = tiny_config()
    config = replace(config, backbone=replace(config.backbone, z_dim=len(FIRST.draw_latent(SEED, 0))))
    return build_generator(config).eval().requires_grad_(False)


def views_of(network, people=2) -> Views:
    """What the network itself shows of each person's latent, from yaw 0.2 and, turned by 30 degrees, from the other
    side: so that the true latents are perfect."""
    latents = [FIRST.draw_latent(SEED, head) for head in range(people)]
    yaw = np.tile(np.float32([0.2, 0.2 - np.deg2rad(30)]), people)
    styles = network.styles(network.map(torch.from_numpy(np.stack(latents)))).repeat_interleave(2, 0)
    with torch.no_grad():
        cameras = network.rig.label(torch.from_numpy(yaw), torch.zeros(len(yaw)))
        images = network.synthesize(styles, cameras).image
    parameters = [FIRST.parameters(z) for z in latents for _ in range(2)]
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    labels = torch.zeros(pixels.shape[:3], dtype=torch.uint8)
    return Views(pixels, labels, torch.arange(people).repeat_interleave(2), parameters, yaw, 0 * yaw)


def masks_of(network, attributes=("beard", "expression")) -> AttributeMasks:
    masks = AttributeMasks.initial(attributes, network.layout)
    masks.logits[0] = 20.0  # the first attribute is the whole face
    return masks


class Told:
    """A reader that says what it was told, picture after picture."""

    def __init__(self, names, config=None):
        self.names, self.config = names, config or reader_config()

    def read(self, images):
        return [SimpleNamespace(names=names) for names in self.names[: len(images)]]


def test_points_of_an_edit_by_hand():
    """Six categories: the edited one must be met, each of the other five that changes costs 20 points."""
    before = dict.fromkeys(EDITED.values(), "old")
    wanted = before | {"beard": "full", "expression": "smile"}
    assert points_of("beard", before, before, wanted) == 0
    assert points_of("beard", before, before | {"beard": "full"}, wanted) == 100
    assert points_of("beard", before, before | {"beard": "full", "glasses": "round"}, wanted) == pytest.approx(80)
    assert points_of("beard", before, wanted, wanted) == pytest.approx(80)


def test_agreement_counts_what_is_known(network):
    views = views_of(network)
    truth = targets_of(views.parameters[::2], views.yaw_rad[::2], views.pitch_rad[::2]).classes
    names = [{name: values[max(0, row[i])] for i, (name, values) in enumerate(CATEGORIES.items())} for row in truth]
    latent = true_latent(network, Crowd(SEED, 4, 64), 0)
    cases = [Case(head, latent, *([torch.zeros(1, 3, 64, 64)] * 2), *([0.0] * 6)) for head in range(2)]
    assert agreement(Told(names), views, cases) == 1
    category = next(i for i in range(len(CATEGORIES)) if truth[0, i] != UNKNOWN)
    name, values = list(CATEGORIES.items())[category]
    names[0][name] = values[truth[0, category] - 1]
    known = int((truth != UNKNOWN).sum())
    assert agreement(Told(names), views, cases) == pytest.approx(1 - 1 / known)
    older = replace(reader_config(), categories=tuple(item for item in CATEGORIES.items() if item[0] != name))
    assert agreement(Told([{**row, name: "unheard of"} for row in names], older), views, cases) == 1


class ReadFromStyles(Edits):
    """Reads beard and expression off one edited channel, all else is the same of everybody; a lost face is a riddle."""

    def _read(self, face):
        name = "lost" if face.name == "lost" else f"{float(self.network.layout.editable(face.styles)[0, 0]):.4f}"
        return dict.fromkeys(EDITED.values(), "same") | {"beard": name, "expression": name}


def test_the_gap_by_hand(network):
    """The beard's mask is the whole face: that edit succeeds and takes the expression along (80 points); expression
    moves nothing (0 points). So true latents get 40; the same face has no gap, a lost one 40, both together 20."""
    crowd, picture = Crowd(SEED, 4, 64), torch.zeros(1, 3, 64, 64)
    edits = ReadFromStyles(network, None, masks_of(network), crowd)
    same, lost = (true_latent(network, crowd, head) for head in range(2))
    cases = [
        Case(head, face, picture, picture, *([0.0] * 6)) for head, face in ((0, same), (1, replace(lost, name="lost")))
    ]
    assert edits.gap(cases[:1]) == pytest.approx(0)
    assert edits.gap(cases[1:]) == pytest.approx(40)
    assert edits.gap(cases) == pytest.approx(20)


def test_edits_that_change_nothing_do_not_count(network):
    class Alike(Edits):
        def _read(self, face):
            return dict.fromkeys(EDITED.values(), "same")

    crowd, picture = Crowd(SEED, 4, 64), torch.zeros(1, 3, 64, 64)
    case = Case(0, true_latent(network, crowd, 0), picture, picture, *([0.0] * 6))
    assert Alike(network, None, masks_of(network), crowd).gap([case]) is None


def test_masks_without_a_readable_attribute_are_refused(network):
    with pytest.raises(ConfigError, match="no attribute that can be read"):
        Edits(network, load_reader(), masks_of(network, ("fur", "ears")), Crowd(SEED, 4, 64))


@pytest.fixture
def bench(network, monkeypatch):
    """The suite on the tiny network and pictures of its own; nothing is rendered."""
    monkeypatch.setattr(suite, "load_domain_generator", lambda path: network)
    monkeypatch.setattr(suite, "render_pairs", lambda crowd: (views_of(network), torch.zeros(4, 64, 64)))
    monkeypatch.setattr(suite, "measure_w_statistics", lambda network: None)
    monkeypatch.setattr(suite, "lpips_missing", lambda: "not installed")


def options(tmp_path, *arguments):
    fixed = ["--count", "2", "--steps", "3", "--no-encoder", "--resolution", "16"]
    return parse(suite.JudgeInversion, [*fixed, *arguments])


@pytest.mark.slow
def test_the_report_has_its_keys_and_the_true_latents_are_perfect(bench, network, tmp_path, capsys):
    masks = tmp_path / "masks.safetensors"
    masks_of(network).save(masks)
    report = suite.run(options(tmp_path, "--methods", "W", "tune", "--masks", str(masks),
                               "--pictures", str(tmp_path / "sheet.png")))  # fmt: skip
    keys = {"psnr", "ssim", "novel_psnr", "lpips", "agree", "edit_gap", "seconds", "seconds_per_step", "camera_deg"}
    assert report["methods"].keys() == {"W", "tune"} and all(set(m) == keys for m in report["methods"].values())
    assert report["true_latent"]["psnr"] > 40 and report["true_latent"]["novel_psnr"] > 40
    assert report["methods"]["W"]["psnr"] < report["true_latent"]["psnr"]
    assert report["methods"]["W"]["lpips"] is None and report["encoder_seconds"] is None
    assert 0 < report["methods"]["W"]["seconds_per_step"] <= report["methods"]["W"]["seconds"]
    json.dumps(report)
    assert (tmp_path / "sheet.png").stat().st_size > 1000 and "a step" in capsys.readouterr().out


@pytest.mark.slow
def test_without_masks_the_gap_is_left_out_with_a_word(bench, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(suite, "MASKS", tmp_path / "none.safetensors")
    report = suite.run(options(tmp_path, "--methods", "W", "--steps", "1"))
    assert report["methods"]["W"]["edit_gap"] is None and "no masks" in capsys.readouterr().out


def test_lpips_is_asked_for_in_vain(bench, tmp_path, monkeypatch):
    monkeypatch.setattr("sat3d.inversion.lpips.lpips_missing", lambda: "not installed")
    with pytest.raises(ConfigError, match="LPIPS cannot be used"):
        suite.run(options(tmp_path, "--lpips"))


def test_an_encoder_that_is_not_there(bench, tmp_path):
    asked = replace(options(tmp_path, "--encoder", str(tmp_path / "none.safetensors")), no_encoder=False)
    with pytest.raises(ConfigError, match="--no-encoder"):
        suite.run(asked)


def test_terms_that_are_asked_for_reach_the_inversion(bench, tmp_path):
    made = suite._bench(options(tmp_path, "--identity"))
    assert isinstance(made.tools, Inverter) and isinstance(made.tools.identity.network, AttributeReader)
    assert made.tools.lpips is None and suite._bench(options(tmp_path)).tools.identity is None
