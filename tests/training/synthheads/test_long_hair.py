"""Hair that hangs or is tied: it stays off the face and the chest, has its style's length, and moves smoothly."""

import dataclasses

import numpy as np
import pytest

from training.synth.mesh import join
from training.synthheads.attributes import SHAPE_NAMES
from training.synthheads.hair.drape import clear_of_body
from training.synthheads.hair.long import bob, long_straight, long_wavy
from training.synthheads.hair.tied import bun, ponytail
from training.synthheads.hair.tube import Ball, Tube, sweep, wind
from training.synthheads.head import load_head_model
from training.synthheads.materials import Material
from training.synthheads.parameters import HeadParameters
from training.synthheads.scalp_map import CENTRE_M

STYLES = (bob, long_straight, long_wavy, bun, ponytail)
HANGING = STYLES[:3]
EXTREMES = [(0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (1.0, 1.0, -0.4)]


def look(volume=0.5, length=0.5, parting=-0.5, **head):
    return HeadParameters(hair_volume=volume, hair_length=length, parting=parting, **head)


def build(style, p):
    meshes, hair_look = style(p, load_head_model().pose(p).scalp)
    assert 0 <= hair_look.shine <= 1 and 0 <= hair_look.tip_raggedness <= 0.1
    return meshes


def odd_head(seed):
    generator = np.random.default_rng(seed)
    shape = tuple(generator.uniform(-0.8, 0.8, len(SHAPE_NAMES)))
    return {"shape": shape, "sex": generator.random(), "age": generator.random(), "weight": generator.random()}


def open_edges(mesh):
    """How many edges do not lie between two triangles; vertices at the same place count as one."""
    _, same = np.unique(np.round(mesh.position, 6), axis=0, return_inverse=True)
    triangles = same.reshape(-1)[mesh.triangles]
    first, second, third = triangles.T
    triangles = triangles[(first != second) & (second != third) & (third != first)]
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] == 1).sum())


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("values", EXTREMES)
def test_every_vertex_is_in_range(style, values):
    mesh = join(build(style, look(*values)))
    assert np.isfinite(mesh.position).all() and (mesh.material == Material.HAIR).all()
    assert np.allclose(np.linalg.norm(mesh.tangent, axis=1), 1, atol=1e-3)
    assert (mesh.rest[:, 1:].min() >= 0) and (mesh.rest[:, 1:].max() <= 1 + 1e-5)
    assert mesh.triangles.max() < len(mesh.position)
    solidity = mesh.extra[:, 0]
    assert solidity.min() > 0 and (solidity[mesh.rest[:, 1] < 0.89] == 1).all()  # thinner at the hairline only


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("values", EXTREMES)
def test_eyes_and_mouth_are_free(style, values):
    for seed in range(3):
        x, y, z = join(build(style, look(*values, **odd_head(seed)))).position.T
        assert not ((np.abs(x) < 0.048) & (y < 0.014) & (y > -0.11) & (z > 0.05)).any()


@pytest.mark.parametrize("length", [0.0, 0.5, 1.0])
def test_lengths_stay_within_their_style(length):
    lowest = {style: join(build(style, look(length=length))).position[:, 1].min() for style in HANGING}
    assert -0.125 < lowest[bob] < -0.07
    assert all(-0.33 < lowest[style] < -0.175 for style in (long_straight, long_wavy))


def test_the_fringe_ends_over_the_brows():
    fringe = build(bob, look())[1].position
    middle = fringe[np.abs(fringe[:, 0]) < 0.03]
    assert 0.022 < middle[:, 1].min() < 0.045


@pytest.mark.parametrize("style", HANGING)
def test_sheets_are_closed_and_face_outwards(style):
    for mesh in build(style, look()):
        rings = mesh.rest[:, 1] <= 0  # open only at the roots, under the skin
        assert open_edges(mesh) <= rings.sum()
        outer = (mesh.rest[:, 2] > 0.9) & (mesh.position[:, 1] > 0.02)
        from_centre = mesh.position[outer] - CENTRE_M
        assert ((mesh.normal[outer] * from_centre).sum(1) > 0).mean() > 0.95


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["hair_volume", "hair_length", "parting"])
def test_parameters_move_hair_a_little(style, name):
    p = look(0.4, 0.6, 0.1)
    moved = dataclasses.replace(p, **{name: getattr(p, name) + 0.01})
    before, after = (join(build(style, q)).position for q in (p, moved))
    assert 0 < np.abs(after - before).max() < 0.004


@pytest.mark.parametrize("style", STYLES)
def test_the_same_parameters_give_the_same_bytes(style):
    first, second = (join(build(style, look())) for _ in range(2))
    assert first.position.tobytes() == second.position.tobytes() and first.rest.tobytes() == second.rest.tobytes()


def test_waves_are_wider_and_bend_more_than_straight_hair():
    straight, wavy = (join(build(style, look(1.0, 1.0, 0.0))[:-1]) for style in (long_straight, long_wavy))  # no wisps
    assert wavy.position[:, 0].max() > straight.position[:, 0].max() + 0.01
    low = straight.position[:, 1] < -0.03
    assert np.abs(wavy.tangent[low, 1]).mean() < np.abs(straight.tangent[low, 1]).mean()


def test_a_bun_rises_over_the_crown_and_a_tail_hangs_at_the_side():
    scalp_top = load_head_model().pose(look()).relaxed[:, 1].max()
    assert scalp_top + 0.04 < join(build(bun, look())).position[:, 1].max() < 0.188
    for parting in (-1.0, 0.0, 1.0):
        tail = build(ponytail, look(parting=parting))[1].position
        assert tail[:, 0].max() > 0.10 and tail[:, 1].min() < -0.09


@pytest.mark.parametrize("style", [bun, ponytail])
def test_hair_that_is_pulled_back_lies_on_the_scalp_and_faces_outwards(style):
    head = load_head_model().pose(look(1.0, 1.0, 0.3))
    smooth = style(look(1.0, 1.0, 0.3), head.scalp)[0][0]
    from_centre = smooth.position - CENTRE_M
    azimuth = np.arctan2(from_centre[:, 0], from_centre[:, 2])
    distance = np.linalg.norm(from_centre, axis=1)
    scalp = np.linalg.norm(head.scalp.sample(azimuth, np.arccos(from_centre[:, 1] / distance))[0] - CENTRE_M, axis=1)
    assert (distance - scalp).min() > -0.008 and np.median(distance - scalp) < 0.02
    assert ((smooth.normal * from_centre).sum(1) > 0).mean() > 0.95


def test_ties_are_marked():
    assert join(build(bun, look())).extra[:, 2].max() == 1 and join(build(bob, look())).extra[:, 2].max() == 0


def test_points_are_moved_off_the_chest_and_the_rest_stays():
    head = load_head_model().pose(look())
    inside = np.zeros((5, 4, 3), np.float32) + np.float32([0.08, -0.21, 0.0])
    far = inside + np.float32([0, 0, 0.2])
    assert (clear_of_body(inside, head, 0.014, np.ones((5, 4)))[..., 2] > 0.01).all()
    assert np.allclose(clear_of_body(far, head, 0.014, np.ones((5, 4))), far)
    assert np.allclose(clear_of_body(inside, head, 0.014, np.zeros((5, 4))), inside)


def test_tubes_and_balls_are_closed_where_they_end():
    path = np.stack([np.zeros(20), np.linspace(0, 0.2, 20), np.linspace(0, 0.05, 20) ** 2], 1)
    radius = 0.02 * np.sin(np.linspace(0, np.pi, 20)).clip(0)
    radius[[0, -1]] = 0
    tube = sweep(Tube(path, radius))
    assert open_edges(tube) == 0 and (tube.normal[5::20] * (tube.position[5::20] - path[5])).sum(1).min() > 0
    ball = wind(Ball(np.zeros(3), np.array([0.0, 1.0, 0.0]), 0.03, 0.02))
    assert np.linalg.norm(ball.position, axis=1).max() < 0.031
    assert ((ball.normal * ball.position).sum(1) > 0).mean() > 0.9
