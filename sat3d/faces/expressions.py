"""The expression network of ``face_landmarker_v2``: 146 of a face's points -> 52 blendshapes with ARKit's names.

An MLP-mixer (Tolstikhin et al. 2021, arXiv:2105.01601) of four blocks over 96 tokens and one more, from which the
answer is read; Grishchenko et al. 2022 (arXiv:2309.05782) tell how it was trained.
"""

import torch
from torch import Tensor, nn

NAMES = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
# Which of the 478 points the network sees.
SEEN = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81,
    82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154,
    155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263,
    267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321,
    323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387,
    388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip
_TOKENS, _WIDTH, _BLOCKS = 96, 64, 4
_HIDDEN_TOKENS, _HIDDEN_WIDTH = 384, 256
_SCALE = 0.5  # of points at a mean distance of 1 from their middle
_EPSILON = 1e-6


class _Block(nn.Module):
    """Mixes tokens, then channels, each by two layers behind a layer norm without bias."""

    def __init__(self):
        super().__init__()
        self.token_norm = nn.LayerNorm(_WIDTH, _EPSILON, bias=False)
        self.tokens = _perceptron(_TOKENS + 1, _HIDDEN_TOKENS)
        self.width_norm = nn.LayerNorm(_WIDTH, _EPSILON, bias=False)
        self.width = _perceptron(_WIDTH, _HIDDEN_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.width(self.width_norm(x))


class ExpressionNetwork(nn.Module):
    """Points ``[B, 478, 2 or 3]`` of faces -> blendshapes ``[B, 52]`` in 0..1, in the order of ``NAMES``.

    Where the face is and how large does not matter, nor does depth; x and y are in one unit, y downwards.
    """

    seen: Tensor

    def __init__(self):
        super().__init__()
        self.to_tokens = nn.Linear(len(SEEN), _TOKENS)
        self.to_width = nn.Linear(2, _WIDTH)
        self.answer = nn.Parameter(torch.zeros(1, 1, _WIDTH))
        self.blocks = nn.Sequential(*(_Block() for _ in range(_BLOCKS)))
        self.blendshapes = nn.Linear(_WIDTH, len(NAMES))
        self.register_buffer("seen", torch.tensor(SEEN), persistent=False)

    def forward(self, points: Tensor) -> Tensor:
        about = points[:, self.seen, :2]
        about = about - about.mean(1, keepdim=True)
        about = about / about.norm(dim=2, keepdim=True).mean(1, keepdim=True) * _SCALE
        tokens = self.to_width(self.to_tokens(about.transpose(1, 2)).transpose(1, 2))
        mixed = self.blocks(torch.cat([self.answer.expand(len(tokens), -1, -1), tokens], 1))
        return self.blendshapes(mixed[:, 0]).sigmoid()


def _perceptron(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
