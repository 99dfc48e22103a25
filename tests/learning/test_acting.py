"""Where channels act: energies by hand, their expectation, faces without a region."""

import pytest
import torch

from sat3d.learning.acting import Acting, Probe, energies, probe

# Channel 0 paints the left half, 1 the right half twice as strongly, 2 both, 3 nothing.
PAINT = torch.zeros(4, 3, 4, 4)
PAINT[0, :, :, :2], PAINT[1, :, :, 2:], PAINT[2], PAINT[3] = 1, 2, 0.5, 0
LEFT = torch.zeros(1, 4, 4, dtype=torch.bool)
LEFT[:, :, :2] = True
REGIONS = torch.stack([LEFT, ~LEFT, torch.zeros_like(LEFT)])


def paint(code):
    return torch.einsum("bn,nchw->bchw", code, PAINT)


def look(seed):
    noise = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return probe(paint, torch.ones(1, 4), REGIONS, noise)


def test_a_gradient_is_led_back_from_inside_and_from_outside():
    found = probe(paint, torch.ones(1, 4), REGIONS, torch.ones(1, 3, 4, 4))
    assert found.inside.tolist() == [[24, 0, 12, 0], [0, 48, 12, 0], [0, 0, 0, 0]]  # 8 pixels of 3 colours
    assert found.outside.tolist() == [[0, 48, 12, 0], [24, 0, 12, 0], [0, 0, 0, 0]]
    assert found.seen.tolist() == [True, True, False]


def test_energies_are_what_the_jacobian_says():
    """E[gᵢ²] = Σ over the region of (∂picture/∂sᵢ)²: 24 pixels and colours in each half."""
    found = energies(look(seed) for seed in range(600))
    assert found.inside[0].tolist() == pytest.approx([24, 0, 6, 0], rel=0.15, abs=1e-6)
    assert found.outside[0].tolist() == pytest.approx([0, 96, 6, 0], rel=0.15, abs=1e-6)
    share = found.share_inside
    assert share[0, :2].tolist() == [1, 0] and share[0, 2] == pytest.approx(0.5, abs=0.05)
    assert share[0, 3] == 1 and share[2].tolist() == [1, 1, 1, 1]  # nothing is known


def test_the_second_moment_is_to_be_had_of_the_same_probes():
    """E[g gᵀ] = Jᵀ diag(region) J."""
    rows = [look(seed).inside[0] for seed in range(600)]
    moment = sum(row.outer(row) for row in rows) / len(rows)
    left = PAINT[:, :, :, :2].flatten(1)
    torch.testing.assert_close(moment, left @ left.T, atol=4, rtol=0)


def test_only_faces_that_show_the_region_count():
    one, nothing = torch.ones(1, 2), torch.zeros(1, 2)
    seen = Probe(2 * one, one, torch.tensor([True]))
    hidden = Probe(nothing, nothing, torch.tensor([False]))
    found = energies([seen, hidden, hidden])
    assert found.inside.tolist() == [[4, 4]] and found.outside.tolist() == [[1, 1]]
    assert energies([]) is None
    assert isinstance(energies([hidden]), Acting) and energies([hidden]).share_inside.tolist() == [[1, 1]]
