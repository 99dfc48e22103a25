"""Motions for tests: a head that turns, speaks and blinks, with everything known."""

import math

import torch

from sat3d.animation.motion import Motion

NAMES = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight")


def speaking(frames: int = 50, fps: float = 25.0, blink_at: int = 20) -> Motion:
    """The jaw goes at 3 Hz, both eyes blink in three frames, the head turns evenly, the eyes look aside."""
    seconds = torch.arange(frames) / fps
    values = torch.zeros(frames, len(NAMES))
    values[:, 0] = 0.3 + 0.3 * torch.sin(2 * math.pi * 3 * seconds)
    blink = values[blink_at : blink_at + 3, 4:]
    blink[:] = torch.tensor([0.5, 1.0, 0.5])[: len(blink), None]
    turn = torch.stack([0.4 * seconds - 0.2, 0.1 * seconds, torch.zeros(frames)], 1)
    return Motion(NAMES, values, torch.full((frames, 2), 0.1), turn, fps, name="speaking")
