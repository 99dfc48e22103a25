"""An image tower for registered heads: small, and with most of its pixels on the face."""

from torch import Tensor, nn

from ..networks.blocks import ConvNorm, halving_trunk
from ..networks.face_zoom import zoom_matrices

_SQUEEZED = 64
_LEAST_CELLS = 2


class HeadTower(nn.Module):
    """``[B, 3, S, S]`` -> ``[B, embed_dim]``, in place of open_clip's ``visual``.

    ``widths``, ``depths``: channels and residual blocks at a half, a quarter, … of ``image_size``; ``face_zoom``: see
    ``sat3d/networks/face_zoom.py``. Four times as fast as a ResNet of open_clip that tells expressions apart as well.

    Raises:
        ValueError: levels that do not fit together.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self, embed_dim: int, image_size: int, widths: list[int], depths: list[int], face_zoom: float, hidden: int = 384
    ):
        super().__init__()
        cells = image_size // 2 ** len(widths)
        if cells < _LEAST_CELLS or cells * 2 ** len(widths) != image_size or len(widths) != len(depths):
            raise ValueError(f"{image_size} pixels, widths {widths}, depths {depths}")
        self.image_size = (image_size, image_size)
        rows, columns = zoom_matrices(image_size, face_zoom)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.trunk = halving_trunk(widths, depths)
        self.squeeze = nn.Sequential(ConvNorm(widths[-1], _SQUEEZED, 1), nn.Flatten(), nn.Dropout(0.1))
        self.hidden = nn.Sequential(nn.Linear(_SQUEEZED * cells**2, hidden), nn.ReLU())
        self.projection = nn.Linear(hidden, embed_dim)

    def forward(self, images: Tensor) -> Tensor:
        return self.projection(self.hidden(self.squeeze(self.trunk(self.rows @ images @ self.columns.T))))
