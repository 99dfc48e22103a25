"""Parts grown together: a plain face near the composed one, from all sides; when nothing is to be done; cancelling."""

from dataclasses import replace

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.latent import load_latent
from sat3d.latent_layers import Layer
from sat3d.parts.healing import _start, grow_together
from sat3d.parts.swapping import weights_of
from tests.conftest import seeded, tiny_config
from tests.parts.setup import face_of, sure_field
from tests.parts.test_composing import images


@pytest.fixture(scope="module")
def network():
    return seeded(tiny_config())


@pytest.fixture(scope="module")
def composed(network):
    """All of one head over another: what is wanted is the other head."""
    layer = Layer(face_of(network, 2).styles, ("hair",))
    return replace(face_of(network, 1), layers=(layer,), part_field=weights_of(sure_field(network, "hair")))


def test_one_plain_face_comes_near_from_all_sides(network, composed):
    grown = grow_together(network, composed, 60)
    assert not grown.layers and grown.part_field is None and grown.edits == composed.edits
    wanted, before, after = (images(network, face) for face in (composed, replace(composed, layers=()), grown))
    off, far_off = (some.sub(wanted).square().mean((1, 2, 3)) for some in (after, before))
    assert (off < 0.35 * far_off).all(), (off, far_off)


def test_it_begins_at_the_source_with_the_references_attributes(network, composed):
    """Where masks told how that looks, which is near already; else at the source."""
    below = Layer(face_of(network, 2).styles, ("hair",), adds=False)
    assert torch.equal(_start(replace(composed, layers=(below, *composed.layers))), below.styles)
    assert torch.equal(_start(composed), composed.styles)


def test_the_same_face_grows_the_same(network, composed):
    first, second = (grow_together(network, composed, 3).styles for _ in range(2))
    assert torch.equal(first, second) and not torch.equal(first, composed.styles)


def test_several_faces_grow_each_by_itself(network, composed):
    two = replace(
        composed,
        styles=composed.styles.repeat(2, 1),
        camera=composed.camera.repeat(2, 1),
    )
    told = []
    grown = grow_together(network, two, 2, lambda done, total: told.append((done, total)))
    torch.testing.assert_close(grown.styles, grow_together(network, composed, 2).styles.repeat(2, 1))
    assert told == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]


def test_nothing_is_done_where_nothing_is_to_be_done(network, composed):
    plain = face_of(network, 1)
    assert grow_together(network, plain, 5) is plain and grow_together(network, composed, 0) is composed


@pytest.mark.parametrize("steps", [-1, 10_000, 2.5])
def test_impossible_steps_are_refused(network, composed, steps):
    with pytest.raises(ConfigError, match="grow together"):
        grow_together(network, composed, steps)


def test_who_watches_can_stop_it(network, composed):
    class Stopped(Exception):
        pass

    def watch(done, total):
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        grow_together(network, composed, 5, watch)


def test_it_works_where_nothing_has_gradients_and_is_saved_as_a_plain_face(network, composed, tmp_path):
    with torch.inference_mode():
        grown = grow_together(network, composed, 2)
    grown.save(tmp_path / "face.safetensors")
    assert not load_latent(tmp_path / "face.safetensors").layers
