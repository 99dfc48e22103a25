"""The running mean of a network's weights and buffers."""

import torch
from torch import nn

from training.common.ema import RunningMean


class Masked(nn.Module):
    """One weight, one running number, one whole number, and a mask that no file keeps."""

    def __init__(self, value: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([value]))
        self.register_buffer("running", torch.tensor([value]))
        self.register_buffer("steps", torch.tensor(int(value)))
        self.register_buffer("mask", torch.tensor([0.0, -torch.inf]), persistent=False)


def test_weights_and_running_numbers_are_averaged_by_half_lives_of_samples():
    now, mean = Masked(8.0), Masked(0.0)
    RunningMean(now, mean, half_life=10.0).update(batch=10, seen=1000)
    assert mean.weight.item() == 4.0 and mean.running.item() == 4.0 and mean.steps.item() == 8


def test_a_mask_of_infinities_stays_what_it_is():
    now, mean = Masked(1.0), Masked(1.0)
    RunningMean(now, mean, half_life=10.0).update(batch=1, seen=1000)
    assert torch.equal(mean.mask, now.mask)


def test_what_is_not_trained_is_left_alone():
    now, mean = Masked(8.0), Masked(0.0)
    now.weight.requires_grad_(False)
    RunningMean(now, mean, half_life=10.0).update(batch=10, seen=1000)
    assert mean.weight.item() == 0.0
