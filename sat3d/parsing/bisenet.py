"""BiSeNet (Yu et al. 2018, arXiv:1808.00897) for faces, as trained on CelebAMask-HQ by face-parsing.PyTorch.

That project's public weights ``79999_iter.pth`` fit, and facexlib's ``parsing_bisenet.pth``: a ResNet-18 as context
path, whose features at an eighth of the picture also stand in for the paper's spatial path. The names of modules are
those of the published weights.
"""

import os

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FileError
from ..networks.loading import resize
from .photographs import PhotographParser, normalise
from .state_file import open_state_file

INPUT_PX = 512
# The classes of CelebAMask-HQ; l_ and r_ are the person's left and right, u_lip and l_lip upper and lower.
LABEL_NAMES = (
    "background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r",
    "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat",
)  # fmt: skip


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al. 2015, arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        shortcut = [nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)]
        self.downsample = nn.Sequential(*shortcut) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + self.downsample(x))


class ResNet18(nn.Module):
    """Features at 1/8, 1/16 and 1/32 of the picture: 128, 256, 512 channels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1, self.layer2 = _stage(64, 64, stride=1), _stage(64, 128, stride=2)
        self.layer3, self.layer4 = _stage(128, 256, stride=2), _stage(256, 512, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        eighth = self.layer2(self.layer1(x))
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


def _stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1))


class AttentionRefinement(nn.Module):
    """Features times one weight per channel, found from their mean over the picture (paper, section 3.2)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = ConvBlock(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * self.bn_atten(self.conv_atten(_mean(x))).sigmoid()


class ContextPath(nn.Module):
    """What is around a pixel: features of the whole picture, of 1/32 and of 1/16 of it, each carried to the finer."""

    def __init__(self):
        super().__init__()
        self.resnet = ResNet18()
        self.arm16, self.arm32 = AttentionRefinement(256, 128), AttentionRefinement(512, 128)
        self.conv_head16, self.conv_head32 = ConvBlock(128, 128), ConvBlock(128, 128)
        self.conv_avg = ConvBlock(512, 128, kernel=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the network itself, and of what is around, both at 1/8."""
        eighth, sixteenth, coarsest = self.resnet(x)
        whole = self.arm32(coarsest) + self.conv_avg(_mean(coarsest))
        around = self.arm16(sixteenth) + self.conv_head32(F.interpolate(whole, sixteenth.shape[2:]))
        return eighth, self.conv_head16(F.interpolate(around, eighth.shape[2:]))


class FeatureFusion(nn.Module):
    """Both paths side by side, mixed, and weighted by channel (paper, section 3.2)."""

    def __init__(self, channels: int):
        super().__init__()
        self.convblk = ConvBlock(channels, channels, kernel=1)
        self.conv1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, fine: Tensor, around: Tensor) -> Tensor:
        x = self.convblk(torch.cat([fine, around], 1))
        return x + x * self.conv2(F.relu(self.conv1(_mean(x)))).sigmoid()


class Head(nn.Module):
    def __init__(self, inputs: int, inside: int, classes: int):
        super().__init__()
        self.conv = ConvBlock(inputs, inside)
        self.conv_out = nn.Conv2d(inside, classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv(x))


class FaceParser(PhotographParser):
    """Pictures of one face each, cut out like those of FFHQ, to the 19 labels of CelebAMask-HQ."""

    label_names = LABEL_NAMES

    def __init__(self):
        super().__init__()
        self.cp = ContextPath()
        self.ffm = FeatureFusion(256)
        self.conv_out = Head(256, 256, len(LABEL_NAMES))
        # Helped in training only, but the published file has them.
        self.conv_out16, self.conv_out32 = (Head(128, 64, len(LABEL_NAMES)) for _ in range(2))

    def forward(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> logits ``[B, 19, H, W]``."""
        eighth, around = self.cp(normalise(resize(images, INPUT_PX, INPUT_PX)))
        logits = self.conv_out(self.ffm(eighth, around))
        return F.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=True)


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def load_face_parser(path: str | os.PathLike | None) -> FaceParser:
    """The parser with the weights in a file, in eval mode, without gradients.

    Raises:
        FileError: none given, missing, damaged, or other tensors than these. HostileFileError: it could run code.
    """
    if path is None:
        raise FileError(
            "The parser of photographs of faces needs weights, which do not come with the package",
            "no file",
            "79999_iter.pth of the project face-parsing.PyTorch (19 classes of CelebAMask-HQ)",
            "download it once and give its path",
        )
    return open_state_file(path).fill(FaceParser())
