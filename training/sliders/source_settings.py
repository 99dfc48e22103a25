"""Who reads values, as a command line says it; and the picture that shows where faces are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor

from sat3d.clip import BUILT_IN, choose_architecture, load_clip
from sat3d.errors import ConfigError, FileError
from sat3d.faces.networks import load_face_networks
from sat3d.files.reading import read_bytes
from sat3d.generators import StyleGenerator
from sat3d.networks.reader import load_reader
from training.common.settings import Maybe, Range, Settings

from .heads import Pictures
from .sources import FaceSource, PhraseSource, ReaderSource, Source, Sources
from .tables import PHRASES, Phrases

_MOST_PHRASES, _MOST_BYTES = 256, 1 << 20


@dataclass(frozen=True, kw_only=True)
class SourceSettings(Settings):
    """For :func:`make_sources`."""

    source: tuple[Literal["reader", "faces", "clip"], ...] = ("reader",)
    """who reads values: our attribute reader, the photo networks (blendshapes and points), phrases by CLIP; of a name
    that several have, the first counts"""
    reader: Maybe[Path] = None  # the reader's .safetensors file (the built-in one)
    clip: str = ""  # an image-text model that open_clip knows ("": what its weights tell, or the built-in one)
    clip_weights: Maybe[Path] = None  # its .safetensors file
    phrases: Maybe[Path] = None
    """a JSON file of sliders by phrases: {"name": {"group": "age", "low": "a young face", "high": "an old face"}, …}"""
    resolution: Annotated[int, Range(0, 512)] = 48  # of volume rendering (0: the generator's own)


def make_sources(settings: SourceSettings, network: StyleGenerator, pictures: Pictures) -> Sources:
    """
    Raises:
        ConfigError: nobody reads, or no face where the photo networks need one. FileError: a file is not usable.
    """
    makers: dict[str, Callable[[], Source]] = {
        "reader": lambda: ReaderSource(load_reader(settings.reader).to(network.device)),
        "faces": lambda: FaceSource(load_face_networks().to(network.device), mean_picture(network, pictures)),
        "clip": lambda: _phrase_source(settings, network),
    }
    made = [makers[name]() for name in dict.fromkeys(settings.source)]
    if not made:
        raise ConfigError("Nobody reads", "no source", "reader, faces or clip", "say --source reader")
    return Sources(made)


@torch.no_grad()
def mean_picture(network: StyleGenerator, pictures: Pictures) -> Tensor:
    """The head of the mean w, from the front."""
    w = network.mapping.w_avg.reshape(1, -1)
    return pictures(network.styles(network.broadcast(w)), network.rig.label().to(w))


def _phrase_source(settings: SourceSettings, network: StyleGenerator) -> PhraseSource:
    choice = choose_architecture(settings.clip, settings.clip_weights)
    model = load_clip(choice.name or BUILT_IN, settings.clip_weights, network.device)
    return PhraseSource(model, read_phrases(settings.phrases) if settings.phrases else PHRASES)


def read_phrases(path: Path) -> tuple[Phrases, ...]:
    """
    Raises:
        FileError: missing, no JSON, or of another form.
    """
    wanted, again = '{"name": {"group": "age", "low": "a young face", "high": "an old face"}}', "correct it"
    try:
        found = json.loads(read_bytes(path, "a JSON file of phrases", _MOST_BYTES))
        entries = [Phrases(name, **entry) for name, entry in found.items()]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FileError("The file of phrases is not readable", f"{path.name} ({error})", wanted, again) from error
    words = all(isinstance(word, str) and word for entry in entries for word in asdict(entry).values())
    if not words or not 0 < len(entries) <= _MOST_PHRASES:
        raise FileError("The file of phrases is not usable", f"{path.name}, {len(entries)} entries", wanted, again)
    return tuple(entries)
