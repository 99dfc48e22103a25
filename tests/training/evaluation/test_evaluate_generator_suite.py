"""The generator's suite: a generator that is right about everything, and whole reports on tiny networks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.generators import SuperresolutionConfig
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion.encoder import KIND
from sat3d.networks.reader import KIND as READER
from sat3d.networks.reader import AttributeReader
from tests.training.tiny_generators import labelled_config, random_encoder, random_network, unlabelled_config
from training.common.settings import parse
from training.evaluation import bench, flicker, generator
from training.evaluation.factors import bank_of, encode, factor_index, factors_of
from training.evaluation.generator import measure_dci
from training.evaluation.people import Crowd
from training.networks import coded_heads
from training.networks.coded_heads import Coder, as_picture, generate_views
from training.networks.targets import ACTION_PREFIX, ACTIONS, CATEGORIES, reader_config
from training.synthheads.edits import PARAMETERS
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST, PHOTOGRAPHS

SEED = 7


class Taken:
    """A view as the renderer makes them, of a picture ``[3, S, S]`` in -1..1, its depth and where there is a head."""

    def __init__(self, image, depth, opacity):
        self.image = ((image + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        self.labels = np.zeros(self.image.shape[:2], np.uint8)
        self.depth = torch.where(opacity > 0.5, depth, 0.0).numpy()


def own_renders(network):
    """A renderer that takes, of the first people, the pictures that the network itself makes of their latents."""
    latents = {FIRST.draw(SEED, head): FIRST.draw_latent(SEED, head) for head in range(6)}

    def render(p, poses, size):
        z = torch.from_numpy(latents[p])[None]
        with torch.no_grad():
            seen = generate_views(network, network.styles(network.map(z)), poses)
        return [Taken(*view) for view in zip(seen.image, seen.depth[:, 0], seen.opacity[:, 0], strict=True)]

    return render


def painted(p, poses, size):
    """A square of the hair's colour before the background, deeper and darker the more it is seen from the side."""
    views = []
    for pose in poses:
        image = torch.tensor(p.background)[:, None, None].repeat(1, size, size)
        image[:, 16:48, 16:48] = torch.tensor(p.hair_colour)[:, None, None] * (1 - abs(pose.yaw_rad))
        opacity = torch.zeros(size, size)
        opacity[16:48, 16:48] = 1
        views.append(Taken(image * 2 - 1, torch.full((size, size), 2.7 + abs(pose.yaw_rad)), opacity))
    return views


def use(monkeypatch, render) -> None:
    for module in (bench, coded_heads, flicker):
        monkeypatch.setattr(module, "render_head", render)


def report_of(*arguments) -> dict:
    fixed = ["--seed", SEED, "--count", 8, "--inverted", 0, "--edits", 0, "--samples", 0, "--orbits", 0,
             "--dci-people", 0]  # fmt: skip
    return generator.run(parse(generator.JudgeGenerator, [str(part) for part in (*fixed, *arguments)]))


@pytest.fixture(scope="module")
def labelled():
    config = replace(labelled_config(), superresolution=SuperresolutionConfig(32, (16,), (True,)))
    return random_network(config)


@pytest.fixture
def labelled_file(labelled, tmp_path):
    path = tmp_path / "labelled.safetensors"
    save_checkpoint(path, labelled.config, dict(labelled.state_dict()), {"licence": "test"})
    return path


@pytest.fixture
def files(tmp_path):
    """A generator that nobody labelled and an encoder for it, as arguments."""
    network = random_network(unlabelled_config())
    save_checkpoint(tmp_path / "plain.safetensors", network.config, dict(network.state_dict()), {"licence": "test"})
    save_network(tmp_path / "encoder.safetensors", KIND, random_encoder(16))
    return ["--checkpoint", tmp_path / "plain.safetensors", "--encoder", tmp_path / "encoder.safetensors"]


def test_a_generator_that_is_right_gets_full_marks(labelled, labelled_file, monkeypatch):
    """Renders are its own pictures: of latents it knows, from every side."""
    use(monkeypatch, own_renders(labelled))
    report = report_of("--checkpoint", labelled_file, "--orbits", 1)
    assert report["psnr"] > 45 and report["novel_psnr"] > 45 and report["depth"] < 0.01 and report["silhouette"] > 0.98
    assert report["flicker"] == pytest.approx(1, abs=0.05)
    for name, share in report["agree"].items():
        assert share == pytest.approx(report["agree_true"][name], abs=0.26), name
    assert report["actions"].keys() == report["actions_true"].keys() and 0 <= report["identity"] <= 1


def test_a_generator_that_is_wrong_does_not(labelled_file, monkeypatch):
    use(monkeypatch, painted)
    report = report_of("--checkpoint", labelled_file, "--orbits", 1, "--no-reader")
    assert report["psnr"] < 20 and report["novel_psnr"] < 20 and report["silhouette"] < 0.9
    assert not {"agree", "actions", "identity", "samples", "change", "psnr_w_plus", "dci"} & report.keys()


def test_views_are_compared_from_their_own_cameras(labelled, labelled_file, monkeypatch):
    """The second view of each person is spoiled: the first ones keep their score."""
    own = own_renders(labelled)

    def spoiled(p, poses, size):
        views = own(p, poses, size)
        if len(views) == 2:
            views[1].image[:] = 0
        return views

    use(monkeypatch, spoiled)
    report = report_of("--checkpoint", labelled_file, "--no-reader")
    assert report["psnr"] > 45 and report["novel_psnr"] < 20


def test_the_report_on_a_generator_nobody_labelled_has_all_keys(files, tmp_path, monkeypatch, capsys):
    use(monkeypatch, painted)
    save_network(tmp_path / "reader.safetensors", READER, AttributeReader(reader_config()))
    report = report_of(*files, "--count", 4, "--inverted", 1, "--edits", 1, "--samples", 6, "--orbits", 1,
                       "--dci-people", 40, "--steps", 2, "--reader", tmp_path / "reader.safetensors")  # fmt: skip
    numbers = {"psnr", "psnr_w_plus", "novel_psnr", "depth", "silhouette", "flicker", "identity"}
    tables = {"agree", "agree_true", "actions", "actions_true", "change", "samples", "dci"}
    assert report.keys() == numbers | tables | {"seed", "count", "yaw_deg"}
    assert all(isinstance(report[name], float) for name in numbers)
    assert set(report["agree"]) == set(CATEGORIES) and set(report["change"]) == set(PARAMETERS)
    assert set(report["actions"]) == {name.removeprefix(ACTION_PREFIX) for name in ACTIONS}
    assert set(report["samples"]) >= {"frechet_ratio", "recall", "confidence"}
    assert report["dci"].keys() == {"w", "styles"} and all(0 <= x <= 1 for x in report["dci"]["w"].values())
    assert report["change"]["hair_colour"] is not None and report["change"]["gaze"] is None, "as painted"
    json.dumps(report, allow_nan=False)
    said = capsys.readouterr().out
    assert "in W+" in said and "samples: frechet_ratio" in said and "hair_colour" in said and "DCI of styles" in said


def test_codes_of_a_generator_nobody_labelled_are_found_in_the_first_view(files, monkeypatch):
    """Not in a picture from the front that nobody asked about: the encoder sees what is to be drawn again."""
    seen = []
    own = Coder.of_pictures
    monkeypatch.setattr(Coder, "of_pictures", lambda self, images: seen.append(images) or own(self, images))
    use(monkeypatch, painted)
    report_of(*files, "--no-reader")
    crowd = Crowd(SEED, 8, 64, population=PHOTOGRAPHS)
    assert len(seen) == crowd.people == 4
    for head, image in enumerate(seen):
        (view,) = painted(crowd.person(head), crowd.poses(head)[:1], 64)
        torch.testing.assert_close(image[0], as_picture(view.image))


def test_an_encoder_is_needed_and_has_to_fit(files, labelled_file, monkeypatch):
    use(monkeypatch, painted)
    with pytest.raises(ConfigError, match="belongs to another generator"):
        report_of(*files[:2])
    with pytest.raises(ConfigError, match="belongs to another generator"):
        report_of("--checkpoint", labelled_file, *files[2:], "--inverted", 1)


@pytest.mark.parametrize(("option", "value"), [("--samples", 1), ("--edits", -1), ("--dci-people", 3)])
def test_too_few_to_be_judged_are_refused_before_any_work(files, monkeypatch, option, value):
    use(monkeypatch, lambda *_: pytest.fail("rendered"))
    with pytest.raises(ConfigError, match=f"{option} is out of range.*{value}.*at least"):
        report_of(*files, option, value)


def test_factor_codes_cover_every_parameter_that_is_drawn():
    for population in (FIRST, PHOTOGRAPHS):
        factors = factors_of(population)
        assert len(encode(HeadParameters(), factors)) == len(factor_index(factors))
        assert set(factor_index(factors)) == set(range(len(factors)))
        assert set(factors) == {block.name for block in population.blocks}
    assert {"light_warmth", "backdrop"} <= set(factors_of(PHOTOGRAPHS)) - set(factors_of(FIRST)) | {"backdrop"}


def test_a_bank_is_standardised_and_knows_its_factors():
    people = [FIRST.draw(1, head) for head in range(60)]
    bank = bank_of(people, FIRST)
    assert bank.parameters == people and bank.numbers.shape == (60, len(bank.index))
    varies = bank.numbers.std(0, correction=0) > 0.5
    torch.testing.assert_close(bank.numbers.mean(0), torch.zeros(len(varies)), atol=1e-4, rtol=0)
    torch.testing.assert_close(bank.numbers.std(0, correction=0)[varies], torch.ones(int(varies.sum())))
    age = factors_of(FIRST).index("age")
    (column,) = (bank.index == age).nonzero()[:, 0]
    ages = torch.tensor([p.age for p in people])
    torch.testing.assert_close(bank.numbers[:, column], (ages - ages.mean()) / ages.std(correction=0))


def test_disentanglement_is_of_known_latents_or_of_found_codes(labelled, files, monkeypatch):
    use(monkeypatch, painted)
    found = measure_dci(Coder(labelled, FIRST), 80)
    assert found.keys() == {"w", "styles"} and found["w"].keys() == found["styles"].keys()
    again = measure_dci(Coder(labelled, FIRST), 80)
    assert again == found
    network = random_network(unlabelled_config())
    other = measure_dci(Coder(network, PHOTOGRAPHS, random_encoder(16)), 40)
    assert all(0 <= value <= 1 for part in other.values() for value in part.values())
