"""The ways to edit that are compared, with answers known beforehand."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.masks import AttributeMasks
from training.evaluation.transfer.gradients import TextDirection, leading_directions, phrase_for
from training.evaluation.transfer.labelled import fit_boundary, labels_of, single_channels, variance_ratio
from training.evaluation.transfer.methods import (
    Choice,
    Copy,
    Method,
    Pairing,
    Tuning,
    copy_all,
    copy_layers,
    from_masks,
    layer_mask,
)
from training.evaluation.transfer.triples import draw_cases


def pairing(network, people, attribute="beard") -> Pairing:
    return Pairing(network, people, draw_cases(people, 2, 5, (attribute,))[attribute])


def test_copies_are_the_reference_where_the_mask_is_one(network, people):
    pair, layout = pairing(network, people), network.layout
    (edit,) = copy_all(layout).options["beard"].values()
    torch.testing.assert_close(layout.editable(edit(pair, 1.0)), layout.editable(pair.reference))
    assert torch.equal(edit(pair, 0.0), pair.source)
    rest = [layout.slices[layer.name] for layer in layout.layers if layer not in layout.editable_layers]
    assert all(torch.equal(edit(pair, 2.0)[:, place], pair.source[:, place]) for place in rest)
    first = layout.editable_layers[0]
    one = Copy(layer_mask(layout, [first.name]))(pair, 1.0)
    changed = (one != pair.source).any(0)
    assert changed[layout.slices[first.name]].any() and changed.sum() <= first.channels


def test_every_range_of_levels_is_an_option(network):
    options = copy_layers(network.layout).options["beard"]
    levels = 4  # of 4, 8, 16 and 32 pixels
    assert len(options) == levels * (levels + 1) // 2
    assert options["b4-b32"].mask.eq(1).all() and options["b8-b8"].mask.sum() == sum(
        layer.channels for layer in network.layout.editable_layers if ".b8." in layer.name
    )


def test_masks_do_what_the_transfer_equation_says(network, people):
    pair, layout = pairing(network, people), network.layout
    masks = AttributeMasks.initial(["beard"], layout)
    (edit,) = from_masks("sat3d", masks).options["beard"].values()
    own, theirs = layout.editable(pair.source), layout.editable(pair.reference)
    wanted = own + 1.5 * masks.mask(["beard"]) * (theirs - own)
    torch.testing.assert_close(layout.editable(edit(pair, 1.5)), wanted)
    assert list(from_masks("sat3d", masks).options) == ["beard"]


def test_the_variance_ratio_by_hand():
    codes = torch.tensor([[0.0, 1, 5], [2, 1, 0], [10, 2, 5], [12, 2, 0], [99, 99, 99]])
    found = variance_ratio(codes, torch.tensor([0, 0, 1, 1, -1]))
    assert found[0].item() == pytest.approx(25) and found[1] > 1e6 and found[2].item() == pytest.approx(0)


def test_single_channels_are_those_that_tell_the_label(network, people):
    codes = people.styles.clone()
    index = network.layout.editable_index[7]
    codes[:, index] = torch.tensor([100.0 * len(truth["beard"]) for truth in people.truths])
    method = single_channels(network.layout, replace(people, styles=codes))
    assert method.options["beard"]["1 channels"].mask.nonzero().flatten().tolist() == [7]


def test_a_boundary_is_crossed_as_far_as_members_are():
    stream = torch.Generator().manual_seed(0)
    values = ["none", "round", "sunglasses", "other"]
    number = torch.randint(4, (3000,), generator=stream)
    w = torch.randn(3000, 6, generator=stream)
    w[:, 0] += 4.0 * (number == 1) - 4.0 * (number == 2)
    truths = [{"glasses": values[i]} for i in number.tolist()]
    assert labels_of(truths, "glasses")[0].min() == -1
    boundary = fit_boundary(w, truths, "glasses")
    members = w[number == 0]
    moved = members + boundary.step(members, ["none"] * len(members), ["round"] * len(members))
    found = (moved @ boundary.weight.T + boundary.bias).argmax(1)
    assert (found == boundary.values.index("round")).float().mean() > 0.95
    assert (moved - members)[:, 0].mean().item() == pytest.approx(4, abs=0.6)
    assert (moved - members)[:, 1:].mean(0).norm() < 0.6
    there = w[number == 1] + 50 * torch.eye(6)[0]
    assert boundary.step(there, ["none"] * len(there), ["round"] * len(there)).abs().max() == 0  # far beyond already


def test_a_text_direction_moves_the_channels_that_follow_it():
    domain = load_domain("synthheads")
    texts = {phrase: torch.zeros(3) for group in domain.groups("beard") for phrase in group.phrases}
    texts |= {"no beard": torch.tensor([0.0, 0, 0]), "a goatee": torch.tensor([1.0, 0, 0])}
    changes = torch.tensor([[2.0, -1.0, 0.1, 0.0], [0, 0, 1.0, 1.0], [0, 0, 0, 1.0]])
    direction = TextDirection(domain, "beard", texts, changes, torch.tensor([1.0, 2, 3, 4]), 2, 5.0)
    change = direction.change({"beard": "none"}, {"beard": "goatee"})
    torch.testing.assert_close(change, torch.tensor([5.0, -10, 0, 0]))


def test_the_closest_phrase_of_a_value():
    domain = load_domain("synthheads")
    assert phrase_for(domain, "hairstyle", "hair_style", "quiff") == "a quiff"
    assert phrase_for(domain, "eye_region", "iris_colour", "dark") == "brown eyes"
    assert phrase_for(domain, "beard", "beard", "hidden") is None


def test_leading_directions_span_what_differs():
    vectors = torch.tensor([[3.0, 0, 1], [-3, 0, 1], [0, 1, 1], [0, -1, 1]])
    torch.testing.assert_close(leading_directions(vectors, 2).abs(), torch.eye(3)[:2])


def test_tuning_takes_the_best_option_and_then_the_best_intensity(people):
    cases = draw_cases(people, 1, 12, ("beard",))
    asked = []

    class Known(Tuning):
        def __init__(self):
            self.cases = cases

        def product(self, edit, cases, delta):
            asked.append((edit, len(cases), delta))
            return -abs(edit - 3) - abs(delta - 1.5)

    method = Method("numbers", "", {"beard": {str(i): i for i in range(8)}})
    assert Known().choose(method, "beard", (0.5, 1.0, 1.5)) == Choice("3", 1.5)
    assert sum(count == 4 for _, count, _ in asked) == 8 and sum(count == 12 for _, count, _ in asked) == 4 + 3
