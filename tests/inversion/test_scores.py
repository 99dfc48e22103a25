"""PSNR and SSIM on pictures whose scores are known."""

import math

import pytest
import torch

from sat3d.inversion.scores import nearness, psnr, ssim


def test_psnr_by_hand():
    """Off by 0.2 of a range of 2 everywhere: 20 dB; where only half counts and that half is right, the most."""
    wanted = torch.zeros(1, 3, 8, 8)
    assert psnr(wanted + 0.2, wanted) == pytest.approx(20, abs=1e-4)
    got, weight = wanted.clone(), torch.ones(1, 1, 8, 8)
    got[:, :, :4] = 0.2
    assert psnr(got, wanted) == pytest.approx(20 + 10 * math.log10(2), abs=1e-4)
    weight[:, :, :4] = 0
    assert psnr(got, wanted, weight) == pytest.approx(120)


def test_words_for_a_nearness():
    """Of the built-in generator: its own renders, the example photo tuned and by W+, and by the encoder alone."""
    words = [nearness(db).split(":")[0] for db in (120, 35.7, 32, 31.9, 28.1, 24.9, 20, 19.9, 18.0, -3)]
    assert words == ["near"] * 3 + ["fair"] * 4 + ["far off"] * 3
    assert "ghost" in nearness(18) and "ghost" not in nearness(25) and "pasted back" in nearness(25)


def test_ssim_is_one_for_the_same_and_falls_with_noise():
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    scores = [ssim(picture + share * noise, picture) for share in (0.0, 0.1, 0.5)]
    assert scores[0] == pytest.approx(1) and 1 > scores[1] > scores[2] > 0


def test_ssim_of_plain_pictures_by_hand():
    """Without contrast it is the luminance term: (2ab + c) / (a² + b² + c) with a = 0.5, b = 1, c = 0.01²."""
    expected = (2 * 0.5 + 1e-4) / (0.25 + 1 + 1e-4)
    assert ssim(torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)) == pytest.approx(expected, abs=1e-4)
