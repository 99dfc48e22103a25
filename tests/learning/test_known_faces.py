"""Faces at hand in place of drawn ones: each use has its own, in the order of its seed; folders tell them apart."""

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.learning.known_faces import FEWEST, KnownFaces


def numbered(count: int = FEWEST) -> KnownFaces:
    return KnownFaces(torch.arange(float(count))[:, None].expand(-1, 3).contiguous())


def test_each_use_has_faces_of_its_own_and_all_of_them_in_turn():
    faces, seen = numbered(), {}
    for use in ("learning", "choosing", "judging"):
        own = faces.apart(use)
        count = {"learning": FEWEST * 6 // 8}.get(use, FEWEST // 8)
        seen[use] = own.draw(5, 0, count)[:, 0].tolist()
        assert len(set(seen[use])) == count
        assert torch.equal(own.draw(5, count, 4), own.draw(5, 0, 4))  # after the last the first again
    together = [number for part in seen.values() for number in part]
    assert sorted(together) == list(range(FEWEST))


def test_the_order_is_the_seeds_and_any_part_of_it_can_be_asked_for():
    faces = numbered()
    whole = faces.draw(1, 0, 20)
    assert torch.equal(whole[7:12], faces.draw(1, 7, 5))
    assert not torch.equal(whole, faces.draw(2, 0, 20))


def test_its_fingerprint_is_that_of_all_faces():
    faces = numbered()
    assert faces.fingerprint == faces.apart("judging").fingerprint == numbered().fingerprint
    assert faces.fingerprint != KnownFaces(faces.styles + 1).fingerprint


def test_too_few_are_refused():
    with pytest.raises(ConfigError, match=r"too few faces.*127"):
        numbered(FEWEST - 1)
