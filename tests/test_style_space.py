"""The flat style vector and its layers."""

import json

import pytest
import torch

from sat3d.errors import LayoutError, ShapeError
from sat3d.generators import StyleGAN2Config, TriplaneConfig
from sat3d.generators.stylegan2 import StyleGAN2
from sat3d.generators.triplane import TriplaneGenerator
from sat3d.style_space import StyleLayer, StyleLayout, describe_difference


def layout(*rows) -> StyleLayout:
    return StyleLayout(tuple(StyleLayer(*row) for row in rows))


SMALL = layout(
    ("a", 2, 0, "backbone_conv"),
    ("rgb", 1, 1, "backbone_torgb"),
    ("b", 3, 1, "backbone_conv"),
    ("sr", 2, -1, "superresolution_conv"),
)


def test_slices_and_editable_channels_by_hand():
    assert SMALL.num_channels == 8 and SMALL.num_editable == 5
    assert SMALL.editable_index.tolist() == [0, 1, 3, 4, 5]
    assert SMALL.slices["b"] == slice(3, 6)
    styles = torch.arange(8.0)[None]
    assert SMALL.editable(styles).tolist() == [[0, 1, 3, 4, 5]]
    assert SMALL.with_editable(styles, -torch.ones(1, 5)).tolist() == [[-1, -1, 2, -1, -1, -1, 6, 7]]


def test_full_size_networks_have_the_published_layout():
    with torch.device("meta"):
        ffhq, stylegan = TriplaneGenerator(TriplaneConfig()).layout, StyleGAN2(StyleGAN2Config()).layout
    assert (ffhq.num_channels, ffhq.num_editable, len(ffhq.layers), len(ffhq.editable_layers)) == (9760, 5760, 26, 13)
    assert (stylegan.num_channels, stylegan.num_editable) == (9088, 6048)
    rows = {layer.name: (layer.channels, layer.ws_index, layer.group) for layer in ffhq.layers}
    assert rows["backbone.synthesis.b8.conv0"] == (512, 1, "backbone_conv")
    assert rows["backbone.synthesis.b4.torgb"] == (512, 1, "backbone_torgb")
    assert rows["backbone.synthesis.b256.conv1"] == (128, 12, "backbone_conv")
    assert rows["superresolution.block1.torgb"] == (128, -1, "superresolution_torgb")
    offsets = torch.tensor([0] + [layer.channels for layer in ffhq.editable_layers]).cumsum(0).tolist()
    assert offsets == [0, 512, 1024, 1536, 2048, 2560, 3072, 3584, 4096, 4608, 5120, 5376, 5632, 5760]


def test_fingerprint_sees_every_field():
    others = [
        layout(("a", 2, 0, "backbone_conv")),
        layout(("a", 3, 0, "backbone_conv")),
        layout(("a", 2, 1, "backbone_conv")),
        layout(("a", 2, 0, "backbone_torgb")),
        layout(("c", 2, 0, "backbone_conv")),
    ]
    assert len({other.fingerprint for other in others}) == 5


def test_difference_names_the_layers():
    stored = json.loads(json.dumps(layout(("a", 4, 0, "backbone_conv"), ("c", 3, 1, "backbone_conv")).to_json()))
    text = describe_difference(stored, SMALL)
    assert "a: file 4, generator 2" in text and "b: file absent, generator 3" in text and "c: file 3" in text
    assert describe_difference(SMALL.to_json(), SMALL) == ""


def test_wrong_styles_are_refused():
    with pytest.raises(LayoutError, match=r"\[B, 8\]"):
        SMALL.split(torch.zeros(1, 7))
    with pytest.raises(ShapeError):
        SMALL.with_editable(torch.zeros(1, 8), torch.zeros(1, 4))


def test_editable_index_first_used_in_inference_mode_still_differentiates():
    fresh = layout(("a", 2, 0, "backbone_conv"))
    with torch.inference_mode():
        fresh.editable(torch.zeros(1, 2))
    x = torch.ones(1, 2, requires_grad=True)
    fresh.editable(x).sum().backward()
    assert x.grad.tolist() == [[1, 1]]
