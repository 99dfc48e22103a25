"""What both convolutional face networks are made of: padding as TensorFlow does it, skips that widen and halve."""

from torch import Tensor, nn
from torch.nn import functional as F


class SamePad(nn.Module):
    """Zeros around a picture as TensorFlow's SAME pads before a convolution of stride 2: the odd one goes last."""

    def __init__(self, kernel: int):
        super().__init__()
        before, after = (kernel - 2) // 2, (kernel - 1) // 2
        self.sides = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.sides)


def depthwise(channels: int, stride: int = 1) -> nn.Sequential:
    """3×3, each channel for itself, without bias."""
    pad = SamePad(3) if stride == 2 else nn.ZeroPad2d(1)
    return nn.Sequential(pad, nn.Conv2d(channels, channels, 3, stride, groups=channels, bias=False))


def widen(x: Tensor, channels: int) -> Tensor:
    """Channels of zeros behind those of ``x``, up to ``channels``."""
    return x if x.shape[1] == channels else F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))
