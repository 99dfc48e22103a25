"""A tiny image-text model that knows the words of the built-in domain."""

from pathlib import Path

from sat3d.clip import ClipConfig, OwnClip
from sat3d.clip.built_in_clip import KIND
from sat3d.clip.tokenizer import vocabulary_of
from sat3d.domains import load_domain
from sat3d.files.network_files import save_network


def write_tiny_clip(assets: Path) -> None:
    """In place of the built-in one, in the folder ``assets``."""
    domain = load_domain("synthheads")
    words = vocabulary_of([sentence for group in domain for sentence in domain.sentences(group)])
    text = {"context_length": 20, "vocab_size": len(words) + 3, "width": 16, "heads": 2, "layers": 1}
    image = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32}
    save_network(assets / KIND.asset, KIND, OwnClip(ClipConfig(8, image, text, words)).eval())
