"""Which channels QMM's answers about many faces explain."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import DescriptorGroup, Domain
from sat3d.learning.acting import Acting
from sat3d.learning.population import explained_shares, guarded_shares, populated_channels, population_shares


def test_shares_and_chances_by_hand():
    # Between the means 1 and 5: 16 of 20; 4 is left on 2 degrees of freedom. F = 8; adjusted R² = 1 − (4/2) / (20/3).
    codes = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 1.0], [6.0, 3.0]])
    share, chance = explained_shares(codes, [torch.tensor([0, 0, 2, 2])])
    assert share.tolist() == pytest.approx([0.7, 0])  # the second channel: the same means, so nothing
    assert chance.tolist() == pytest.approx([1 - (8 / 10) ** 0.5, 1])


def test_groups_explain_together_what_none_does_alone():
    first, second = torch.tensor([0, 0, 1, 1] * 5), torch.tensor([0, 1, 0, 1] * 5)
    codes = (first + 2 * second)[:, None] + 0.0
    alone = [float(explained_shares(codes, [answers])[0]) for answers in (first, second)]
    share, chance = explained_shares(codes, [first, second])
    assert max(alone) < 0.8 and float(share) == pytest.approx(1) and float(chance) < 1e-9


def test_with_an_answer_a_face_nothing_is_said():
    codes = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
    for answers in ([1, 1, 1, 1], [0, 1, 2, 3]):
        share, chance = explained_shares(codes, [torch.tensor(answers)])
        assert (share.tolist(), chance.tolist()) == ([0], [1])


def test_a_channel_that_never_changes_has_no_attribute():
    share, chance = explained_shares(torch.full((6, 1), 3.0), [torch.tensor([0, 0, 0, 1, 1, 1])])
    assert (share.tolist(), chance.tolist()) == ([0], [1])


def test_an_attribute_that_every_face_hides_has_no_channel(domain):
    codes, scores = population(20)
    scores[:, :2] = torch.tensor([0.9, 0.1])  # all are bald
    table = population_shares(codes, scores, domain)
    assert table[1].tolist() == [0] * 5 and torch.isfinite(table).all()


@pytest.fixture
def domain():
    hair = DescriptorGroup("hair", "length", ("bald", "long")), DescriptorGroup("hair", "curl", ("curly", "sleek"))
    groups = {"hair": hair, "colour": (DescriptorGroup("colour", "colour", ("red", "blue")),)}
    return Domain("x", "{}", groups, hidden={"colour": ("bald",)})


def population(count: int = 200):
    """Channels: hair length, curl, colour, chance, more colour than length. Colours of bald heads are noise."""
    generator = torch.Generator().manual_seed(4)
    answers = torch.randint(2, (count, 3), generator=generator)
    noise = 0.3 * torch.randn(count, 5, generator=generator)
    length, curl, colour = answers.T.float()
    codes = noise + torch.stack([length, curl, colour, 0 * colour, 0.6 * length + colour], 1)
    codes[:, 2] = torch.where(length == 1, codes[:, 2], 1 - codes[:, 2])  # as if bald heads had the other colour
    scores = torch.nn.functional.one_hot(answers, 2).flatten(1).float()
    return codes, 0.8 * scores + 0.1


def test_channels_begin_with_what_explains_them_best(domain):
    codes, scores = population()
    table = population_shares(codes, scores, domain)
    assert table.shape == (2, 5) and table[:, 3].tolist() == [0, 0] and table[1, 2] > 0.5
    chosen = populated_channels(["hair", "colour"], table)
    assert chosen["hair"][0].tolist() == [0, 1] and chosen["colour"][0].tolist() == [2, 4]
    assert chosen["hair"][1] == 7.0


def test_faces_that_hide_an_attribute_say_nothing_of_it(domain):
    codes, scores = population()
    seen_everywhere = Domain("x", "{}", domain.attributes)
    assert population_shares(codes, scores, seen_everywhere)[1, 2] < 0.1


def acting(share_inside: list[list[float]], strength: float = 1.0) -> Acting:
    inside = torch.tensor(share_inside)
    return Acting(strength * inside, strength * (1 - inside))


def test_what_something_kept_explains_better_is_nobodys(domain):
    """The first channel is the colour's answer, the second that with some noise beside the answer that is kept."""
    light = torch.arange(40) % 2
    colour = (torch.arange(40) // 2) % 2
    rows = torch.stack([0 * light, 1 + 0 * light, 1 + 0 * light, 0 * light, colour, 1 - colour, light, 1 - light], 1)
    codes = torch.stack([1.0 * colour, 3.0 * light + 0.5 * colour], 1)
    kept = replace(domain, kept={"light": (DescriptorGroup("light", "side", ("left", "right")),)})
    plain = population_shares(codes, rows[:, :6].float(), domain)
    guarded = population_shares(codes, rows.float(), kept)
    assert plain[1, 0] == pytest.approx(1) and guarded[1, 0] == pytest.approx(1)
    assert guarded[:, 1].tolist() == [0, 0]


def test_what_acts_elsewhere_is_guarded():
    """Channel 1 tells of a beard, but paints the hair; channel 2 is explained best by the beard, and acts at the
    glasses, which explain it, too."""
    shares = torch.tensor([[0.9, 0.6, 0.5, 0.0], [0.0, 0.0, 0.3, 0.7]])
    guarded = guarded_shares(shares, acting([[0.8, 0.1, 0.2, 0.1], [0.1, 0.1, 0.9, 0.6]]), torch.ones(4))
    chosen = populated_channels(["beard", "glasses"], guarded)
    assert chosen["beard"][0].tolist() == [0] and chosen["glasses"][0].tolist() == [2, 3]


def test_an_attribute_keeps_half_of_its_strength():
    """All act mostly elsewhere. Inside, strength by spread: 0.4, 0.3 · 4, 0.2 and 0.1: the half is had by the first two
    in the order of where they act."""
    shares, spread = torch.full((1, 4), 0.5), torch.tensor([1.0, 2.0, 1.0, 1.0])
    inside = acting([[0.4, 0.3, 0.2, 0.1]])
    assert guarded_shares(shares, inside, spread)[0].tolist() == [0.5, 0.5, 0, 0]
    assert guarded_shares(shares, inside, torch.ones(4))[0].tolist() == [0.5, 0.5, 0, 0]  # 0.4 of 1.0 are not enough
    assert guarded_shares(shares, inside, torch.tensor([2.0, 1.0, 1.0, 1.0]))[0].tolist() == [0.5, 0, 0, 0]


def test_where_nothing_is_known_nothing_is_guarded():
    shares = torch.tensor([[0.3, 0.2]])
    unknown = Acting(torch.zeros(1, 2), torch.zeros(1, 2))
    assert torch.equal(guarded_shares(shares, unknown, torch.ones(2)), shares)
