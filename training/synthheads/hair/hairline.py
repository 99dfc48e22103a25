"""Where hair begins: the polar angle of the hairline around the head."""

from __future__ import annotations

import numpy as np

# Azimuth (0 front, 180 back) and polar angle in degrees: forehead, temple, sideburn, over the ear, nape.
_AZIMUTH_DEG = (0, 20, 38, 52, 62, 68, 72, 79, 83, 92, 103, 110, 125, 180)
_POLAR_DEG = (64, 63, 64, 71, 83, 99, 116, 118, 106, 104, 108, 122, 135, 139)


def hairline_rad(azimuth_rad, front_deg: float = 0.0, back_deg: float = 0.0) -> np.ndarray:
    """Polar angle (radians) at any azimuth; ``front_deg``/``back_deg`` move it down on the forehead and in the nape."""
    turn = np.abs(np.rad2deg((np.asarray(azimuth_rad) + np.pi) % (2 * np.pi) - np.pi))
    polar = np.interp(turn, _AZIMUTH_DEG, _POLAR_DEG)
    polar = polar + front_deg * np.exp(-((turn / 42) ** 4)) + back_deg * np.clip((turn - 110) / 30, 0, 1)
    return np.deg2rad(polar)
