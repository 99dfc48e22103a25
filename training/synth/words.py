"""Putting captions together. A phrase may hold ``{colour}`` and other fields; ``@`` stands for "a" or "an"."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np


def pick(items: Sequence[str], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]


def tidy(text: str) -> str:
    """Single spaces, and each "@" as the article of the word after it."""
    text = " ".join(text.replace("@", " @ ").split())
    return re.sub(r"@ (\w)", lambda match: f"{'an' if match[1] in 'aeiou' else 'a'} {match[1]}", text)


def enumerate_words(items: Sequence[str]) -> str:
    """``["a", "b", "c"]`` -> ``a, b and c``."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def told(phrases: dict[str, str], chances: dict[str, float], rng: np.random.Generator) -> list[str]:
    """Some of the phrases, each by its chance, in any order; empty ones never."""
    some = [text for group, text in phrases.items() if text and rng.random() < chances[group]]
    rng.shuffle(some)
    return [tidy(text) for text in some]


def sentence(subject: str, having: Sequence[str]) -> str:
    """A subject "with" all of this, as a sentence."""
    text = tidy(subject) + (" with " + enumerate_words(having) if having else "")
    return text[0].upper() + text[1:] + "."
