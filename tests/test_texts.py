"""Texts as people mean them: what counts as the same, and what as a word."""

import unicodedata

import pytest

from sat3d.texts import compose_accents, fold, has_word


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("café au lait", unicodedata.normalize("NFD", "café au lait"), True),
        ("No Beard", "no beard", True),
        ("a  beard", "a beard", True),
        ("ｆｕｌｌ beard", "full beard", True),  # full width, as Chinese and Japanese keyboards write
        ("Straße", "STRASSE", True),
        ("full-beard", "full beard", False),  # a model may tell them apart
        ("cafe", "café", False),
        ("½ beard", "½ beards", False),
    ],
)
def test_what_looks_alike(one, other, same):
    assert (fold(one) == fold(other)) is same


def test_accents_become_part_of_their_letter():
    assert compose_accents("e\u0301") == "\u00e9" and compose_accents("\u00e9") == "\u00e9"


@pytest.mark.parametrize(("text", "there"), [("!!!", False), ("_ …", False), ("", False), ("7", True), ("胡", True)])
def test_a_word_is_a_letter_or_a_digit(text, there):
    assert has_word(text) is there
