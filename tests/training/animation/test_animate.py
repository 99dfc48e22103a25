"""training/animate.py and training/train_expressions.py, on a tiny generator and on told codes."""

import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image

from sat3d.animation.channels import ACTION_NAMES, GAZE_NAMES
from sat3d.animation.expression_space import LinearExpressionSpace, load_expressions
from sat3d.animation.motion_files import load_motion, save_motion
from sat3d.camera import CameraRig
from sat3d.files.videos import VideoFile
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.latent import Latent
from tests.animation.fake_av import MODULE
from tests.animation.motions import speaking
from training import animate, train_expressions
from training.animation import directions
from training.animation.clips import open_film
from training.animation.directions import LearnDirections, learn_directions, values_of
from training.networks.coded_heads import CodedHeads, load_domain_generator
from training.synthheads.populations import PHOTOGRAPHS

NAMES = ("jaw_open", "lid_closed_left")


@pytest.fixture
def studio(tmp_path, triplane):
    """A tiny generator, directions for it and a motion of six frames; gives a function that runs the script."""
    tensors = {key: tensor.contiguous() for key, tensor in triplane.state_dict().items()}
    save_checkpoint(tmp_path / "tiny.safetensors", triplane.config, tensors, {"licence": "test"})
    layout, ones = triplane.layout, torch.tensor([[1.0, 1.0, 0, 0], [0, 0, 1.0, 1.0]])
    LinearExpressionSpace(
        NAMES, layout.editable_index[:4], ones, ones.T / 2, torch.zeros(4), torch.zeros(2), layout.fingerprint
    ).save(tmp_path / "e.safetensors")
    save_motion(speaking(6), tmp_path / "m.npz")

    def run(out, *more, driver="m.npz"):
        files = {"--driver": driver, "--generator": "tiny.safetensors", "--expressions": "e.safetensors", "--out": out}
        given = [text for flag, name in files.items() for text in (flag, str(tmp_path / name))]
        return animate.main([*given, "--neural-resolution", "8", *more])

    return run


def test_frames_go_into_a_folder_and_are_continued(studio, tmp_path):
    assert studio("whole") == 0
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == [f"{i:06}.png" for i in range(1, 7)]
    whole = {name: (tmp_path / "whole" / name).read_bytes() for name in names}
    for name in names[2:]:
        (tmp_path / "whole" / name).unlink()
    (tmp_path / "whole" / names[0]).write_bytes(b"made before")
    assert studio("whole", "--resume") == 0
    again = {name: (tmp_path / "whole" / name).read_bytes() for name in names}
    assert again == {**whole, names[0]: b"made before"}


def test_a_part_is_that_of_the_whole(studio, tmp_path):
    assert studio("whole") == 0 and studio("part", "--first-frame", "4", "--frames", "2") == 0
    made = sorted((tmp_path / "part").iterdir())
    assert [path.read_bytes() for path in made] == [
        (tmp_path / "whole" / f"{i:06}.png").read_bytes() for i in (4, 5)
    ]  # fmt: skip


def test_an_animated_picture_and_a_video(studio, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", MODULE)
    around = ("--view", "orbit", "--orbit-yaw-deg", "90", "--orbit-seconds", "0.3")
    assert studio("a.webp", *around, "--save-motion", str(tmp_path / "copy.json")) == 0 and studio("a.mp4") == 0
    with Image.open(tmp_path / "a.webp") as film:
        assert 1 < film.n_frames <= 6  # alike ones are one
    assert VideoFile.open(tmp_path / "a.mp4").frames == 6
    assert torch.equal(load_motion(tmp_path / "copy.json").values, speaking(6).values)


def test_a_saved_face_is_driven(studio, tmp_path, triplane, styles):
    face = Latent(styles[:1], CameraRig().label(), "", triplane.layout.fingerprint)
    face.save(tmp_path / "face.safetensors")
    assert studio("own", "--face", str(tmp_path / "face.safetensors"), "--view", "orbit", "--mode", "relative") == 0
    replace(face, styles=styles).save(tmp_path / "two.safetensors")
    assert studio("two", "--face", str(tmp_path / "two.safetensors")) == 2


@pytest.mark.parametrize(
    ("out", "more", "says"),
    [
        ("frames.txt", (), "suffix"),
        ("a.webp", ("--resume",), "cannot be continued"),
        ("frames", ("--first-frame", "7"), "ends before"),
    ],
)
def test_what_cannot_be_is_said_on_one_line(studio, capsys, out, more, says):
    assert studio(out, *more) == 2
    said = capsys.readouterr().err
    assert says in said and len(said.strip().splitlines()) == 1


def test_drivers_on_disk(tmp_path):
    with pytest.raises(Exception, match="no pictures"):
        open_film(tmp_path)
    for i in range(3):
        Image.new("RGB", (8, 6), (80 * i, 0, 0)).save(tmp_path / f"{i}.png")
    film = open_film(tmp_path, 10)
    assert (film.fps, film.frames, film.sound) == (10, 3, None)
    frames = list(film.pieces)
    assert frames[2].shape == (1, 3, 6, 8) and frames[2][0, 0, 0, 0] == pytest.approx(160 / 127.5 - 1, abs=1e-3)
    pictures = [Image.new("RGB", (8, 6), (80 * i, 0, 0)) for i in range(4)]
    pictures[0].save(tmp_path / "film.gif", save_all=True, append_images=pictures[1:], duration=50, loop=0)
    film = open_film(tmp_path / "film.gif")
    assert (film.fps, film.frames) == (20, 4) and len(list(film.pieces)) == 4


class Told:
    """In place of an encoder: heads whose styles tell what they do, among what else they are."""

    def __init__(self, network, *_):
        self.layout = network.layout

    def draw(self, seed, heads):
        people = [PHOTOGRAPHS.draw(seed, head) for head in heads]
        values, stream = (
            torch.tensor([values_of(p) for p in people]),
            torch.Generator().manual_seed(seed + 7 * heads[0]),
        )
        moves = torch.randn(values.shape[1], self.layout.num_channels, generator=torch.Generator().manual_seed(1))
        styles = 1 + values @ moves + 0.3 * torch.randn(len(people), self.layout.num_channels, generator=stream)
        return CodedHeads(people, styles[:, :4], styles)


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(directions, "find_coder", Told)


def test_directions_of_known_heads_read_and_set_actions(told):
    settings = LearnDirections(faces=300, known_by="truth")
    space = learn_directions(settings)
    assert {"jaw_open", "smile_left", "lid_closed_right", "gaze_yaw"} <= set(space.names)
    heads = Told(load_domain_generator(settings.generator)).draw(9, range(40))
    names = (*ACTION_NAMES, *GAZE_NAMES)
    known = torch.tensor([values_of(each) for each in heads.parameters])[:, [names.index(n) for n in space.names]]
    assert (space.read(heads.styles) - known).abs().mean() < 0.05
    moved = space.apply(heads.styles[:1], known)
    assert (space.read(moved) - known).abs().mean() < 0.05


def test_the_script_writes_a_file_that_fits(told, tmp_path, capsys):
    assert (
        train_expressions.main(["--out", str(tmp_path / "e.safetensors"), "--faces", "100", "--known-by", "truth"]) == 0
    )
    space = load_expressions(tmp_path / "e.safetensors")
    assert (
        space.generator_fingerprint and space.metadata["known_by"] == "truth" and "movements" in capsys.readouterr().out
    )
    assert train_expressions.main(["--out", str(tmp_path / "no" / "e.safetensors")]) == 2
