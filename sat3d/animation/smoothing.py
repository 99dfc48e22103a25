"""Smoothing that keeps blinks: the one-euro filter (Casiez, Roussel and Vogel, CHI 2012), run both ways in time.

A low-pass filter whose cutoff grows with speed: what hardly moves is smoothed much, what moves fast hardly at all. The
whole motion is known here, so that nothing needs to lag: the speed is that around each frame, the filter runs forwards
and backwards, and the mean of both counts.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..checks import check_number
from .motion import Motion

MOST = 4.0
# Cutoff of what is at rest, Hz, and how much it rises with the speed, Hz per unit a second; of strengths and of angles.
_STRENGTHS = (1.5, 2.0)
_ANGLES = (1.5, 12.0)
_AROUND = 2  # frames to each side in which a movement makes itself known


def smooth_motion(motion: Motion, amount: float = 1.0) -> Motion:
    """``motion``, shot by shot, with less tremble; ``amount``: 0 nothing, 1 as suits video, up to 4.

    Raises:
        ConfigError: another amount.
    """
    check_number("The smoothing", amount, 0, MOST, "choose another amount")
    if not amount:
        return motion
    parts = {"values": _STRENGTHS, "gaze_rad": _ANGLES, "pose_rad": _ANGLES}
    smoothed = {part: getattr(motion, part).clone() for part in parts}
    for shot in motion.shots():
        for part, (cutoff_hz, rise) in parts.items():
            smoothed[part][shot] = one_euro(smoothed[part][shot], motion.fps, cutoff_hz / amount, rise / amount)
    return replace(motion, **smoothed)


def one_euro(series: Tensor, fps: float, cutoff_hz: float, rise: float) -> Tensor:
    """``series [T, K]`` -> the same, smoothed. ``cutoff_hz``: of what is at rest; ``rise``: Hz per unit a second."""
    if len(series) < 2:
        return series
    values = series.double().cpu().numpy()
    cutoff_hz_of = cutoff_hz + rise * _speed(values, fps)
    # The share of each new value: 1 / (1 + tau / Te) of the paper, with tau = 1 / (2 pi cutoff).
    share = 1 / (1 + fps / (2 * math.pi * cutoff_hz_of))
    forwards = _filter(values, share)
    backwards = _filter(values[::-1], share[::-1])[::-1]
    return torch.from_numpy((forwards + backwards) / 2).to(series)


def _speed(values: np.ndarray, fps: float) -> np.ndarray:
    """``[T, K]`` units a second: the largest, of central differences, within some frames."""
    ends = np.pad(values, ((1, 1), (0, 0)), mode="edge")
    central = np.abs(ends[2:] - ends[:-2]) * (fps / 2)
    padded = np.pad(central, ((_AROUND, _AROUND), (0, 0)), mode="edge")
    return np.max([padded[i : i + len(values)] for i in range(2 * _AROUND + 1)], axis=0)


def _filter(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    found = np.empty_like(values)
    found[0] = state = values[0]
    for i in range(1, len(values)):
        state = state + share[i] * (values[i] - state)
        found[i] = state
    return found
