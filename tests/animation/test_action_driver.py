"""Motion of rendered heads as an attribute reader tells it, and who is chosen to read a driver."""

import math

import pytest
import torch
from PIL import Image
from skimage import data

from sat3d.animation import action_driver
from sat3d.animation.action_driver import (
    AUTO,
    PHOTO,
    READER,
    Eyes,
    FoundAgain,
    check_actions,
    read_actions,
    read_driver,
)
from sat3d.animation.channels import gaze_channels, gaze_from_channels
from sat3d.animation.driver import Drive
from sat3d.errors import ConfigError, ShapeError
from sat3d.faces.finding import find_faces
from sat3d.inversion.align import cut, photo_from
from sat3d.inversion.frames import BUILT_IN
from sat3d.inversion.verdict import Verdict
from sat3d.networks.reader import AttributeReader
from sat3d.networks.reader_config import ReaderConfig

ACTIONS = ("action_jaw_open", "action_lid_closed_left")
BLACK = torch.full((1, 3, 64, 64), -1.0)


def tiny_reader(*numbers: str) -> AttributeReader:
    torch.manual_seed(0)
    config = ReaderConfig((("mood", ("calm", "glad")),), tuple((name, 1) for name in numbers), 4, 64, (4, 4, 4, 4),
                          (0, 0, 0, 0), 4, 8)  # fmt: skip
    return AttributeReader(config).eval().requires_grad_(False)


def turned(image: torch.Tensor) -> torch.Tensor:
    return image.mean() * torch.tensor([1.0, 2.0, 3.0])


@pytest.fixture
def reader() -> AttributeReader:
    return tiny_reader("age", *ACTIONS, "gaze_yaw", "gaze_pitch")


@pytest.fixture
def film(monkeypatch) -> torch.Tensor:
    """Five frames, of which the third shows nothing; what is not black is a face, turned by how bright it is."""
    frames = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    frames[2] = -1
    monkeypatch.setattr(action_driver, "find_registered", lambda image: image if image.amax() > -1 else None)
    monkeypatch.setattr(action_driver, "row_of", lambda image, frame: (None, turned(image)))
    return frames


def test_actions_gaze_and_camera_are_those_of_the_reader(reader, film):
    motion = read_actions([film[:2], film[2:]], 12.5, reader, Drive(smoothing=0))
    told = reader(film).numbers
    assert motion.names == ("jaw_open", "lid_closed_left") and motion.fps == 12.5
    assert motion.missing.tolist() == [False, False, True, False, False]
    torch.testing.assert_close(motion.values[3], torch.cat([told[name][3] for name in ACTIONS]).clamp(0, 1))
    torch.testing.assert_close(motion.values[2], (motion.values[1] + motion.values[3]) / 2)
    torch.testing.assert_close(motion.pose_rad[4], turned(film[4]))
    looks = torch.cat([told["gaze_yaw"][4], told["gaze_pitch"][4]])
    torch.testing.assert_close(motion.gaze_rad[4], looks * torch.tensor([math.radians(30), math.radians(25)]))
    assert torch.equal(gaze_channels(gaze_from_channels(torch.tensor([0.5, -1.0]))), torch.tensor([0.5, -1.0]))


def test_of_an_oblong_frame_the_square_in_the_middle_is_read(reader, film):
    oblong = torch.nn.functional.pad(film, (16, 16), value=1.0)
    assert torch.equal(read_actions([oblong], 25, reader).values, read_actions([film], 25, reader).values)


def test_the_face_is_looked_for_where_registered_heads_have_it():
    """A photograph's face, put where the built-in heads have theirs; and the same picture, black."""
    photo = photo_from(Image.fromarray(data.astronaut()))
    crop = BUILT_IN.crop_of_found(find_faces(photo)[0].five_points)
    registered = cut(photo, crop, 128)
    face = action_driver.find_registered(registered)
    again = find_faces(registered)[0]
    assert (face.points - again.points)[:, :2].norm(dim=1).mean() < 0.05 * again.eyes_apart_px
    assert action_driver.find_registered(torch.full_like(registered, -1.0)) is None
    assert action_driver.find_registered(registered[:, :, :32, :32]) is None


def test_nothing_to_read_is_said(reader, film):
    with pytest.raises(ShapeError, match="No face was found"):
        read_actions([film[2:3]], 25, reader)
    with pytest.raises(ShapeError, match="no frames"):
        read_actions([], 25, reader)


def test_a_reader_that_knows_no_actions_is_refused_in_words(film):
    blind = tiny_reader("age", "yaw_rad", "pitch_rad")
    for attempt in (
        lambda: read_actions([film], 25, blind),
        lambda: read_driver([film], 25, Drive(), Eyes(READER, blind)),
    ):
        with pytest.raises(ConfigError, match=r"knows no facial actions.*photo networks"):
            attempt()
    with pytest.raises(ConfigError, match="no reader"):
        check_actions(None)
    with pytest.raises(ConfigError, match="no such way"):
        Eyes("by ear")


@pytest.fixture
def by_photo(monkeypatch):
    """How many frames the photo networks were given."""
    given = []

    def read(frames, fps, drive, watch):
        given.append(sum(len(piece) for piece in frames))
        return "motion"

    monkeypatch.setattr(action_driver, "read_motion", read)
    return given


def test_auto_takes_the_reader_where_most_first_frames_are_drawn(reader, film, by_photo):
    bright = float(film[0].mean())
    for drawn, who in ((lambda _: True, READER), (lambda frame: float(frame.mean()) == bright, PHOTO)):
        motion, said = read_driver(iter(film.split(3)), 25, Drive(smoothing=0), Eyes(AUTO, reader, drawn))
        assert said == who and (who == PHOTO or len(motion) == 5)
    assert by_photo == [5]


def test_auto_is_the_photo_networks_wherever_the_reader_cannot_be_sure(reader, film, by_photo):
    def never(frame):
        raise AssertionError("asked")

    oblong = torch.nn.functional.pad(film, (16, 16))
    blind = tiny_reader("age", "yaw_rad", "pitch_rad")
    for eyes, frames in (
        (Eyes(AUTO, reader, never), oblong),
        (Eyes(AUTO, blind, never), film),
        (Eyes(AUTO, None, never), film),
        (Eyes(AUTO, reader, None), film),
        (Eyes(PHOTO, reader, never), film),
    ):
        assert read_driver([frames], 25, Drive(), eyes) == ("motion", PHOTO)
    assert by_photo == [5] * 5


def test_a_frame_is_drawn_if_its_face_is_found_again(triplane, monkeypatch):
    answers = iter([Verdict(True, True, 0.03, 0.9, 0.02, 24.0), Verdict(True, True, 0.3, 0.4, 0.2, 11.0)])
    monkeypatch.setattr(action_driver, "fits_encoder", lambda encoder, network: encoder == "fits")
    monkeypatch.setattr(action_driver, "examine", lambda *given: next(answers))
    monkeypatch.setattr(action_driver, "invert", lambda tools, frame, options: type("Found", (), {"picture": frame}))
    judge = FoundAgain(triplane, "fits", None)
    assert judge(BLACK) and not judge(BLACK)
    assert not FoundAgain(triplane, "does not", None)(BLACK)


def test_a_frame_that_shows_nothing_is_not_drawn(triplane, monkeypatch):
    monkeypatch.setattr(action_driver, "fits_encoder", lambda *_: True)
    assert not FoundAgain(triplane, None, None)(BLACK)
