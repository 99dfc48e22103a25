"""Range checks: what is no number, no whole one, or outside is refused in words that name it."""

import math

import pytest

from sat3d.checks import check_number, check_whole
from sat3d.errors import ConfigError


@pytest.mark.parametrize("value", [0, 6, 2.0, True, None, "3", math.nan])
def test_what_is_no_whole_number_of_the_range(value):
    with pytest.raises(ConfigError, match=r"^The depth is out of range\..*a whole number from 1 to 5.*check the file"):
        check_whole("The depth", value, 1, 5)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, True, None, "0.5"])
def test_what_is_no_number_of_the_range(value):
    with pytest.raises(ConfigError, match=r"^The share is out of range\..*a number from 0 to 1\..*look again"):
        check_number("The share", value, 0, 1, "look again")


def test_both_ends_belong_to_a_range():
    for value in (1, 5):
        check_whole("The depth", value, 1, 5)
    for value in (0, 1.0, 0.25):
        check_number("The share", value, 0, 1)
