"""First subspaces: coordinates, what answers explain, what stays inside a region."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.learning.acting import Probe
from sat3d.learning.carriers import BothForms, MaskMatrix, Subspaces, carrier_of, subspace_of
from sat3d.learning.directions import Basis, Choice, Evidence, Moments, explained_parts, kept_inside
from sat3d.masks import AttributeMasks


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def mixed_codes(count: int, number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Eight style channels that each mix four hidden numbers of spread 1; the mixing ``[4, 8]``."""
    hidden, mixing = torch.randn(count, 4, generator=seeded(number)), torch.randn(4, 8, generator=seeded(99))
    return hidden @ mixing + 3.0, hidden, mixing


def test_numbers_of_a_population_have_spread_one_and_lead_back():
    codes, _, _ = mixed_codes(2000, 1)
    basis = Basis.of(codes)
    assert basis.directions.shape == (8, 4)
    torch.testing.assert_close(basis.numbers(codes).T.cov(), torch.eye(4), atol=2e-3, rtol=0)
    back = basis.numbers(codes) * basis.spread @ basis.directions.T + basis.mean
    torch.testing.assert_close(back, codes, atol=1e-3, rtol=1e-3)


def test_gradients_follow_the_chain_rule():
    codes, _, _ = mixed_codes(500, 1)
    basis = Basis.of(codes)
    z = torch.zeros(1, 4, requires_grad=True)
    weights = torch.randn(8, generator=seeded(5))
    ((z * basis.spread @ basis.directions.T) @ weights).sum().backward()
    torch.testing.assert_close(basis.gradients(weights), z.grad[0])


@pytest.fixture
def domain():
    return load_domain("synthheads")


def answers_to(domain, asked: dict[str, torch.Tensor]) -> torch.Tensor:
    """QMM scores ``[N, phrases]`` where the first two answers of the first group of an attribute follow a number."""
    columns, count, seen = [], len(next(iter(asked.values()))), set()
    for group in domain:
        part = torch.full((count, len(group.phrases)), 1.0 / len(group.phrases))
        if group.attribute in asked and group.attribute not in seen:
            likely = torch.sigmoid(asked[group.attribute])
            part = torch.zeros_like(part)
            part[:, 0], part[:, 1] = likely, 1 - likely
            seen.add(group.attribute)
        columns.append(part)
    return torch.cat(columns, 1)


def test_what_answers_explain_is_found_among_mixed_channels(domain):
    codes, hidden, mixing = mixed_codes(3000, 2)
    basis = Basis.of(codes)
    scores = answers_to(domain, {"beard": hidden[:, 0], "expression": hidden[:, 1]})
    parts = explained_parts(basis.numbers(codes), scores, domain)
    carrier = Subspaces({name: subspace_of(parts[name], basis, 3) for name in ("beard", "expression")}, basis)
    other, _, _ = mixed_codes(2, 7)
    difference = other[:1] - other[1:]
    numbers = torch.linalg.lstsq(mixing.T, difference.T).solution[:, 0]  # of the hidden ones
    for row, own in ((0, 0), (1, 1)):
        moved = torch.linalg.lstsq(mixing.T, carrier(difference, torch.tensor([row])).T).solution[:, 0]
        assert moved[own].item() == pytest.approx(numbers[own].item(), rel=0.35)
        others = [i for i in range(4) if i != own]
        assert moved[others].abs().max() < 0.1 * numbers.abs().max()
    assert parts["hairstyle"].norm() < 0.05 * parts["beard"].norm(), "nobody's answers differ"


def test_answers_that_go_together_are_parted(domain):
    """Expression's number is 0.7 of beard's and something of its own: what is the beard's alone does not go along."""
    codes, hidden, mixing = mixed_codes(4000, 3)
    both = 0.7 * hidden[:, 0] + 0.7 * hidden[:, 1]
    scores = answers_to(domain, {"beard": hidden[:, 0], "expression": both})
    basis = Basis.of(codes)
    part = explained_parts(basis.numbers(codes), scores, domain)["expression"]
    written = basis.directions * basis.spread @ part  # where changes go, in styles
    left, sizes, _ = torch.linalg.svd(written)
    direction = torch.linalg.lstsq(mixing.T, left[:, :1] * sizes[0]).solution[:, 0]
    assert direction[1].abs() > 5 * direction[0].abs()


def test_what_would_change_the_outside_is_left_out():
    """Direction 0 acts inside alone, 1 outside alone, 2 on both sides: by hand 1/(1 + ν'), 0 and 1/(2 + ν')."""
    inside, outside = torch.diag(torch.tensor([1.0, 0.0, 1.0])), torch.diag(torch.tensor([0.0, 1.0, 1.0]))
    kept = kept_inside(torch.eye(3), inside, outside, Choice(0.0, 1.0, 0.3))
    floor = 0.3 * 2 / 3
    assert kept.diagonal().tolist() == pytest.approx([1 / (1 + floor), 0, 1 / (2 + floor)])


def test_moments_are_means_over_the_probes_that_see_a_region():
    basis = Basis(torch.zeros(2), torch.eye(2), torch.tensor([1.0, 2.0]))
    one = Probe(torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([True]))
    none = Probe(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([False]))
    found = Moments.of([one, none], basis)
    assert found.inside.tolist() == [[[1, 2], [2, 4]]] and found.outside.tolist() == [[[0, 0], [0, 4]]]
    assert Moments.of([], basis) is None


def test_of_the_unexplained_a_share_goes_along():
    parts = {"a": torch.diag(torch.tensor([1.0, 0.0])), "b": torch.zeros(2, 2)}
    free = Moments(torch.eye(2).expand(2, 2, 2), torch.zeros(2, 2, 2))
    basis, choice = Basis(torch.zeros(2), torch.eye(2), torch.ones(2)), Choice(0.5, 1.0, 0.0)
    assert Evidence(basis, parts, free).matrix("a", choice).diagonal().tolist() == pytest.approx([1, 0.5])
    assert torch.equal(Evidence(basis, parts, None).matrix("a", choice), parts["a"]), "nothing guards the rest"
    twice = replace(choice, gain=2.0)
    assert Evidence(basis, parts, free).matrix("a", twice).diagonal().tolist() == pytest.approx([2, 1])


def test_a_subspace_of_full_rank_is_its_matrix():
    codes, _, _ = mixed_codes(400, 4)
    basis, matrix = Basis.of(codes), torch.randn(4, 4, generator=seeded(3))
    subspace = subspace_of(matrix, basis, 4)
    carrier = Subspaces({"a": subspace}, basis)
    difference = codes[:5] - codes[5:10]
    wanted = (difference @ (basis.directions / basis.spread)) @ matrix.T @ (basis.directions * basis.spread).T
    torch.testing.assert_close(carrier(difference, torch.zeros(5, dtype=torch.long)), wanted, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(subspace(difference), wanted, atol=1e-3, rtol=1e-3)
    assert carrier.indecision() == 0


def test_a_mask_matrix_moves_each_channel_by_its_probability():
    logits = torch.tensor([[0.0, 9.0], [0.0, -9.0], [0.0, -9.0]])
    moved = MaskMatrix(logits)(torch.tensor([[3.0, 2.0]]), torch.tensor([0]))
    assert moved[0].tolist() == pytest.approx([1.0, 2.0], abs=1e-4)


def test_what_learns_begins_as_the_masks_and_ends_in_them(tiny_masks):
    masks, basis, difference = tiny_masks
    carrier = carrier_of(masks, basis)
    assert isinstance(carrier, BothForms)
    for row, name in enumerate(masks.attributes):
        moved = carrier(difference, torch.full((len(difference),), row))
        torch.testing.assert_close(moved, masks.change([name], difference), atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        carrier.subspaces.write.mul_(2)
        carrier.matrix.logits[0] += 1
    learned = carrier.learned(masks)
    torch.testing.assert_close(learned.change(["b"], difference), 2 * masks.change(["b"], difference))
    torch.testing.assert_close(learned.logits[0], masks.logits[0] + 1)
    assert isinstance(carrier_of(replace(masks, subspaces={}), None), MaskMatrix)


@pytest.fixture
def tiny_masks():
    """Two attributes over eight channels: a mask of the first, a subspace of the second; a basis, and differences."""
    codes, _, _ = mixed_codes(400, 4)
    basis = Basis.of(codes)
    own = subspace_of(torch.randn(4, 4, generator=seeded(8)), basis, 2)
    logits = torch.randn(3, 8, generator=seeded(6))
    return AttributeMasks(logits, ("a", "b"), [["all", 8]], "none", {}, {"b": own}), basis, codes[:4] - codes[4:8]
