"""Normal forms of texts, for comparison; and whether there is a word in a text."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]")


def compose_accents(text: str) -> str:
    """In Unicode's form NFC: an accent is part of its letter, however the keyboard or the file system wrote it."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """The same for texts that differ only in capitals, spaces, or how a character is encoded; to compare, not to show.

    Example:
        >>> fold("Cafe\\u0301  au lait") == fold("café au lait")
        True
    """
    compatible = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", compatible).split())


def has_word(text: str) -> bool:
    """Whether there is a letter or a digit, of any script."""
    return bool(_WORD.search(text))
