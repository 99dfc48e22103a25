"""What the studio's editor looks at between two runs of its node: the faces that came in, and pictures of their edit.

A few sessions are kept, and of them only the latest keeps planes. The generator stays the host's: when the host lets
go of it, the session is gone, and the next run of the node makes a new one.
"""

from __future__ import annotations

import secrets
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.generators import PreviewLadder, StyleGenerator, TriplaneGenerator
from ..sat3d.latent import Latent
from ..sat3d.masks import AttributeMasks
from ..sat3d.parts.generator import network_showing
from . import host, memory
from .multi_transfer import transfer_all
from .orbit import STILL, make_cameras
from .studio_state import MOST_REFERENCES, StudioState

MOST_SESSIONS = 8


class HostBusy(Exception):
    """The host works with the device just now."""


class Gone(Exception):
    """The generator of the session is not in memory any more."""


@dataclass(frozen=True)
class Faces:
    """What is edited with what; the references are single faces."""

    source: Latent
    references: tuple[Latent, ...]
    masks: AttributeMasks

    def edited(self, model: host.HostModel, state: StudioState) -> Latent:
        """All edits of the state, in the order of the masks: the same as a chain of Transfer Attribute.

        Raises:
            ShapeError: an attribute that the masks do not know, or no such reference.
        """
        changes = {name: change for name, change in state.edits.items() if change.intensity}
        order = [*self.masks.attributes, *changes]  # what the masks do not know is refused by its name
        names = [name for name in dict.fromkeys(order) if name in changes]
        wanted = {name: self._reference(changes[name].reference) for name in names}
        return transfer_all(model, self.source, wanted, self.masks, {name: changes[name].intensity for name in names})

    def _reference(self, number: int) -> Latent:
        if number > len(self.references):
            raise ShapeError(
                "There is no such reference",
                f"reference {number} of {len(self.references)}",
                f"1 to {len(self.references)}",
                "connect one more face, or choose another reference in the editor",
            )
        return self.references[number - 1]


def split_faces(latents: Sequence[Latent]) -> tuple[Latent, ...]:
    """Single faces of all, in their order.

    Raises:
        ShapeError: more than can be chosen from.
    """
    faces = [face for latent in latents for face in _split(latent)]
    if len(faces) > MOST_REFERENCES:
        raise ShapeError("There are too many references", f"{len(faces)} faces", f"at most {MOST_REFERENCES}",
                         "connect fewer, or smaller batches")  # fmt: skip
    return tuple(faces)


def _split(latent: Latent) -> list[Latent]:
    if len(latent.styles) == 1:
        return [latent]
    cameras = latent.camera.expand(len(latent.styles), -1).split(1)
    return [
        replace(latent, styles=styles, camera=camera, name=f"{latent.name or 'face'} #{i}")
        for i, (styles, camera) in enumerate(zip(latent.styles.split(1), cameras, strict=True), 1)
    ]


class Session:
    """The faces of one node. Pictures are drawn by one thread alone; the newest question is the one to be answered."""

    def __init__(self, model: host.HostModel, given: tuple, faces: Faces):
        self.key, self.given, self.faces = secrets.token_urlsafe(16), given, faces
        self.resolution: int | None = None
        self.newest = 0
        self.thumbnails: dict[int, bytes] = {}
        # Without a cache of outputs nobody else would keep it.
        self._held = None if host.keeps_outputs() else model
        self._model = weakref.ref(model)
        self._ladders: dict[bool, PreviewLadder] = {}

    @property
    def model(self) -> host.HostModel:
        """
        Raises:
            Gone: the host has let go of it.
        """
        model = self._model()
        if model is None:
            raise Gone
        return model

    @property
    def is_dead(self) -> bool:
        return self._model() is None

    def is_of(self, model: host.HostModel, given: tuple) -> bool:
        """Whether it has been made for these very objects."""
        pairs = zip((self._model(), *self.given), (model, *given), strict=False)
        return len(given) == len(self.given) and all(ours is theirs for ours, theirs in pairs)

    def draw(self, state: StudioState, rung: int, check: Callable[[], None]) -> tuple[Tensor, bool]:
        """The picture ``[1, 3, h, w]`` of the first face, the finer the higher the rung, and whether it is the finest.

        ``check`` raises when nobody wants it any more.

        Raises:
            Gone, HostBusy: it cannot be drawn, or not now. Sat3dError: see :meth:`Faces.edited`.
        """
        model = self.model
        face = self.faces.edited(model, state)
        cameras = make_cameras(model.network, STILL, 1, state.yaw_deg, state.pitch_deg, None)
        network = network_showing(usable_network(model), face.faces()[0])
        styles, cameras = face.styles[:1].to(network.device), cameras.to(network.device)
        with host.cancellable(network, check):
            if not isinstance(network, TriplaneGenerator):
                return network.synthesize(styles, cameras, model.render_options()).image, True
            ladder = self._ladder(network, edited=bool(face.edits))
            return next(ladder.pictures(styles, cameras, rung)), rung >= len(ladder.sides)

    def draw_thumbnail(self, number: int) -> Tensor:
        """``[1, 3, h, w]`` of a reference, counted from 1, or of the source, 0; from the front.

        Raises:
            Gone, HostBusy: see :meth:`draw`. IndexError: there is none.
        """
        face = (self.faces.source, *self.faces.references)[number]
        model = self.model
        network = usable_network(model)
        styles, cameras = face.styles[:1].to(network.device), network.rig.label().to(network.device)
        if not isinstance(network, TriplaneGenerator):
            return network.synthesize(styles, cameras, model.render_options()).image
        return next(PreviewLadder(network, model.render_options()).pictures(styles, cameras))

    def forget_planes(self) -> None:
        self._ladders.clear()

    def _ladder(self, network: TriplaneGenerator, edited: bool) -> PreviewLadder:
        """One for the face as it came and one for its edit, so that before and after are compared without waiting."""
        known = self._ladders.get(edited)
        options = self.model.render_options(self.resolution)
        if known is None or known.network is not network or known.options.neural_resolution != self.resolution:
            known = self._ladders[edited] = PreviewLadder(network, options)
        return known


def usable_network(model: host.HostModel) -> StyleGenerator:
    """The network on its device. While a prompt runs nothing is moved there, since the prompt counts on what it has.

    Raises:
        HostBusy: a prompt runs, and the device is not the processor, where nothing needs to be moved.
    """
    if not host.queue_runs():
        return model.ready(memory.render_bytes(model.network.config))
    if model.hosted.device.type != "cpu":
        raise HostBusy
    return model.network


class Sessions:
    """The sessions that were used last. ``losses``: how many were dropped that a node may still count on; a node that
    looks at it is run again when there are more."""

    def __init__(self, most: int = MOST_SESSIONS):
        self.most, self.losses = most, 0
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, model: host.HostModel, given: tuple, make: Callable[[], Faces]) -> Session:
        """The one of these very objects, or a new one."""
        with self._lock:
            for dead in [each for each in self._kept.values() if each.is_dead]:
                self._forget(dead.key)
            known = next((each for each in self._kept.values() if each.is_of(model, given)), None)
        session = known or Session(model, given, make())
        with self._lock:
            self._kept[session.key] = session
            self._kept.move_to_end(session.key)
            while len(self._kept) > self.most:
                self._forget(next(iter(self._kept)))
        return session

    def find(self, key: str) -> Session | None:
        """None where it has been dropped, or never was. What the others have drawn is forgotten."""
        with self._lock:
            session = self._kept.get(key)
            if session is None:
                return None
            self._kept.move_to_end(key)
            for other in self._kept.values():
                if other is not session:
                    other.forget_planes()
            return session

    def drop(self, session: Session) -> None:
        with self._lock:
            self._forget(session.key)

    def _forget(self, key: str) -> None:
        self.losses += self._kept.pop(key, None) is not None


SESSIONS = Sessions()
