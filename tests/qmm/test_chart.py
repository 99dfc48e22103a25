"""The chart of scores: bars as long as they should be, any text, refusals."""

import pytest
import torch
from PIL import Image

from sat3d.domains import DescriptorGroup, Domain, load_domain
from sat3d.errors import ConfigError, ShapeError
from sat3d.qmm import Measurement, score_chart

KIND = DescriptorGroup("beard", "kind", ("none", "full"))
ONE = Domain("one", "{}", {"beard": (KIND,)})
BLUE, ORANGE = (86, 180, 233), (230, 159, 0)


def pixels(chart: Image.Image, colour: tuple[int, int, int], left: int = 236) -> int:
    """The longest run of one colour in a row, from ``left`` on: the longest bar."""
    rows = [[chart.getpixel((x, y)) == colour for x in range(left, chart.width)] for y in range(chart.height)]
    return max(sum(row) for row in rows)


def test_bars_are_as_long_as_the_scores():
    chart = score_chart(Measurement(torch.tensor([[0.25, 0.75], [1.0, 0.0]]), ONE), ["source", "edited"])
    full = 288 - 146 - 40 - 8
    assert pixels(chart, BLUE) == round(full * 0.75) + 1 and pixels(chart, ORANGE) == full + 1
    wide = score_chart(Measurement(torch.tensor([[0.25, 0.75], [1.0, 0.0]]), ONE), ["source", "edited"], columns=1)
    full = 560 - 220 - 40 - 8
    assert pixels(wide, BLUE) == round(full * 0.75) + 1 and pixels(wide, ORANGE) == full + 1


@pytest.mark.parametrize("attribute", [None, *load_domain("synthheads").attributes])
def test_a_chart_is_wider_than_high_and_one_of_one_attribute_is_small(attribute):
    domain = load_domain("synthheads")
    scores = Measurement(torch.full((3, domain.num_phrases), 0.2), domain)
    faces = [Image.new("RGB", (64, 64), (200, 30, 30))] * 3
    chart = score_chart(scores, ["source", "reference", "edit"], faces, None if attribute is None else [attribute])
    assert chart.width >= 1.3 * chart.height
    assert attribute is None or (chart.width <= 1040 and chart.height <= 580)


def test_a_whole_domain_with_thumbnails_fits_and_is_reproducible():
    domain = load_domain("synthheads")
    scores = Measurement(torch.full((3, domain.num_phrases), 0.2), domain)
    faces = [Image.new("RGB", size, (200, 30, 30)) for size in ((64, 64), (512, 256), (256, 512))]
    chart = score_chart(scores, ["source", "reference", "edited"], faces)
    assert chart.width < 2600 and chart.height < 1700
    assert chart.tobytes() == score_chart(scores, ["source", "reference", "edited"], faces).tobytes()
    assert (200, 30, 30) in {chart.getpixel((x, 80)) for x in range(chart.width)}


def test_only_the_chosen_attributes_are_drawn():
    scores = Measurement(torch.full((1, load_domain("synthheads").num_phrases), 0.2), load_domain("synthheads"))
    small = score_chart(scores, ["a"], attributes=["beard"])
    assert small.width < 800 and small.height < score_chart(scores, ["a"]).height
    with pytest.raises(ConfigError, match="no such attribute"):
        score_chart(scores, ["a"], attributes=["nose"])


def test_names_of_any_letters_and_length_are_drawn():
    domain = Domain("x", "{}", {"beard": (DescriptorGroup("beard", "kind", ("ひげ", "y" * 300)),)})
    score_chart(Measurement(torch.tensor([[0.5, 0.5]]), domain), ["顔" * 500])


@pytest.mark.parametrize(("count", "names", "faces"), [(0, 0, 0), (7, 7, 0), (2, 1, 0), (2, 2, 1)])
def test_counts_that_do_not_match_are_refused(count, names, faces):
    scores = Measurement(torch.full((count, 2), 0.5), ONE)
    with pytest.raises(ShapeError, match="cannot be drawn"):
        score_chart(scores, ["a"] * names, [Image.new("RGB", (8, 8))] * faces)


def test_scores_that_carry_gradients_are_drawn():
    score_chart(Measurement(torch.tensor([[0.5, 0.5]], requires_grad=True), ONE), ["a"])
