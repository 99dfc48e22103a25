"""The building blocks of StyleGAN2 (Karras et al. 2020): equalised linear layers, modulated convolution, resampling.

Functions first; Modules only hold parameters. Activations are channels-last in memory, because then every
convolution and every pass over the channels of a pixel is one contiguous read.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2)
_EPS = 1e-8
_LEAST_SIGMOID = 1e-30


def normalize_2nd_moment(x: Tensor) -> Tensor:
    """``[B, C]`` scaled to a mean square of one."""
    return x * (x.square().mean(1, keepdim=True) + _EPS).rsqrt()


class FullyConnected(nn.Module):
    """Linear layer with equalised learning rate: weights are stored divided by their gain.

    ``[B, in] -> [B, out]``; ``activate`` adds leaky ReLU times √2.
    """

    def __init__(
        self, in_features: int, out_features: int, lr_mul: float = 1.0, activate: bool = False, bias_init: float = 0.0
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_mul)
        self.bias = nn.Parameter(torch.full([out_features], float(bias_init)))
        self.weight_gain, self.bias_gain, self.activate = lr_mul / math.sqrt(in_features), lr_mul, activate

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, *self.scaled())
        return F.leaky_relu(y, LRELU_SLOPE) * LRELU_GAIN if self.activate else y

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Weight and bias as they are used."""
        return self.weight * self.weight_gain, self.bias * self.bias_gain


def softplus(x: Tensor) -> Tensor:
    """ln(1 + exp x), exact to 3e-7, which is all of what is small: not for what is divided by.

    On CPUs as -ln sigmoid(-x), whose two functions PyTorch has vectorised: a quarter of the time.
    """
    if x.device.type != "cpu" or x.dtype != torch.float32:
        return F.softplus(x)
    return _Softplus.apply(x) if torch.is_grad_enabled() and x.requires_grad else _quick_softplus(x)


class _Softplus(torch.autograd.Function):
    """With its slope, the sigmoid."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _quick_softplus(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient * torch.sigmoid(ctx.saved_tensors[0])


def _quick_softplus(x: Tensor) -> Tensor:
    negative = -x
    # Where the sigmoid would be 0 its floor's logarithm stands above -x, which is then the answer.
    logarithm = torch.sigmoid(negative).clamp_min_(_LEAST_SIGMOID).log_()
    return torch.minimum(logarithm, negative, out=logarithm).neg_()


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """``weight [O, I, k, k]``, ``style [B, I]`` -> ``[B, O]``: 1 / norm of each modulated output filter.

    Σ_ikk (w·s)² = s² @ Σ_kk w², so no modulated copy of the weights is made.
    """
    return (style.square() @ weight.square().sum((2, 3)).T + _EPS).rsqrt()


def modulated_conv(x: Tensor, weight: Tensor, style: Tensor, gain: Tensor | None, conv=F.conv2d) -> Tensor:
    """Convolution whose input channels are scaled by ``style`` and whose output channels are scaled by ``gain``.

    ``x [B, I, H, W]``, ``weight [O, I, k, k]``, ``style`` and ``gain`` ``[b, I]`` and ``[b, O]`` with b = 1 or B.
    Both are folded into the weights where that is cheaper, or else scale the activations, which needs no copy of
    the weights for each sample.
    """
    if _folds(x, weight, style):
        scale = style[:, :, None, None] if gain is None else style[:, :, None, None] * gain.reshape(-1, 1, 1, 1)
        return conv(x, (weight * scale).to(x.dtype))
    y = conv(_per_channel(x, style), weight.to(x.dtype))
    return y if gain is None else _per_channel(y, gain)


def _folds(x: Tensor, weight: Tensor, style: Tensor) -> bool:
    if style.shape[0] > 1 or x.numel() < weight.numel():
        return False
    # A gradient for the style through folded weights costs a whole weight gradient, as much as the convolution.
    return not (torch.is_grad_enabled() and style.requires_grad and not weight.requires_grad)


def _per_channel(x: Tensor, factor: Tensor) -> Tensor:
    return x * factor.to(x.dtype)[:, :, None, None]


def conv_same(x: Tensor, weight: Tensor) -> Tensor:
    """Cross-correlation with zero padding: ``[B, I, H, W] -> [B, O, H, W]``."""
    if weight.shape[-1] == 1 and not x.is_contiguous(memory_format=torch.channels_last):
        return torch.einsum("oi,bihw->bohw", weight[:, :, 0, 0], x)  # saves a change of layout
    return F.conv2d(x, _channels_last(weight), padding=weight.shape[-1] // 2)


def conv_rows(x: Tensor, weight: Tensor) -> Tensor:
    """Like :func:`conv_same`, but no padding above and below: the caller brings those rows."""
    if _winograd_pays(x, weight):
        return torch.ops.aten._nnpack_spatial_convolution(x.contiguous(), weight.contiguous(), None, (0, 1))
    return F.conv2d(x, _channels_last(weight), padding=(0, weight.shape[-1] // 2))


def _winograd_pays(x: Tensor, weight: Tensor) -> bool:
    """Whether to run 3×3 convolutions by NNPACK's Winograd transform: half the time of the direct method.

    Its rounding is some ten times coarser, 2e-5 of the values, which the parity tests still hold to. PyTorch's
    own builds for Linux on x86 and ARM contain it; elsewhere the direct method is used.
    """
    usable = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_grad_enabled()
    return usable and weight.shape[-1] == 3 and min(weight.shape[:2]) >= 64 and torch.backends.nnpack.is_available()


def conv_transpose(x: Tensor, weight: Tensor) -> Tensor:
    """Stride-2 transposed convolution, no padding: ``[B, I, H, W] -> [B, O, 2H+1, 2W+1]``, weights ``[O, I, 3, 3]``."""
    return F.conv_transpose2d(x, _channels_last(weight.transpose(0, 1)), stride=2)


def _channels_last(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last)


def fir_after_transpose(x: Tensor, rows_padded: bool = False) -> Tensor:
    """The low-pass filter outer([1,3,3,1])/16 after a transposed convolution, one zero of padding on every side.

    ``[B, C, H, W] -> [B, C, H-1, W-1]``; with ``rows_padded`` the caller has brought the rows above and below
    and the result has H-3 rows.
    """
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=x.dtype) / 4
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=(0 if rows_padded else 1, 1), groups=x.shape[1])


def upsample_image(image: Tensor) -> Tensor:
    """``[B, C, H, W] -> [B, C, 2H, 2W]``: zero insertion and the same low-pass filter, zeros outside.

    The filter's two phases have the taps (1/4, 3/4) and (3/4, 1/4), which is bilinear interpolation; a border
    of zeros makes the edges those of zero padding.
    """
    padded = F.pad(image, (1, 1, 1, 1))
    return F.interpolate(padded, scale_factor=2, mode="bilinear", align_corners=False)[:, :, 2:-2, 2:-2]


def bias_act(x: Tensor, bias: Tensor, clamp: float | None) -> Tensor:
    """``√2 · leaky_relu(x + bias)``, clamped to ±``clamp``, for an ``x`` that already carries the factor √2.

    √2·lrelu(v) = lrelu(√2·v): the caller folds √2 into the weights and saves a pass over memory. Works in place.
    """
    y = F.leaky_relu_(x.add_((bias * LRELU_GAIN).to(x.dtype)[:, None, None]), LRELU_SLOPE)
    return y if clamp is None else clamp_to(y, clamp)


def clamp_to(x: Tensor, limit: float) -> Tensor:
    """``x`` clamped to ±``limit``; in place where no gradient is wanted."""
    # In place only without autograd: leaky_relu_ needs its own output for the backward pass.
    return x.clamp(-limit, limit) if torch.is_grad_enabled() and x.requires_grad else x.clamp_(-limit, limit)
