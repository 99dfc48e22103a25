"""Composed faces: what each sample takes, bit equality elsewhere, files, edits that are confined."""

import math
from dataclasses import replace

import pytest
import torch

from sat3d.domains import RegionPart
from sat3d.errors import ConfigError, FileError, LayoutError, ShapeError
from sat3d.generators import RenderOptions
from sat3d.latent import load_latent
from sat3d.latent_layers import EDIT, PART, Layer, identity_fit
from sat3d.masks import AttributeMasks
from sat3d.mesh.extraction import MeshOptions, extract_mesh
from sat3d.parts.cells import CELLS, HIDDEN, OPEN, OTHER, coordinate_axes, find_cells, look_up, removal_cells
from sat3d.parts.composing import blended_colours, blended_density
from sat3d.parts.confining import Region, confine_edit, edited_so_far
from sat3d.parts.fit import Anatomy, part_cells, similarity
from sat3d.parts.generator import network_showing, reach_px, views_of
from sat3d.parts.swapping import swap_parts, weights_of
from sat3d.transfer import transfer
from tests.conftest import seeded, tiny_config
from tests.generators.full_heads import tiny_full_head
from tests.parts.setup import LABELS, face_of, sure_field, tiny_field

OPTIONS = [RenderOptions(), RenderOptions(fast=True)]


def composed(network, field, base, other, **more):
    layer = Layer(other.styles, ("hair",), **more)
    return replace(base, layers=(layer,), part_field=weights_of(field))


def cameras(network):
    return torch.cat([network.rig.label(yaw, 0.1) for yaw in (-0.6, 0.0, 0.6)])


@pytest.fixture
def network():
    return seeded(tiny_config())


def images(network, face, options=None, field=None):
    with torch.no_grad():
        return torch.cat([view.image for view in views_of(network, face, cameras(network), options)])


def test_blending_is_exact_at_both_ends():
    raw = torch.tensor([[5.0, -3.0], [5.0, -3.0], [-200.0, 40.0]])
    picks = torch.tensor([[0.0], [1.0], [0.5]])
    assert torch.equal(blended_density(raw, picks), torch.tensor([5.0, -3.0, -80.0]))
    colours = torch.tensor([[[0.1], [0.9]]]).expand(3, 2, 1)
    found = blended_colours(colours, raw, picks)[:, 0]
    assert found[0] == 0.1 and found[1] == 0.9
    assert found[2] > 0.89  # of air and matter, half each, the matter gives the colour


def test_a_later_layer_lies_over_those_before():
    raw = torch.tensor([[1.0, 2.0, 3.0]])
    assert blended_density(raw, torch.tensor([[1.0, 1.0]])) == 3
    assert blended_density(raw, torch.tensor([[1.0, 0.0]])) == 2


@pytest.mark.parametrize("options", OPTIONS, ids=["exact", "fast"])
def test_where_nothing_is_of_the_part_the_face_is_the_base_bit_for_bit(network, options):
    field = sure_field(network, "skin")
    base, other = face_of(network, 1), face_of(network, 2)
    plain = images(network, base, options)
    assert torch.equal(images(network, composed(network, field, base, other), options), plain)
    assert not torch.equal(images(network, other, options), plain)


def test_where_all_is_of_the_part_the_other_face_is_shown(network):
    field = sure_field(network, "hair")
    base, other = face_of(network, 1), face_of(network, 2)
    face = composed(network, field, base, other)
    shown, alone = network_showing(network, face), network
    with torch.no_grad():
        ours = shown.render_features(shown.planes(face.styles), network.rig.label())
        theirs, plain = (
            alone.render_features(alone.planes(styles), network.rig.label()) for styles in (other.styles, base.styles)
        )
    dense = (theirs.opacity > 0.9).expand_as(theirs.features)
    off, apart = ((ours.features - each.features).abs()[dense].mean() for each in (theirs, plain))
    assert float(off) < 0.1 * float(apart)  # thin fog is of no part


@pytest.mark.parametrize("options", OPTIONS, ids=["exact", "fast"])
def test_pixels_far_from_any_touched_ray_are_the_sources(network, options):
    field = tiny_field(network)
    base, other = face_of(network, 1), face_of(network, 2)
    with torch.no_grad():
        labels = next(views_of(network, base, network.rig.label(), options, field, labelled=True)).parsing
    rare = LABELS[1 + int((labels[0, 1:].mean((1, 2)) - 0.3).abs().argmin())]
    layer = Layer(other.styles, (rare,), threshold=0.8, removed=0.8, feather=0.1)
    face = replace(base, layers=(layer,), part_field=weights_of(field))
    shown = network_showing(network, face)
    with torch.no_grad():
        planes, camera = shown.planes(face.styles), network.rig.label()
        options = replace(options, occupancy=shown.find_matter(planes) if options.fast else None)
        ours = shown.render_features(planes, camera, options)
        plain = network.render_features(network.planes(base.styles), camera, options)
        view = shown.render(planes, face.styles, camera, options).image
        own = network.render(network.planes(base.styles), base.styles, camera, options).image
    touched = ((ours.features - plain.features).abs().amax(1, keepdim=True) > 1e-4) | (
        (ours.opacity - plain.opacity).abs() > 1e-4
    )
    assert 0 < float(touched.float().mean()) < 1
    side = view.shape[-1]
    wide = torch.nn.functional.interpolate(touched.float(), size=(side, side), mode="nearest-exact")
    reach = reach_px(network.config.superresolution, touched.shape[-1])
    near = torch.nn.functional.max_pool2d(wide, 2 * reach + 1, 1, reach) > 0
    assert torch.equal(torch.where(near, own, view), own)
    assert not torch.equal(view, own) or bool(near.all())


def test_labels_change_no_picture_and_add_up(network):
    field, base = tiny_field(network), face_of(network, 1)
    with torch.no_grad():
        for options in OPTIONS:
            plain = list(views_of(network, base, cameras(network), options))
            labelled = list(views_of(network, base, cameras(network), options, field, labelled=True))
            for one, two in zip(plain, labelled, strict=True):
                assert torch.allclose(one.image, two.image, atol=1e-4) and torch.allclose(one.depth, two.depth)
                assert two.parsing.shape == (1, len(LABELS), 16, 16)
                assert torch.allclose(two.parsing.sum(1), torch.ones(1, 16, 16), atol=2e-3)


def test_a_composed_face_has_labels_meshes_and_fewer_samples(network):
    field = tiny_field(network)
    face = composed(network, field, face_of(network, 1), face_of(network, 2))
    shown = network_showing(network, face, labelled=True)
    with torch.no_grad():
        view = shown.coarser(0.7).synthesize(face.styles)
        assert view.parsing is not None and torch.isfinite(view.image).all()
        planes = shown.planes(face.styles)
        density, colours = shown.query(planes, torch.rand(1, 7, 3) - 0.5)
        assert density.shape == (1, 7) and colours.shape == (1, 7, network.config.plane_features)
        mesh = extract_mesh(shown, planes, MeshOptions(16, 0.0, 0.0), styles=face.styles)
    assert len(mesh.faces)


@pytest.mark.parametrize("case", ["panohead", "spherehead"])
def test_full_heads_are_composed_too(case):
    try:
        network = tiny_full_head(case)
    except KeyError:
        pytest.fail(f"no such case {case}")
    field = sure_field(network, "skin")
    base, other = face_of(network, 1), face_of(network, 2)
    with torch.no_grad():
        plain = network.synthesize(base.styles).image
        face = composed(network, field, base, other)
        assert torch.equal(network_showing(network, face).synthesize(base.styles).image, plain)
        all_of_it = composed(network, sure_field(network, "hair"), base, other)
        assert not torch.equal(network_showing(network, all_of_it).synthesize(base.styles).image, plain)


def test_the_network_stays_as_it_is(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    face = composed(network, tiny_field(network), face_of(network, 1), face_of(network, 2))
    shown = network_showing(network, face)
    assert shown.fingerprint() == network.fingerprint()
    assert next(shown.parameters()).data_ptr() == next(network.parameters()).data_ptr()
    images(network, face)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


# -- fit and cells


def test_a_similarity_is_found_again():
    points, weights = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)), torch.rand(7) + 0.1
    angle = torch.tensor(0.2)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1]])
    shift = torch.tensor([0.1, -0.2, 0.3])
    there = 1.1 * points @ turn.T + shift
    fit = similarity(points, there, weights)
    assert torch.allclose(fit[:, :3], 1.1 * turn, atol=1e-5) and torch.allclose(fit[:, 3], shift, atol=1e-5)


def test_a_fit_that_no_head_needs_becomes_a_shift():
    points = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    fit = similarity(points, points * 3 + 1, torch.ones(5))
    assert torch.equal(fit[:, :3], torch.eye(3))


@pytest.mark.parametrize("rendering", [{}, {"plane_warp": 0.2}])
def test_cells_know_where_points_are(rendering):
    network = seeded(tiny_config(**rendering))
    scene = network.volume(network.planes(face_of(network, 1).styles))
    assert coordinate_axes(scene) is not None
    points = torch.tensor([[0.0, 0.0, 0.0], [0.3, -0.2, 0.1]])
    cells = find_cells(scene, points)
    assert int(cells.sum()) == 2 and bool(cells[CELLS // 2, CELLS // 2, CELLS // 2])
    known = removal_cells(scene, points[:1], points[1:])
    assert known[CELLS // 2, CELLS // 2, CELLS // 2] == HIDDEN
    assert int(known[tuple(cells.nonzero()[0 if cells.nonzero()[0][0] != CELLS // 2 else 1])]) == OTHER
    assert set(known.unique().tolist()) <= {OTHER, OPEN, HIDDEN}
    middle = torch.tensor([[0.5 + 0.5 / CELLS] * 3])
    assert look_up(known.float(), middle) == HIDDEN
    assert look_up(known.float(), torch.full((1, 3), -1e3)) == 0


# -- swaps


def test_a_swap_is_a_latent_that_is_saved_and_loaded(network, tmp_path):
    field = tiny_field(network)
    source, reference = face_of(network, 1, "ann"), face_of(network, 2, "bob")
    face = swap_parts(network, field, source, reference, ["hair", "glasses"])
    assert face.edits[-1].attributes == ("hair", "glasses") and face.edits[-1].reference == "bob"
    assert torch.equal(face.styles, source.styles) and [layer.kind for layer in face.layers] == [PART]
    face.save(tmp_path / "face.safetensors")
    again = load_latent(tmp_path / "face.safetensors", network.layout)
    assert again.edits == face.edits and again.layers[0].parts == face.layers[0].parts
    assert torch.equal(images(network, again), images(network, face))


def test_what_is_beneath_comes_from_the_sources_own_edit(network):
    masks = AttributeMasks.initial(["hairstyle"], network.layout)
    source, reference = face_of(network, 1), face_of(network, 2)
    face = swap_parts(network, tiny_field(network), source, reference, ["hair"], masks=masks)
    below, above = face.layers
    assert below.removes and not below.adds and above.adds and not above.removes
    assert torch.equal(above.styles, reference.styles)
    assert torch.equal(below.styles, transfer(source, reference, masks, ["hairstyle"], network.layout).styles)


def test_old_latents_are_written_as_before(network, tmp_path):
    from safetensors import safe_open

    face_of(network, 1).save(tmp_path / "plain.safetensors")
    with safe_open(str(tmp_path / "plain.safetensors"), "pt") as stream:
        assert stream.metadata()["schema"] == "sat3d-latent/1" and set(stream.keys()) == {"styles", "camera"}


def test_batches_pair_and_are_shown_face_by_face(network):
    field = tiny_field(network)
    both = replace(face_of(network, 1), styles=torch.cat([face_of(network, seed).styles for seed in (1, 3)]))
    face = swap_parts(network, field, both, face_of(network, 2), ["hair"])
    assert len(images(network, face)) == 2 * 3
    singles = [swap_parts(network, field, face_of(network, seed), face_of(network, 2), ["hair"]) for seed in (1, 3)]
    assert torch.allclose(images(network, face), torch.cat([images(network, one) for one in singles]), atol=1e-5)
    with pytest.raises(ShapeError, match="one at a time"):
        network_showing(network, face)


def test_what_cannot_be_swapped_is_refused(network):
    field, source, reference = tiny_field(network), face_of(network, 1), face_of(network, 2)
    with pytest.raises(ConfigError, match="beak"):
        swap_parts(network, field, source, reference, ["beak"])
    with pytest.raises(ConfigError):
        swap_parts(network, field, source, reference, [])
    with pytest.raises(ConfigError, match="background"):
        swap_parts(network, field, source, reference, ["background"])
    with pytest.raises(LayoutError, match="two generators"):
        swap_parts(network, field, source, replace(reference, generator_fingerprint="x"), ["hair"])
    twice = swap_parts(network, field, source, reference, ["hair"])
    with pytest.raises(ShapeError, match="composed itself"):
        swap_parts(network, field, reference, twice, ["hair"])
    three = replace(reference, styles=reference.styles.repeat(3, 1))
    with pytest.raises(ShapeError, match="do not pair"):
        swap_parts(network, field, replace(source, styles=source.styles.repeat(2, 1)), three, ["hair"])


def damaged(tmp_path, network, change):
    from safetensors import safe_open
    from safetensors.torch import save_file

    face = swap_parts(network, tiny_field(network), face_of(network, 1), face_of(network, 2), ["hair"])
    face.save(tmp_path / "face.safetensors")
    with safe_open(str(tmp_path / "face.safetensors"), "pt") as stream:
        header, tensors = stream.metadata(), {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    header, tensors = change(dict(header), tensors)
    save_file(tensors, tmp_path / "bad.safetensors", metadata=header)
    return tmp_path / "bad.safetensors"


@pytest.mark.parametrize(
    "change",
    [
        lambda h, t: (h | {"layers": "[1]"}, t),
        lambda h, t: (h | {"layers": "{}"}, t),
        lambda h, t: ({k: v for k, v in h.items() if k != "labels"}, t),
        lambda h, t: (h | {"labels": '["background"]'}, t),
        lambda h, t: (h | {"layers": h["layers"].replace('"hair"', '"beak"')}, t),
        lambda h, t: (h | {"layers": h["layers"].replace('"feather": 0.4', '"feather": 1e999')}, t),
        lambda h, t: (h | {"layers": h["layers"].replace('"part"', '"other"')}, t),
        lambda h, t: (h, {k: v for k, v in t.items() if k != "layer.0.styles"}),
        lambda h, t: (h, t | {"layer.0.fit": torch.full((1, 3, 4), 1e9)}),
        lambda h, t: (h, t | {"layer.0.cells": torch.zeros(1, 2, 200, 200, 200, dtype=torch.uint8)}),
        lambda h, t: (h, t | {"layer.0.styles": torch.full_like(t["layer.0.styles"], torch.nan)}),
    ],
)
def test_damaged_layers_are_refused(tmp_path, network, change):
    with pytest.raises((FileError, ShapeError, ConfigError)):
        load_latent(damaged(tmp_path, network, change), network.layout)


# -- edits that cannot leak


def masks_of(network):
    return AttributeMasks(
        torch.stack([torch.ones(network.layout.num_editable), torch.zeros(network.layout.num_editable)]),
        ("beard",), network.layout.to_json(), network.layout.fingerprint,
    )  # fmt: skip


def test_a_confined_edit_shows_in_its_region_alone(network):
    network.decoder.net[2].bias[0] += 10  # no fog: something solid must have the region's label
    source, reference = face_of(network, 1), face_of(network, 2)
    whole = transfer(edited_so_far(source), reference, masks_of(network), ["beard"], network.layout, 1.0)
    plain = images(network, source, OPTIONS[1])
    nowhere = confine_edit(network, sure_field(network, "skin"), source, whole, Region(("hair",)))
    assert torch.equal(images(network, nowhere, OPTIONS[1]), plain)
    everywhere = confine_edit(network, sure_field(network, "hair"), source, whole, Region(("hair",)))
    assert not torch.equal(images(network, everywhere, OPTIONS[1]), plain)
    assert everywhere.edits == whole.edits and torch.equal(everywhere.styles, source.styles)


def test_edits_follow_each_other_and_stay_below_parts_of_others(network):
    field, masks = sure_field(network, "hair"), masks_of(network)
    source, reference = face_of(network, 1), face_of(network, 2)
    face = swap_parts(network, field, source, face_of(network, 3), ["glasses"])
    for _ in range(2):
        whole = transfer(edited_so_far(face), reference, masks, ["beard"], network.layout, 0.5)
        face = confine_edit(network, field, face, whole, Region(("hair",)))
    assert [layer.kind for layer in face.layers] == [EDIT, EDIT, PART]
    first, second = (layer.styles for layer in face.layers[:2])
    once = transfer(source, reference, masks, ["beard"], network.layout, 0.5)
    twice = transfer(once, reference, masks, ["beard"], network.layout, 0.5)
    assert torch.equal(first, once.styles) and torch.allclose(second, twice.styles)
    assert len(face.edits) == 3
    free = transfer(face, reference, masks, ["beard"], network.layout, 0.5)
    assert torch.allclose(free.styles, once.styles) and not torch.equal(free.layers[0].styles, first)
    assert torch.equal(free.layers[2].styles, face.layers[2].styles)


def test_regions_of_a_domain_become_labels():
    pieces = [RegionPart(("hair",), 0.1), RegionPart(("skin", "hair"), 0.0, (0.4, 1.0))]
    region = Region.of(pieces, LABELS)
    assert region == Region(("hair",), ("skin",), 0.4, (0.1,))
    for wrong in ([], [RegionPart(("beak",))]):
        with pytest.raises(ConfigError, match="alterable region"):
            Region.of(wrong, LABELS)


def test_what_lies_beside_a_part_belongs_to_the_region(network):
    """The shade of hair on a neck, which is skin to the field, goes with the hair."""
    box, rig = network.config.rendering.box_warp, network.rig
    region = Region(("hair",), margins=(0.1,))
    assert region.around(network) == [math.ceil(0.1 * rig.radius / rig.focal / box * CELLS)]
    beside = torch.tensor([4 * box / CELLS, 0.0, 0.0])
    points, names = torch.stack([torch.zeros(3), beside]), torch.tensor([LABELS.index("hair"), LABELS.index("skin")])
    head = Anatomy({}, {}, {}, {}, points, names)
    bare = replace(head, points=points[1:], names=names[1:])
    place = (CELLS // 2 + 4, CELLS // 2, CELLS // 2)
    hair = [LABELS.index("hair")]
    assert part_cells(network, hair, head, head)[0][place] == OTHER
    assert part_cells(network, hair, head, head, [3])[0][place] == OTHER
    assert part_cells(network, hair, head, head, [4])[0][place] == HIDDEN
    assert part_cells(network, hair, bare, head, [4])[0][place] == HIDDEN  # hair that grows
    assert part_cells(network, hair, bare, bare, [4])[0][place] == OTHER


def test_a_lower_part_ends_at_a_height(network):
    field = sure_field(network, "skin")
    source, reference = face_of(network, 1), face_of(network, 2)
    layer = Layer(reference.styles, (), lower=("skin",), below=-9.0, kind=EDIT, fit=identity_fit())
    above = replace(source, layers=(layer,), part_field=weights_of(field))
    assert torch.equal(images(network, above), images(network, source))
    below = replace(above, layers=(replace(layer, below=9.0),))
    assert not torch.equal(images(network, below), images(network, source))


def test_a_cancel_in_the_networks_hooks_reaches_what_shows_a_composed_face(network):
    class StopError(Exception):
        pass

    def stop(*_):
        raise StopError

    face = composed(network, tiny_field(network), face_of(network, 1), face_of(network, 2))
    shown = network_showing(network, face, labelled=True)
    planes = shown.planes(face.styles)
    hooks = [module.register_forward_pre_hook(stop) for module in network.modules()]
    hooked = network_showing(network, face, labelled=True)
    with pytest.raises(StopError):
        hooked.planes(face.styles)  # of the network itself, which is asked for each face's planes
    for hook in hooks:
        hook.remove()
    with pytest.raises(StopError):
        hooked.superresolve(torch.zeros(1, 8, 16, 16), face.styles)  # of its own modules, which were given the hooks
    assert planes is not None
