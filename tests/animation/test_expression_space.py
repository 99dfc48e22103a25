"""Directions of expression: learned from faces, applied, read back, kept in files."""

import json

import pytest
import torch
from safetensors.torch import save_file

from sat3d.animation.expression_space import (
    ExpressionSpace,
    Fit,
    fit_expressions,
    load_expressions,
)
from sat3d.animation.learning import Lesson, ReadByFaces, learn_expressions
from sat3d.errors import FileError, LayoutError, ShapeError

NAMES = ("jaw_open", "smile_left", "lid_closed_left")


def people(layout, count: int = 400, seed: int = 0):
    """Faces whose channels 5 … 16 move with three values by known directions, among others that vary by themselves."""
    stream = torch.Generator().manual_seed(seed)
    values = torch.rand(count, 3, generator=stream)
    styles = 1 + 0.5 * torch.randn(count, layout.num_channels, generator=stream)
    directions = torch.randn(3, 12, generator=torch.Generator().manual_seed(1))
    index = layout.editable_index[5:17]
    styles[:, index] = 0.1 * styles[:, index] + values @ directions
    return styles, values, directions


@pytest.fixture
def learned(triplane):
    styles, values, directions = people(triplane.layout)
    channels = torch.zeros(triplane.layout.num_editable, dtype=torch.bool)
    channels[5:17] = True
    return fit_expressions(triplane.layout, styles, values, NAMES, channels, Fit(ridge=1e-4)), directions


def test_known_directions_are_found(learned):
    space, directions = learned
    assert isinstance(space, ExpressionSpace)
    torch.testing.assert_close(space.directions, directions, atol=0.05, rtol=0)


def test_values_are_read_from_faces_that_were_not_learned_from(triplane, learned):
    space, _ = learned
    styles, values, directions = people(triplane.layout, 50, seed=7)
    assert torch.equal(directions, learned[1])
    assert (space.read(styles) - values).abs().mean() < 0.05


def test_channels_that_move_together_are_not_heard_as_many_witnesses(triplane):
    def some(count, seed):
        styles, values, _ = people(triplane.layout, count, seed)
        common = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed + 100))
        mixing = torch.randn(2, 12, generator=torch.Generator().manual_seed(3))
        styles[:, triplane.layout.editable_index[5:17]] += 3 * common @ mixing
        return styles, values

    channels = torch.zeros(triplane.layout.num_editable, dtype=torch.bool)
    channels[5:17] = True
    space = fit_expressions(triplane.layout, *some(400, 0), NAMES, channels, Fit(ridge=1e-4, shrinkage=1e-4))
    styles, values = some(50, 7)
    assert (space.read(styles) - values).abs().mean() < 0.08  # 0.25: says nothing


def test_what_is_applied_is_read_back_and_nothing_else_moves(triplane, learned):
    space, _ = learned
    face, wanted = people(triplane.layout, 9)[0][:1], torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.2, 0.0, 1.0]])
    moved = space.apply(face, wanted)
    torch.testing.assert_close(space.read(moved), wanted, atol=0.02, rtol=0)
    others = torch.ones(face.shape[1], dtype=torch.bool)
    others[space.index] = False
    assert torch.equal(moved[:, others], face[:, others].expand(3, -1))
    assert torch.equal(space.apply(face, wanted[1:2])[0], moved[1])  # each row by itself
    torch.testing.assert_close(space.apply(face, space.read(face)), face)


def test_without_masks_the_channels_that_move_are_found(triplane):
    styles, values, _ = people(triplane.layout)
    count = 10
    fit = Fit(share=count / triplane.layout.num_editable, ridge=1e-4)
    space = fit_expressions(triplane.layout, styles, values, NAMES, fit=fit)
    assert len(space.index) == count and set(space.index.tolist()) <= set(triplane.layout.editable_index[5:17].tolist())


def test_the_rank_bounds_the_directions(triplane):
    styles, values, _ = people(triplane.layout)
    space = fit_expressions(triplane.layout, styles, values, NAMES, fit=Fit(rank=2))
    assert int(torch.linalg.matrix_rank(space.directions.double() / space.directions.norm(), rtol=1e-5)) == 2


def test_too_few_faces_and_other_generators_are_refused(triplane, stylegan2, learned):
    styles, values, _ = people(triplane.layout, 5)
    with pytest.raises(ShapeError, match="too few"):
        fit_expressions(triplane.layout, styles, values, NAMES)
    with pytest.raises(LayoutError, match="another generator"):
        learned[0].check_layout(stylegan2.layout)
    with pytest.raises(ShapeError, match="One face"):
        learned[0].apply(styles, values)


def test_a_space_comes_back_from_its_file(tmp_path, learned):
    space, _ = learned
    space.save(tmp_path / "e.safetensors")
    found = load_expressions(tmp_path / "e.safetensors")
    assert found.names == NAMES and found.layout_fingerprint == space.layout_fingerprint
    for part in ("index", "directions", "readout", "mean", "mean_values"):
        assert torch.equal(getattr(found, part), getattr(space, part)), part


GOOD = {"index": torch.tensor([3, 4]), "directions": torch.ones(1, 2), "readout": torch.ones(2, 1),
        "mean": torch.zeros(2), "mean_values": torch.zeros(1)}  # fmt: skip


@pytest.mark.parametrize(
    ("tensors", "names", "says"),
    [
        ({"index": torch.tensor([3, 3])}, ["jaw_open"], "not usable"),
        ({"index": torch.tensor([-1, 3])}, ["jaw_open"], "not usable"),
        ({"index": torch.tensor([3.0, 4.0])}, ["jaw_open"], "not usable"),
        ({"directions": torch.ones(2, 2)}, ["jaw_open"], "not usable"),
        ({"mean": torch.full((2,), torch.nan)}, ["jaw_open"], "not usable"),
        ({}, ["jaw_open", "jaw_open"], "not usable"),
        ({}, [1], "not usable"),
        ({}, None, "metadata"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, tensors, names, says):
    header = {"schema": "sat3d-expressions/1", "layout_fingerprint": "x"}
    header |= {} if names is None else {"names": json.dumps(names)}
    save_file({**GOOD, **tensors}, tmp_path / "bad.safetensors", metadata=header)
    with pytest.raises(FileError, match=says):
        load_expressions(tmp_path / "bad.safetensors")


class Known:
    """Reads a strength from the picture's brightness, and sees no face in every fourth."""

    names = ("jaw_open",)

    def __init__(self):
        self.count = 0

    def __call__(self, picture):
        self.count += 1
        return None if self.count % 4 == 0 else picture.mean().reshape(1)


def test_a_generator_is_learned_from_its_own_pictures(triplane):
    done = []
    space = learn_expressions(triplane, Known(), Lesson(faces=12), progress=lambda i, n: done.append(i))
    assert space.names == ("jaw_open",) and done[-1] == 12
    again = learn_expressions(triplane, Known(), Lesson(faces=12))
    assert torch.equal(again.directions, space.directions)


def test_pictures_without_faces_teach_nothing(triplane):
    with pytest.raises(ShapeError, match="Hardly a face"):
        learn_expressions(triplane, ReadByFaces(), Lesson(faces=1))
    assert len(ReadByFaces().names) == 27 and len(ReadByFaces(as_actions=False).names) == 52
