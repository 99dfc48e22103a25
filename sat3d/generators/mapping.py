"""StyleGAN2 mapping network: z (and a label) -> w, with truncation."""

import torch
from torch import Tensor, nn

from ..errors import ShapeError
from .config import BackboneConfig
from .layers import FullyConnected, normalize_2nd_moment

_LR_MUL = 0.01


class SoftChoices(nn.Module):
    """Softmaxes over groups of linear scores: which of several kinds a latent is; nearly one-hot for large scores.

    A category is the arg max of a few numbers of z, which layers of leaky ReLUs hardly learn.
    """

    def __init__(self, z_dim: int, sizes: tuple[int, ...]):
        super().__init__()
        self.sizes = sizes
        self.scores = FullyConnected(z_dim, sum(sizes))

    def forward(self, z: Tensor) -> Tensor:
        """``[B, z_dim]`` -> ``[B, sum of sizes]``; each group is non-negative and adds up to 2."""
        return torch.cat([2 * torch.softmax(group, 1) for group in self.scores(z).split(list(self.sizes), 1)], 1)


class Mapping(nn.Module):
    """z (and a label) -> w, with truncation; :meth:`w_of` is what kinds of mappings differ in."""

    w_avg: Tensor

    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.config = config
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(
        self, z: Tensor, label: Tensor | None = None, truncation_psi: float = 1.0, truncation_cutoff: int | None = None
    ) -> Tensor:
        """``z [B, z_dim]``, ``label [B, c_dim]`` -> ``ws [B, num_ws, w_dim]``.

        Truncation: w_avg + ψ·(w − w_avg), in all rows or in those below ``truncation_cutoff``.

        Raises:
            ShapeError: z or label of the wrong shape, or not finite.
        """
        z = self._checked("z", z, self.config.z_dim).to(torch.float32)
        if self.config.c_dim:
            label = self._checked("label", label, self.config.c_dim).to(torch.float32)
        w = self.w_of(z, label)
        return self._truncate(w[:, None].repeat(1, self.config.num_ws, 1), truncation_psi, truncation_cutoff)

    def w_of(self, z: Tensor, label: Tensor | None) -> Tensor:
        """``z [B, z_dim]``, ``label [B, c_dim]`` where there are labels, both checked -> w ``[B, w_dim]``."""
        raise NotImplementedError

    def _truncate(self, ws: Tensor, psi: float, cutoff: int | None) -> Tensor:
        if psi == 1:
            return ws
        truncated = self.w_avg + psi * (ws - self.w_avg)
        return truncated if cutoff is None else torch.cat([truncated[:, :cutoff], ws[:, cutoff:]], 1)

    @staticmethod
    def _checked(name: str, value: Tensor | None, size: int) -> Tensor:
        if value is None or value.ndim != 2 or value.shape[1] != size:
            raise ShapeError(
                f"The mapping's {name} has the wrong shape",
                None if value is None else tuple(value.shape),
                f"[B, {size}]",
                f"pass {name} with {size} numbers per sample",
            )
        if not torch.isfinite(value).all():
            raise ShapeError(
                f"The mapping's {name} holds NaN or infinite numbers",
                "NaN or infinity",
                "finite numbers",
                f"check where {name} comes from",
            )
        return value


class MappingNetwork(Mapping):
    """``fc0 … fcN`` on the normalised z, concatenated with the normalised embedding of the label if there is one.

    With ``mapping_choices`` the soft choices of z come in beside it, too. ``linear_end``: the last layer has no
    activation, for numbers that are no latent.
    """

    def __init__(self, config: BackboneConfig, lr_mul: float = _LR_MUL, linear_end: bool = False):
        super().__init__(config)
        width = config.w_dim
        if config.c_dim:
            self.embed = FullyConnected(config.c_dim, width)
        if config.mapping_choices:
            self.choices = SoftChoices(config.z_dim, config.mapping_choices)
        for i in range(config.num_mapping_layers):
            first = config.z_dim + (width if config.c_dim else 0) + sum(config.mapping_choices)
            active = not linear_end or i + 1 < config.num_mapping_layers
            setattr(self, f"fc{i}", FullyConnected(width if i else first, width, lr_mul, activate=active))

    def w_of(self, z: Tensor, label: Tensor | None) -> Tensor:
        w = normalize_2nd_moment(z)
        if self.config.mapping_choices:
            w = torch.cat([w, self.choices(w)], 1)
        if label is not None and self.config.c_dim:
            w = torch.cat([w, normalize_2nd_moment(self.embed(label))], 1)
        for i in range(self.config.num_mapping_layers):
            w = getattr(self, f"fc{i}")(w)
        return w
