"""Memory over many frames: of what goes in and of what comes out no more than a few are alive at any time."""

import weakref

import pytest
import torch

from sat3d.animation import action_driver, driver
from sat3d.animation.action_driver import AUTO, Eyes, read_driver
from sat3d.animation.driver import Drive, read_motion
from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.animation.motion import Motion
from sat3d.animation.streaming import Animation, frames_of, make_clip
from sat3d.errors import ShapeError
from sat3d.generators import Rendering, RenderOptions
from sat3d.latent import Latent

from .test_action_driver import tiny_reader

FRAMES, PIECE = 600, 8


class Alive:
    """How many of the tensors that were shown to it are alive; the most at any time."""

    def __init__(self):
        self.now = self.most = 0

    def see(self, tensor: torch.Tensor) -> torch.Tensor:
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(tensor, self._forget)
        return tensor

    def _forget(self) -> None:
        self.now -= 1


@pytest.fixture
def alive() -> Alive:
    return Alive()


def film(alive: Alive):
    for i in range(FRAMES // PIECE):
        yield alive.see(torch.full((PIECE, 3, 64, 64), i / FRAMES))


def test_the_reader_holds_one_piece_at_a_time(alive, monkeypatch):
    monkeypatch.setattr(action_driver, "find_registered", lambda picture: picture)
    monkeypatch.setattr(action_driver, "row_of", lambda face, frame: (face, torch.zeros(3)))
    reader = tiny_reader("action_jaw_open")
    monkeypatch.setattr(reader, "forward", lambda image: type("Out", (), {"numbers": {
        "action_jaw_open": image.mean((1, 2, 3))[:, None]}}))  # fmt: skip
    motion, _ = read_driver(film(alive), 25, Drive(smoothing=0), Eyes(AUTO, reader, lambda frame: True))
    assert len(motion) == FRAMES and alive.most <= 3
    assert float(motion.values[-1, 0]) == pytest.approx((FRAMES // PIECE - 1) / FRAMES, abs=1e-5)


def test_so_do_the_photo_networks(alive, monkeypatch):
    class Tracker:
        def __init__(self, *given):
            pass

        def follow(self, frame):
            return object(), False

        def check(self):
            pass

    def row(face, frame):
        return torch.zeros(52), torch.zeros(3)

    monkeypatch.setattr(driver, "FaceTracker", Tracker)
    monkeypatch.setattr(driver, "row_of", row)
    assert len(read_motion(film(alive), 25, Drive(smoothing=0))) == FRAMES and alive.most <= 3
    with pytest.raises(ShapeError, match="no frames"):
        read_motion(iter(()), 25)


def test_frames_are_let_go_as_they_are_made(alive, triplane, styles, monkeypatch):
    picture = lambda *_: Rendering(alive.see(torch.zeros(1, 3, 64, 64)))  # noqa: E731
    monkeypatch.setattr(type(triplane), "render", picture)
    monkeypatch.setattr(type(triplane), "planes", lambda self, styles, noise=None: alive.see(styles.clone()))
    layout, ones = triplane.layout, torch.ones(1, 4)
    space = LinearExpressionSpace(("jaw_open",), layout.editable_index[:4], ones, ones.T / 4, torch.zeros(4),
                                  torch.zeros(1), layout.fingerprint)  # fmt: skip
    values = torch.rand(FRAMES, 1, generator=torch.Generator().manual_seed(0))
    motion = Motion(("jaw_open",), values, torch.zeros(FRAMES, 2), torch.zeros(FRAMES, 3))
    face = Latent(styles[:1], triplane.rig.label(), "", layout.fingerprint)
    options = Animation(view="still", render=RenderOptions(8), quick=False)
    count = sum(1 for _ in frames_of(triplane, make_clip(triplane, face, motion, space, options)))
    assert count == FRAMES and alive.most <= 5
