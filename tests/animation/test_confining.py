"""Expression that shows in its region alone."""

import pytest
import torch

from sat3d.animation.confining import far_apart
from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.animation.motion import Motion
from sat3d.animation.streaming import Animation, Confined, frames_of, make_clip
from sat3d.generators import RenderOptions
from sat3d.latent_layers import EDIT
from sat3d.parts.confining import Region
from sat3d.parts.swapping import swap_parts
from tests.conftest import seeded, tiny_config
from tests.parts.setup import face_of, sure_field

REGION = Region(("hair",))


@pytest.fixture(autouse=True)
def two_extremes(monkeypatch):
    monkeypatch.setattr("sat3d.animation.confining._EXTREMES", 2)


@pytest.fixture(scope="module")
def network():
    network = seeded(tiny_config())
    network.decoder.net[2].bias[0] += 10  # no fog: something solid must have the region's label
    return network


def clip_of(network, face, label: str):
    layout, ones = network.layout, torch.ones(1, 12)
    space = LinearExpressionSpace(("jaw_open",), layout.editable_index[:12], 3 * ones, ones.T / 36, torch.zeros(12),
                                  torch.zeros(1), layout.fingerprint)  # fmt: skip
    values = torch.tensor([[0.0], [0.5], [1.0]])
    motion = Motion(("jaw_open",), values, torch.zeros(3, 2), torch.zeros(3, 3))
    options = Animation(view="still", render=RenderOptions(16), quick=False)
    return make_clip(network, face, motion, space, options, Confined(sure_field(network, label), REGION))


def pictures(network, clip):
    return torch.cat([view.image for view in frames_of(network, clip)])


@pytest.mark.slow
def test_outside_of_the_region_nothing_moves_and_inside_it_does(network):
    face = face_of(network, 1)
    nowhere = pictures(network, clip_of(network, face, "skin"))  # all is skin, and the region is the hair
    assert torch.equal(nowhere[0], nowhere[2])
    everywhere = pictures(network, clip_of(network, face, "hair"))
    assert not torch.equal(everywhere[0], everywhere[2])


@pytest.mark.slow
def test_the_face_itself_holds_still_and_its_last_edit_moves(network):
    face = swap_parts(network, sure_field(network, "hair"), face_of(network, 1), face_of(network, 3), ["glasses"])
    clip = clip_of(network, face, "hair")
    assert [layer.kind for layer in clip.latent.layers][:1] == [EDIT] and len(clip.latent.layers) == 2
    styles, (edit,) = clip.styles(0, 3)
    assert torch.equal(styles, face.styles.expand(3, -1)) and clip.latent.edits == face.edits
    torch.testing.assert_close(clip.space.read(edit), clip.motion.values, atol=1e-4, rtol=0)


def test_frames_that_differ_most_tell_the_region():
    values = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.9, 0.0], [0.0, 0.8], [0.0, 0.1]])
    assert far_apart(values, 3) == [1, 3, 0]
    assert far_apart(torch.zeros(4, 2), 3) == [0]
