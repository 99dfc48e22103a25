"""Learning masks: faces drawn and filtered, pre-selection with a known answer, losses, going on, several processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sat3d.clip import OwnClip, resizing
from sat3d.clip.own import KIND as CLIP
from sat3d.domains import DescriptorGroup, Domain, Preselection, Quota, Sampling, load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.generators import RenderOptions, build_generator
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.losses import LossWeights, probability_loss
from sat3d.masks import load_masks
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from sat3d.qmm import Measurement
from sat3d.small_networks import save_network
from tests.training.test_train_clip import SMALL
from training import train_masks
from training.generator.presets import find_preset
from training.generator.processes import Processes
from training.masks import command
from training.masks.attribution import Attributions, attributed_channels, attributions
from training.masks.draws import Draw, draw_transfers, most_different
from training.masks.objective import gather
from training.masks.optimizer import find_ranger
from training.masks.presampling import Admission
from training.masks.preselect import normalise, preselected_channels, region_gradients
from training.masks.reference import paper_losses
from training.masks.rendering import render_picture
from training.masks.report import open_board
from training.masks.studio import PARSERS, load_segmenter
from training.vision.checkpoint import read_header, state_path

ROOT = Path(__file__).resolve().parents[2]
STATE = "sat3d-vision-training/1"


def random_network(config):
    """Colours and densities that vary from place to place and from face to face."""
    torch.manual_seed(3)
    network = build_generator(config).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("bias") and "affine" not in name:
            parameter.normal_(0, 0.2)
    return network


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A tiny generator, a flat one, CLIP, parser and two domains, as files."""
    folder = tmp_path_factory.mktemp("models")
    tiny = find_preset("tiny").network
    save_checkpoint(folder / "generator.safetensors", tiny, random_network(tiny).state_dict(), {"licence": "free"})
    torch.manual_seed(1)
    save_network(folder / "clip.safetensors", CLIP, OwnClip(SMALL))
    save_network(folder / "parser.safetensors", PARSER, HeadParser(ParserConfig(64, (8, 8, 8), (0, 1, 1))))
    content = json.loads((ROOT / "sat3d" / "domains" / "synthheads.json").read_text(encoding="utf-8"))
    kept = ("beard", "eyeglasses", "hairstyle")
    content["attributes"] = {name: content["attributes"][name] for name in kept}
    content["regions"] = {name: content["regions"][name] for name in kept}
    del content["sampling"]["at_least"], content["covers"]  # the parser knows nothing, and the eyes are left out
    (folder / "heads.json").write_text(json.dumps(content), encoding="utf-8")
    for key in ("parser", "regions", "preselection"):
        del content[key]
    (folder / "unparsed.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def arguments(files: Path, out: Path, *more: str, domain: str = "heads.json") -> list[str]:
    fixed = ["--generator", files / "generator.safetensors", "--clip-weights", files / "clip.safetensors",
             "--parser", files / "parser.safetensors", "--domain", files / domain, "--out", out, "--device", "cpu",
             "--pairs", 10, "--start-faces", 2, "--threads", 1, "--neural-resolution", 16,
             "--precision", "float32"]  # fmt: skip
    return [str(part) for part in fixed] + list(more)


def make_trainer(files: Path, out: Path, *more: str, domain: str = "heads.json", generator: Path | None = None):
    options = train_masks.parse_arguments(arguments(files, out, *more, domain=domain))
    loaded = command.load_generator(generator or options.generator)
    studio = command.make_studio(options, loaded, torch.device("cpu"))
    return command.prepare(options, command.make_plan(options), studio, loaded, Processes(torch.device("cpu")))


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory):
    """Out of a whole training by the command, and what it said."""
    out = tmp_path_factory.mktemp("run") / "masks.safetensors"
    assert train_masks.main(arguments(files, out, "--iterations", "5")) == 0
    return out


def test_the_command_writes_masks_with_their_origin(trained, files):
    generator = command.load_generator(files / "generator.safetensors")
    masks = load_masks(trained, generator.network.layout)
    assert masks.attributes == ("beard", "eyeglasses", "hairstyle") and masks.warning_for(generator.fingerprint) is None
    assert masks.metadata["licence"] == "free" and masks.metadata["iterations"] == "5"
    training = json.loads(masks.metadata["training"])
    assert training["weights"] == {"attr": 3.5, "bg": 40.0, "prob": 0.1} and training["pairs"] == 10
    assert set(json.loads(masks.metadata["losses"])) == {"loss", "ref", "src", "bg", "prob"}
    log = [json.loads(line) for line in trained.with_name("masks.progress.jsonl").read_text().splitlines()]
    assert log[0]["step"] == 1 and log[0]["losses"]["loss"] > 0
    assert trained.with_name("masks.sheet-0000005.png").stat().st_size > 1000


def test_nothing_is_overwritten(trained, files, capsys):
    before = trained.read_bytes()
    assert train_masks.main(arguments(files, trained, "--iterations", "5")) == 2
    assert "--resume" in capsys.readouterr().err and trained.read_bytes() == before


def test_masks_without_their_training_are_not_overwritten_by_resuming(trained, files, tmp_path, capsys):
    shutil.copy(trained, tmp_path / "masks.safetensors")
    assert train_masks.main(arguments(files, tmp_path / "masks.safetensors", "--resume")) == 2
    assert "without their training" in capsys.readouterr().err


def test_resuming_with_other_settings_is_refused(trained, files, capsys):
    assert train_masks.main(arguments(files, trained, "--iterations", "9", "--resume", "--rate", "0.02")) == 2
    assert "rate: 0.01 there, 0.02 asked" in capsys.readouterr().err
    assert train_masks.main(arguments(files, trained, "--restart", "--seed", "7")) == 2
    assert "pairs of other settings" in capsys.readouterr().err and state_path(trained).exists()


def test_a_dry_run_tells_and_writes_nothing(files, tmp_path, capsys):
    out = tmp_path / "masks.safetensors"
    assert train_masks.main(arguments(files, out, "--dry-run", "--iterations", "1000")) == 0
    said = capsys.readouterr().out
    assert "3 attributes" in said and "steps     1000 of" in said and "memory" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"), [("--batch", "0"), ("--iterations", "-1"), ("--minutes", "nan"), ("--pairs", "1"),
                          ("--seed", "-1"), ("--out", "masks.pt"), ("--out", "nowhere/masks.safetensors"),
                          ("--domain", "dogs"), ("--generator", "missing.pkl")],
)  # fmt: skip
def test_wrong_arguments_are_named(option, value, files, tmp_path, capsys):
    assert train_masks.main([*arguments(files, tmp_path / "masks.safetensors"), option, value]) == 2
    error = capsys.readouterr().err
    assert "Next step" in error and (option.strip("-") in error or value in error)


def losses_of(trainer, steps: int) -> list[float]:
    return [trainer.step()["loss"].item() for _ in range(steps)]


def test_a_resumed_training_is_the_uninterrupted_one(files, tmp_path):
    """Across a step of Lookahead (every sixth), with the rate falling."""
    options = ("--falling-rate", "--iterations", "8", "--batch", "2")
    whole = make_trainer(files, tmp_path / "whole.safetensors", *options)
    expected = losses_of(whole, 8)
    broken = make_trainer(files, tmp_path / "broken.safetensors", *options)
    losses = losses_of(broken, 4)
    broken.checkpoint()
    resumed = make_trainer(files, tmp_path / "broken.safetensors", *options)
    resumed.resume()
    assert losses + losses_of(resumed, 4) == expected
    assert torch.equal(resumed.objective.logits, whole.objective.logits)


def test_a_killed_command_goes_on_exactly(files, tmp_path):
    out = tmp_path / "killed.safetensors"
    run = [sys.executable, "training/train_masks.py", *arguments(files, out, "--checkpoint-minutes", "0")]
    process = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not state_path(out).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    _, said = process.communicate()
    assert state_path(out).exists(), said
    done = json.loads(read_header(state_path(out), STATE, "", "")["progress"])["step"]
    assert train_masks.main(arguments(files, out, "--iterations", str(done + 2), "--resume")) == 0
    whole = make_trainer(files, tmp_path / "whole.safetensors")
    losses_of(whole, done + 2)
    assert torch.equal(load_masks(out).logits, whole.objective.logits.detach())


def test_ctrl_c_finishes_the_step_and_saves(files, tmp_path, monkeypatch):
    out = tmp_path / "masks.safetensors"
    trainer = make_trainer(files, out, "--iterations", "50")
    step = trainer.step

    def interrupted():
        if trainer.progress.step == 2:
            signal.raise_signal(signal.SIGINT)
        return step()

    monkeypatch.setattr(trainer, "step", interrupted)
    assert command.train(trainer) == 130
    resumed = make_trainer(files, out, "--resume")
    resumed.resume()
    assert resumed.progress.step == 3 and torch.equal(resumed.objective.logits, trainer.objective.logits)


def test_two_processes_are_one_with_twice_the_batch(files, tmp_path):
    one = make_trainer(files, tmp_path / "one.safetensors", "--batch", "4")
    losses_of(one, 3)
    shutil.copytree(tmp_path / "one.pairs", tmp_path / "two.pairs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    options = arguments(files, tmp_path / "two.safetensors", "--batch", "2", "--iterations", "3")
    processes = [
        subprocess.Popen([sys.executable, "training/train_masks.py", *options], cwd=ROOT, text=True,
                         env={**shared, "RANK": rank, "LOCAL_RANK": rank}, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
        for rank in "01"
    ]  # fmt: skip
    for process in processes:
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 0, said
    two = load_masks(tmp_path / "two.safetensors").logits
    start = one.start.logits
    assert (two - start).abs().max() > 1e-4
    torch.testing.assert_close(two, one.objective.logits.detach(), atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def trainer(files, tmp_path_factory):
    return make_trainer(files, tmp_path_factory.mktemp("trainer") / "masks.safetensors", "--batch", "3")


def test_a_face_given_to_itself_changes_nothing(trainer):
    same = torch.tensor([1, 4, 5])
    transfers = gather(trainer.pairs, Draw(same, same, torch.arange(3)), torch.device("cpu"))
    losses = trainer.objective(transfers)
    assert losses["ref"] < 1e-3 and losses["src"] < 1e-3 and losses["bg"] < 2e-3
    assert losses["prob"].item() == pytest.approx(float(probability_loss(trainer.start.logits)))


def test_losses_are_those_of_each_transfer_alone(trainer):
    draw = Draw(torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5]), torch.tensor([0, 1, 2]))
    together = trainer.objective(gather(trainer.pairs, draw, torch.device("cpu")))
    alone = [trainer.objective(gather(trainer.pairs, draw.part(rank, 3), torch.device("cpu"))) for rank in range(3)]
    for name, value in together.items():
        torch.testing.assert_close(value, torch.stack([losses[name] for losses in alone]).mean(), atol=2e-5, rtol=1e-4)
    parts = 3.5 * (together["ref"] + together["src"]) + 40 * together["bg"] + 0.1 * together["prob"]
    torch.testing.assert_close(together["loss"], parts)


def test_a_step_is_the_papers(trainer):
    """The same losses and nearly the same gradient as from pictures that are all made anew."""
    studio, logits = trainer.objective.studio, trainer.start.logits.clone().requires_grad_()
    source, reference = (trainer.pairs.select(torch.tensor([i])) for i in (2, 7))
    faces = (source.styles, reference.styles, source.camera, reference.camera)
    expected = paper_losses(studio, logits, *faces, "hairstyle", LossWeights())
    expected["loss"].backward()
    trainer.objective.zero_grad()
    draw = Draw(torch.tensor([2]), torch.tensor([7]), torch.tensor([2]))
    found = trainer.objective(gather(trainer.pairs, draw, torch.device("cpu")))
    found["loss"].backward()
    torch.testing.assert_close(found["ref"] + found["src"], expected["attr"], atol=1e-4, rtol=1e-3)
    for name in ("bg", "prob", "loss"):
        torch.testing.assert_close(found[name], expected[name], atol=1e-3, rtol=1e-3)
    off = trainer.objective.logits.grad - logits.grad
    assert off.norm() < 0.1 * logits.grad.norm()


def test_only_the_target_and_its_rivals_in_the_softmax_learn_and_only_m(trainer):
    draw = Draw(torch.tensor([0]), torch.tensor([3]), torch.tensor([1]))
    trainer.objective.zero_grad()
    trainer.objective(gather(trainer.pairs, draw, torch.device("cpu")))["loss"].backward()
    gradient = trainer.objective.logits.grad
    assert gradient.abs().sum(1).min() > 0
    torch.testing.assert_close(gradient.sum(0), torch.zeros(gradient.shape[1]), atol=1e-5, rtol=0)  # a softmax's
    assert [name for name, _ in trainer.objective.named_parameters()] == ["logits"]


def test_training_lowers_the_loss(files, tmp_path):
    options = ("--batch", "2", "--rate", "0.3", "--beta2", "0.9", "--start", "plain", "--no-centralisation")
    learner = make_trainer(files, tmp_path / "masks.safetensors", *options)
    domain = learner.objective.studio.domain
    transfers = gather(
        learner.pairs, most_different(draw_transfers(0, 0, 6, 10, 3), learner.pairs.scores, domain), torch.device("cpu")
    )
    with torch.no_grad():
        before = learner.objective(transfers)["loss"].item()
    losses_of(learner, 25)
    with torch.no_grad():
        assert learner.objective(transfers)["loss"].item() < 0.7 * before


def test_faces_are_measured_once(trainer):
    studio, pairs = trainer.objective.studio, trainer.pairs
    with torch.no_grad():
        images = studio.pictures(pairs.styles[2:3], pairs.camera[2:3])
    torch.testing.assert_close(images, pairs.images[2:3].float(), atol=1e-3, rtol=0)
    torch.testing.assert_close(studio.qmm.measure(images).probabilities, pairs.scores[2:3], atol=1e-3, rtol=0)
    assert pairs.camera.unique(dim=0).shape[0] == 10 and pairs.images.shape == (10, 3, 64, 64)


def test_drawing_goes_on_where_it_was_killed(files, tmp_path, monkeypatch, trainer):
    monkeypatch.setitem(command.sample_pairs.__globals__, "_CHUNK", 4)
    studio = trainer.objective.studio
    whole = command.sample_pairs(studio, tmp_path / "whole", 5, 10)
    command.sample_pairs(studio, tmp_path / "broken", 5, 10)
    (tmp_path / "broken" / "pairs-00001.safetensors").unlink()
    again = command.sample_pairs(studio, tmp_path / "broken", 5, 10)
    assert len(again) == 10 and torch.equal(again.styles, whole.styles) and torch.equal(again.images, whole.images)
    (tmp_path / "broken" / "pairs-00000.safetensors").write_bytes(b"half")
    with pytest.raises(FileError, match="pairs-00000"):
        command.sample_pairs(studio, tmp_path / "broken", 5, 10)


def test_hats_are_dropped_and_glasses_are_worn():
    sampling = Sampling(drop={"hat": 0.01}, at_least={"glasses": Quota(0.4, 0.002)})
    admission = Admission(sampling, 5)
    bare, hat, worn = ({"hat": h, "glasses": g} for h, g in ((0.0, 0.0), (0.5, 0.1), (0.01, 0.1)))
    # Of five, three may be without glasses; hats never.
    assert [admission.admits(face) for face in (bare, hat, bare, bare, bare, worn, worn)] == [1, 0, 1, 1, 0, 1, 1]
    assert not Admission(sampling, 5, {"glasses": 3}).admits(bare)


def test_filters_that_cannot_be_met_are_named(trainer, tmp_path):
    studio = trainer.objective.studio
    domain = replace(studio.domain, sampling=Sampling(at_least={"glasses": Quota(1.0, 1.0)}))
    qmm = type(studio.qmm)(studio.qmm.model, domain)
    with pytest.raises(ConfigError, match=r"120 pictures drawn.*glasses"):
        command.sample_pairs(replace(studio, qmm=qmm), tmp_path / "pairs", 0, 3)


def test_unknown_labels_and_parsers_are_found_at_once(trainer, files):
    studio = trainer.objective.studio
    domain = replace(studio.domain, preselection={"beard": Preselection("whiskers", 3, 1.8)})
    with pytest.raises(ConfigError, match="whiskers"):
        replace(studio, qmm=type(studio.qmm)(studio.qmm.model, domain))
    with pytest.raises(ConfigError, match=f"ear-finder.*{next(iter(PARSERS))}"):
        load_segmenter(Domain("x", "{}", {}, parser="ear-finder"), None, torch.device("cpu"))


def test_channels_are_found_by_the_region_they_paint():
    """Channels 0 and 1 paint the left half (1 twice as strongly), channel 2 the right, channel 3 nothing."""
    paint = torch.zeros(4, 3, 4, 4)
    paint[0, :, :, :2], paint[1, :, :, :2], paint[2, :, :, 2:] = 1, -2, 0.5
    labels = torch.zeros(4, 4, dtype=torch.uint8)
    labels[:, 2:] = 1
    table = region_gradients(lambda s: torch.einsum("bn,nchw->bchw", s, paint), torch.ones(1, 4), labels, 3)
    assert table[:2].tolist() == [[3, 6, 0, 0], [0, 0, 1.5, 0]]  # 3 colours a pixel; areas cancel
    assert table[2].isnan().all()  # a region that the face lacks
    shares = normalise(table[None])
    assert shares.tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    domain = Domain(
        "x", "{}", {}, preselection={"a": Preselection("left", 2, 1.8), "b": Preselection("right", 0.25, 1)}
    )
    chosen = preselected_channels(domain, ("left", "right", "none"), shares)
    assert sorted(chosen["a"][0].tolist()) == [0, 1] and chosen["b"][0].tolist() == [2]
    assert (chosen["a"][1], chosen["b"][1]) == (1.8, 1)


def test_faces_without_a_region_do_not_count_for_it():
    nan = float("nan")
    tables = torch.tensor([[[2.0], [nan]], [[4.0], [1.0]]])
    assert normalise(tables)[:, 0].tolist() == pytest.approx([3 / 4, 1 / 4])


def test_preselected_channels_begin_with_their_attribute(trainer):
    start, n = trainer.start.logits, trainer.start.logits.shape[1]
    chosen = start[2] == 1.8
    assert int(chosen.sum()) == round(0.6 * n) and start[:2].abs().sum() == 0
    assert torch.equal(start[3], 1 - chosen.float())


def test_attributed_channels_gain_certainly_and_do_no_sure_harm():
    gain = torch.tensor([[6.0, 3.0, 1.0, -9.0, 0.0, 4.0], [0.0, 8.0, 0.0, 1.0, 1.0, 0.0]])
    error = torch.tensor([[1.0, 1.0, 2.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5, 1.5, 1.0]])
    harm = torch.tensor([[5.0, 0.0, 0.0, 0.0, 0.0, 9.0], [0.0, 9.0, 0.0, 0.0, 0.0, 0.0]])
    chosen = attributed_channels(["a", "b"], Attributions(gain, error, harm, torch.full_like(harm, 4.6)))
    # Channel 0 does less harm than good; 1 is b's, whose harm of 9 is not sure (9.2 would be); 2 and 4 are uncertain.
    assert chosen["a"][0].tolist() == [0, 5] and chosen["b"][0].tolist() == [1, 3] and chosen["a"][1] == 5.0
    sure = attributed_channels(["a", "b"], Attributions(gain, error, harm, torch.full_like(harm, 4.4)))
    assert sure["a"][0].tolist() == [0, 1] and sure["b"][0].tolist() == [3]


def test_attributions_add_up_to_what_the_line_changes(trainer, monkeypatch):
    monkeypatch.setattr(resizing, "whole_levels", lambda images: images)  # rounding is larger than these changes
    studio, targets = trainer.objective.studio, torch.arange(3)
    objective = command.judge(studio, LossWeights())
    same = lambda face: torch.full_like(targets, face)  # noqa: E731
    transfers = gather(trainer.pairs, Draw(same(0), same(5), targets), torch.device("cpu"))
    parts = [torch.stack(attributions(objective, transfers, (i + 0.5) / 24)).sum(-1) for i in range(24)]
    own = transfers.source.styles
    goal = studio.network.layout.with_editable(own, studio.network.layout.editable(transfers.reference.styles))
    with torch.no_grad():
        ends = [objective.attribute_losses(studio.pictures(styles, transfers.source.camera), transfers)
                for styles in (own, goal)]  # fmt: skip
    wanted = 3.5 * (ends[0][0] - ends[1][0])
    assert wanted.shape == (3,) and wanted.abs().max() > 1e-3
    torch.testing.assert_close(torch.stack(parts).mean(0)[0], wanted, atol=0.1 * float(wanted.abs().max()), rtol=0)


def test_a_training_begins_with_attributions(files, tmp_path):
    learner = make_trainer(files, tmp_path / "m.safetensors", "--start", "attributions")
    start = learner.start.logits
    assert set(start.unique().tolist()) == {0.0, 5.0} and torch.equal(start[3] == 0, (start[:3] == 5).any(0))
    again = make_trainer(files, tmp_path / "m.safetensors", "--start", "attributions")
    assert torch.equal(again.start.logits, start)


def test_transfers_are_of_two_faces_and_every_attribute_comes_as_often():
    draws = [draw_transfers(3, step, 4, 5, 3, 2) for step in range(60)]
    source, reference, target = (torch.cat([getattr(d, k) for d in draws]) for k in ("source", "reference", "target"))
    assert (source[:, None] != reference).all() and source.unique().numel() == reference.unique().numel() == 5
    assert target.bincount().tolist() == [80, 80, 80]
    again = draw_transfers(3, 7, 4, 5, 3, 2)
    assert torch.equal(again.source, draws[7].source) and torch.equal(again.target, draws[7].target)
    halves = [again.part(rank, 2).source for rank in range(2)]
    assert sorted(torch.cat(halves).tolist()) == sorted(again.source.tolist())


def test_of_several_references_the_most_different_is_taken():
    groups = {name: (DescriptorGroup(name, "g", ("yes", "no")),) for name in ("beard", "hair")}
    scores = torch.tensor([[0.9, 0.1, 0.5, 0.5], [0.8, 0.2, 0.0, 1.0], [0.2, 0.8, 0.5, 0.5]])
    draw = Draw(torch.tensor([0, 0]), torch.tensor([[1, 2], [1, 2]]), torch.tensor([0, 1]))
    assert most_different(draw, scores, Domain("x", "{}", groups)).reference.tolist() == [2, 1]


@pytest.mark.parametrize("white_back", [False, True])
def test_sparse_rendering_is_the_renderers(triplane, styles, white_back):
    network = triplane.with_limits(white_back=white_back)
    camera = network.rig.label(torch.tensor([0.2, -0.3]), torch.tensor([0.1, 0.0]))
    target = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    def run(render):
        planes = network.planes(styles).detach().requires_grad_()
        image = render(planes)
        (image - target).square().sum().backward()
        return image.detach(), planes.grad

    options = RenderOptions(neural_resolution=16)
    image, gradient = run(lambda planes: network.render(planes, styles, camera, options).image)
    for least_share, error in ((0.0, 1e-4), (1e-3, 0.1)):
        other, found = run(lambda planes, least=least_share: render_picture(network, planes, styles, camera, 16, least))
        torch.testing.assert_close(other, image, atol=2e-5, rtol=0)
        assert (found - gradient).norm() < error * gradient.norm()


def test_flat_generators_and_domains_without_a_parser_learn_too(stylegan2, files, tmp_path):
    path = tmp_path / "flat.safetensors"
    save_checkpoint(path, stylegan2.config, stylegan2.state_dict(), {})
    learner = make_trainer(files, tmp_path / "m.safetensors", "--batch", "4", domain="unparsed.json", generator=path)
    assert learner.pairs.camera.shape == (10, 0) and learner.pairs.labels.shape == (10, 0, 0)
    before = learner.objective.logits.detach().clone()
    losses = [learner.step() for _ in range(2)]
    assert all(loss["bg"] == 0 for loss in losses) and not torch.equal(before, learner.objective.logits)
    assert learner.objective.logits.shape == (4, stylegan2.layout.num_editable)


def test_loss_weights_reach_the_loss(files, tmp_path):
    options = ("--weight-attr", "0", "--weight-bg", "0", "--weight-prob", "2")
    losses = make_trainer(files, tmp_path / "m.safetensors", *options).step()
    assert losses["loss"].item() == pytest.approx(2 * losses["prob"].item())
    assert LossWeights() == LossWeights(3.5, 40.0, 0.1)


def test_without_the_optimisers_library_nothing_is_begun(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(ConfigError, match="pip install"):
        find_ranger()


def test_curves_go_to_the_board_too(files, tmp_path, monkeypatch):
    drawn = []
    board = type("Board", (), {"add_scalar": lambda self, *point: drawn.append(point)})()
    monkeypatch.setattr(command, "open_board", lambda folder: board)
    options = ("--iterations", "1", "--tensorboard", str(tmp_path / "board"))
    assert train_masks.main(arguments(files, tmp_path / "m.safetensors", *options)) == 0
    assert {(name, step) for name, _, step in drawn} == {
        (f"losses/{k}", 1) for k in ("loss", "ref", "src", "bg", "prob")
    }


def test_tensorboard_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        open_board(tmp_path)


def test_the_built_in_domain_is_the_default():
    options = train_masks.parse_arguments(["--out", "m.safetensors"])
    assert (options.iterations, options.batch, options.pairs, options.rate) == (300_000, 1, 6000, 0.01)
    assert load_domain(options.domain).parser == "head"


def test_what_the_target_covers_need_not_stay(trainer, monkeypatch):
    studio = trainer.objective.studio
    transfers = gather(trainer.pairs, Draw(*(torch.tensor([i]) for i in (0, 5, 1))), torch.device("cpu"))
    with torch.no_grad():
        edited = trainer.objective.edit(transfers)
        kept = studio.qmm.measure(edited).differences(Measurement(transfers.source.scores, studio.domain))
        monkeypatch.setattr(studio.qmm, "domain", replace(studio.domain, covers={"eyeglasses": ("beard",)}))
        ref, src = trainer.objective.attribute_losses(edited, transfers)
    torch.testing.assert_close(src, kept["hairstyle"])
    assert kept["beard"] > 0 and ref > 0
