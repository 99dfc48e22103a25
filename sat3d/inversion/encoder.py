"""The encoder: a small network that finds w and the camera of a head picture in one pass."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ..checks import check_number, check_whole
from ..errors import ConfigError
from ..files.network_files import NetworkKind
from ..generators import StyleGenerator, as_view_generator
from ..latent import Latent
from ..networks.blocks import ConvNorm, halving_trunk
from ..networks.face_zoom import zoom_matrices
from ..networks.loading import check_pictures, resize
from ..networks.seen_faces import SeenFaces
from .face_look import FaceLook
from .glance import Glance

_LAST_CELLS = 4  # cells per side of the last feature map: pictures are registered, so where something is matters
_ANGLES = 2  # yaw and pitch


@dataclass(frozen=True)
class EncoderConfig:
    """``w_dim``: that of the generator whose latents it finds. ``widths``, ``depths``: channels and residual blocks at
    a half, a quarter, … of ``input_px``; ``face_zoom``: see ``sat3d/networks/face_zoom.py``; ``blocks``: layers that
    add to ``hidden``; ``face_points``, ``face_features``: how much it is told of what the landmark network sees, see
    :mod:`.face_look`; ``glance``: of the picture in ``glance_px`` pixels, see :mod:`.glance` (0: nothing).

    Raises:
        ConfigError: a size out of range, or levels that do not fit together.
    """

    w_dim: int
    input_px: int = 128
    widths: tuple[int, ...] = (24, 48, 96, 160, 192)
    depths: tuple[int, ...] = (0, 1, 1, 1, 0)
    squeezed: int = 64
    hidden: int = 512
    face_zoom: float = 2.2
    face_points: int = 0
    face_features: int = 0
    glance: int = 0
    glance_px: int = 32
    blocks: int = 0

    def __post_init__(self):
        for name in ("widths", "depths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for size in (self.w_dim, self.squeezed, self.hidden, self.glance_px, *self.widths):
            check_whole("A size of the encoder", size, 1, 4096)
        for size in (self.face_points, self.face_features, self.glance):
            check_whole("What the encoder is told", size, 0, 512)
        for depth in (*self.depths, self.blocks):
            check_whole("A depth of the encoder", depth, 0, 16)
        check_number("The encoder's face_zoom", self.face_zoom, 0, 8)
        if self.input_px != _LAST_CELLS * 2 ** len(self.widths) or len(self.depths) != len(self.widths):
            wanted = f"one depth per width, input_px = {_LAST_CELLS} · 2^widths"
            raise ConfigError("The encoder's levels do not fit together", self, wanted, "check the file")


@dataclass(frozen=True)
class Found:
    """What an encoder says of B pictures: ``ws [B, rows, w_dim]`` (or one row for all), angles ``[B]`` of the camera
    where it knows them, and what it draws besides: planes ``[B, H, W, P, C]`` in place of those of the styles, or to be
    added to them."""

    ws: Tensor
    yaw_rad: Tensor | None = None
    pitch_rad: Tensor | None = None
    planes: Tensor | None = None
    plane_offsets: Tensor | None = None


class FaceEncoder(Protocol):
    """Any network that says which w+ of a generator shows a picture; how to write one: :mod:`.foreign_encoder`."""

    def check(self, network: StyleGenerator) -> None:
        """Raises ConfigError for a generator that it was not made for."""
        ...

    def find(self, images: Tensor) -> Found:
        """``[B, 3, H, W]`` in -1..1, cropped as the generator's own pictures."""
        ...


@dataclass(frozen=True)
class Encoded:
    """``w [B, w_dim]``; ``yaw_rad``, ``pitch_rad`` ``[B]`` of the camera. Differentiable."""

    w: Tensor
    yaw_rad: Tensor
    pitch_rad: Tensor


class Added(nn.Module):
    """``x + f(x)`` of ``[B, size]``, f a layer of its own."""

    def __init__(self, size: int):
        super().__init__()
        self.layer = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, size), nn.SiLU(), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layer(x)


class PortraitEncoder(nn.Module):
    """Pictures to w and camera angles.

    Example:
        >>> encoder = load_encoder()
        >>> found = encoder(torch.zeros(2, 3, 128, 128))
        >>> found.w.shape == (2, encoder.config.w_dim), found.yaw_rad.shape
        (True, torch.Size([2]))
    """

    rows: Tensor
    columns: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.trunk = halving_trunk(config.widths, config.depths)
        self.squeeze = nn.Sequential(ConvNorm(config.widths[-1], config.squeezed, 1), nn.Flatten(), nn.Dropout(0.1))
        told, zoom = config.face_points + config.face_features, config.face_zoom
        self.look = FaceLook(config.face_points, config.face_features) if told else None
        self.glance = Glance(config.input_px, config.glance_px, zoom, config.glance) if config.glance else None
        told += config.glance
        blocks = [Added(config.hidden) for _ in range(config.blocks)]
        enter = nn.Linear(config.squeezed * _LAST_CELLS**2 + told, config.hidden)
        self.hidden = nn.Sequential(enter, nn.ReLU(), *blocks)
        self.values = nn.Linear(config.hidden + told, config.w_dim + _ANGLES)
        rows, columns = zoom_matrices(config.input_px, config.face_zoom)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("mean", torch.zeros(config.w_dim + _ANGLES))
        self.register_buffer("std", torch.ones(config.w_dim + _ANGLES))

    def see(self, images: Tensor, seen: SeenFaces | None = None) -> tuple[Tensor, Tensor | None]:
        """Pictures of any size -> what :meth:`raw` takes; ``seen``: in their faces, where that is known."""
        faces = None if self.look is None else self.look(images) if seen is None else self.look.summary(seen)
        return resize(images, self.config.input_px, self.config.input_px), faces

    def raw(self, images: Tensor, faces: Tensor | None = None) -> Tensor:
        """``[B, 3, S, S]`` with S = ``config.input_px``, in -1..1, and, where there is a look at faces, what it says of
        them -> ``[B, w_dim + 2]`` in standard units."""
        told = [some for some in (faces, self.glance and self.glance(images)) if some is not None]
        squeezed = self.squeeze(self.trunk(self.rows @ images @ self.columns.T))
        hidden = self.hidden(torch.cat([squeezed, *told], 1))
        return self.values(torch.cat([hidden, *told], 1))

    def units(self, raw: Tensor) -> Encoded:
        """What :meth:`raw` says, in the units of w and in radians."""
        values = raw * self.std + self.mean
        return Encoded(values[:, :-_ANGLES], values[:, -2], values[:, -1])

    def check(self, network: StyleGenerator) -> None:
        """See :func:`check_encoder`."""
        check_encoder(self, network)

    def find(self, images: Tensor) -> "Found":
        """The same as an inversion asks any encoder for it."""
        found = self(images.to(self.mean.device))
        return Found(found.w[:, None], found.yaw_rad, found.pitch_rad)

    def forward(self, images: Tensor) -> Encoded:
        """``[B, 3, H, W]`` in -1..1, at least 64 pixels, cropped as the generator's own pictures are.

        Raises:
            ShapeError: not such pictures.
        """
        check_pictures(images)
        return self.units(self.raw(*self.see(images)))


KIND = NetworkKind(
    "an encoder of portraits",
    "sat3d-encoder/1",
    "synthheads-encoder.safetensors",
    "training/train_encoder.py --help",
    EncoderConfig,
    PortraitEncoder,
)


load_encoder = KIND.load


@torch.no_grad()
def encode(encoder: PortraitEncoder, network: StyleGenerator, images: Tensor, fingerprint: str = "") -> Latent:
    """``[B, 3, H, W]`` in -1..1 -> B faces of ``network`` with their cameras; ``fingerprint``: that of its weights.

    Raises:
        ConfigError: an encoder for another generator, or a flat generator. ShapeError: not pictures.
    """
    check_encoder(encoder, network)
    found = encoder(images)
    styles = network.styles(network.broadcast(found.w))
    camera = network.rig.label(found.yaw_rad, found.pitch_rad)
    return Latent(styles, camera, fingerprint, network.layout.fingerprint, name="encoded")


def fits_encoder(encoder: PortraitEncoder, network: StyleGenerator) -> bool:
    """Whether the encoder can be one that was trained for such a generator."""
    try:
        check_encoder(encoder, network)
    except ConfigError:
        return False
    return True


def check_encoder(encoder: PortraitEncoder, network: StyleGenerator) -> None:
    """Refuse an encoder that was not trained for such a generator.

    Raises:
        ConfigError: it is one.
    """
    as_view_generator(network, "An encoder of faces and cameras")
    got, wanted = encoder.config.w_dim, network.config.backbone.w_dim
    if got != wanted:
        raise ConfigError(
            "The encoder belongs to another generator", f"w of {got} numbers", f"w of {wanted} numbers",
            "choose the encoder that was trained for this generator",
        )  # fmt: skip
