"""Parsers as mask learning needs them: the kinds that a domain may name, each behind the same two members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..domains import Domain
from ..errors import ConfigError
from ..generators import FullHeadGenerator, StyleGenerator
from ..generators.base import fingerprint_of
from ..parsing.bisenet import load_face_parser
from ..parsing.deeplab import load_voc_parser
from ..parsing.parser import load_parser


@dataclass(frozen=True)
class Segmenter:
    """A parser as masks need it: ``find`` takes ``[B, 3, H, W]`` in -1..1 to labels ``[B, H, W]``; None: the generator
    parses its pictures itself."""

    label_names: tuple[str, ...]
    find: Callable[[Tensor], Tensor] | None
    fingerprint: str = ""


BUILT_IN_PARSERS = ("head",)  # kinds whose weights come with the package
OWN_PARSER = "own"  # what a domain calls the parsing that some generators do themselves


def load_head_parser(weights: Path | None, device: torch.device) -> Segmenter:
    """The parser of the built-in domain, or one of its kind from a file."""
    parser = load_parser(weights).to(device)
    return Segmenter(parser.config.labels, parser.labels, fingerprint_of(parser))


def load_celebamask_parser(weights: Path | None, device: torch.device) -> Segmenter:
    """BiSeNet with the public weights of face-parsing.PyTorch, for photographs of faces."""
    parser = load_face_parser(weights).to(device)
    return Segmenter(parser.label_names, parser.labels, fingerprint_of(parser))


def load_deeplab(weights: Path | None, device: torch.device) -> Segmenter:
    """torchvision's DeepLabv3, for photographs of cats; ``weights`` may be its name."""
    parser = load_voc_parser(weights).to(device)
    return Segmenter(parser.label_names, parser.labels, fingerprint_of(parser))


# The kinds of parser that a domain file may name: weights (None: built-in) and device -> Segmenter.
PARSERS: dict[str, Callable[[Path | None, torch.device], Segmenter]] = {
    "head": load_head_parser,
    "celebamask": load_celebamask_parser,
    "voc": load_deeplab,
}


def load_segmenter(
    domain: Domain, weights: Path | None, device: torch.device, network: StyleGenerator | None = None
) -> Segmenter | None:
    """The parser that the domain names, or None where it names none. ``network``: for domains whose parser is the
    generator itself (``own``); its labels are called label_0, label_1 …, since files do not name them.

    Raises:
        ConfigError: a kind of parser that is not known, or a generator that does not parse its pictures.
        FileError: its weights are missing, damaged or of another kind.
    """
    if not domain.parser:
        return None
    if domain.parser == OWN_PARSER:
        return _own_segmenter(network)
    if domain.parser not in PARSERS:
        raise ConfigError(
            "The domain names a parser that is not known", domain.parser, f"one of {list(PARSERS)}", "correct its file"
        )
    return PARSERS[domain.parser](weights, device)


def _own_segmenter(network: StyleGenerator | None) -> Segmenter:
    count = network.config.parsing_labels if isinstance(network, FullHeadGenerator) else 0
    if not count:
        raise ConfigError("The domain wants a generator that parses its own pictures, and this one does not",
                          "no parsing layer", "a SphereHead with one", "choose a domain with a parser")  # fmt: skip
    return Segmenter(tuple(f"label_{i}" for i in range(count)), None)
