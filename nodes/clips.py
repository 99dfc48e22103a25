"""Image-text models for scores, listed, kept and moved as the host does it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.clip import BUILT_IN, ImageText, choose_architecture, load_clip
from ..sat3d.clip.built_in_clip import KIND
from ..sat3d.domains import Domain
from ..sat3d.errors import ConfigError
from ..sat3d.qmm import QMM, Measurement
from . import host, library, newer_hosts

ENTRY = BUILT_IN + library.BUILT_IN
LIBRARY = library.Library("open_clip", KIND.schema, "image-text models", "an open_clip_model.safetensors or a "
                          "model.safetensors of transformers, as the model hubs have them, or a file of "
                          "training/train_clip.py", always=KIND.asset)  # fmt: skip
ARCHITECTURE_TIP = (
    "For a file in models/open_clip: the name its weights were trained under, such as ViT-B-32. Empty: "
    "what its tensors tell, and the console says what. Weights of OpenAI, MetaCLIP and DFN want a name "
    "that ends in -quickgelu, most others one without: this alone the tensors cannot tell for sure."
)
PICTURES_AT_ONCE = 8
_BYTES_A_PIXEL = 64 * 4  # generously: numbers alive for each pixel that the model sees
_kept: dict[tuple[str, str], "HostClip"] = {}  # at most one


def architecture_input() -> io.Input:
    """Appended to the inputs of nodes that take a model of their user."""
    return io.String.Input(
        "architecture", default="", optional=True, **newer_hosts.advanced(), tooltip=ARCHITECTURE_TIP
    )


def measure(qmm: QMM, pictures: Tensor, before_piece: Callable[[int], None] = lambda done: None) -> Measurement:
    """Scores of ``[B, 3, H, W]`` in -1..1, on the CPU; some pictures at a time, so that memory suffices.

    ``before_piece`` gets the number of pictures done.
    """
    pieces, done = [], 0
    for piece in pictures.split(PICTURES_AT_ONCE):
        before_piece(done)
        pieces.append(qmm.measure(piece.to(qmm.model.device)).probabilities.cpu())
        done += len(piece)
    return Measurement(torch.cat(pieces), qmm.domain)


@dataclass(frozen=True, eq=False)
class HostClip:
    """An image-text model whose memory belongs to the host, and the domains whose sentences it has read."""

    name: str
    hosted: host.HostedNetwork[ImageText]
    read: dict[str, QMM] = field(default_factory=dict)

    def qmm(self, domain: Domain) -> QMM:
        """The model on the device, ready to measure.

        Raises:
            ConfigError: a word of the domain that the model does not know.
        """
        height, width = self.hosted.network.size
        network = self.hosted.ready(PICTURES_AT_ONCE * height * width * _BYTES_A_PIXEL)
        read = self.read.get(domain.name)
        if read is None or read.domain != domain:  # a user's own may have the name of one of the pack's
            self.read[domain.name] = read = QMM(network, domain)
        return read


def load(entry: str, architecture: str) -> HostClip:
    """The model of a combo entry; the one used last is kept, and read again only when its file changes.

    Raises:
        FileError, ConfigError: see :func:`sat3d.clip.load_clip`; or no architecture for a file that does not tell
            its own.
    """
    key = (LIBRARY.stamp(entry), architecture.strip())
    if key not in _kept:
        _kept.clear()
        _kept[key] = _read(entry, key[1])
    return _kept[key]


def _read(entry: str, architecture: str) -> HostClip:
    path = LIBRARY.path(entry)
    try:
        choice = choose_architecture(_given(entry, path, architecture), path)
        host.warn(choice.note)
        with torch.inference_mode(False):
            hosted = host.HostedNetwork(load_clip(choice.name, path))
    except ImportError as error:
        raise ConfigError(
            "The scores need the Python package open_clip_torch",
            error,
            None,
            "install the pack's requirements.txt with the Python that runs ComfyUI, and start it again",
        ) from error
    return HostClip(entry if choice.name == BUILT_IN else f"{choice.name} ({entry})", hosted)


def _given(entry: str, path: Path, architecture: str) -> str:
    """Files of the pack's own kind say what they are, whatever stands in the field from another file before."""
    return BUILT_IN if entry == ENTRY or LIBRARY.accepts(path) else architecture
