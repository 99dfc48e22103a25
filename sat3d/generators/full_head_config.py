"""What generators of heads that turn all the way round have beyond EG3D: PanoHead (An et al. 2023), SphereHead (Li et
al. 2024)."""

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import ConfigError
from .config import Activation, SynthesisConfig, TriplaneConfig
from .config_checks import MAX_CHANNELS, check_choice, check_flag, check_number, check_range

# Rows are the axes of one plane, as in the files of both; their third plane is a real (y, z) plane.
PLANE_AXES_FULL_HEAD = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
)


@dataclass(frozen=True)
class FullHeadConfig(TriplaneConfig):
    """Family *panohead*: each plane is a grid of ``grid_depth`` slices. *spherehead*: the planes are those of two
    balls, each made of the backbone's picture through a layer of ``ball_hidden`` channels.

    ``crop_margin``: so far (world units) from the box's sides in x and z nothing is rendered. ``backdrop``: the network
    that draws what is behind the head, None: none; ``smooth_backdrop``: antialiased where it shrinks. ``raw_torgb``: a
    layer with a style makes the raw picture, else it is the first three features. ``parsing_labels``: that the
    generator's own parsing of its pictures knows, 0: it has none.
    """

    plane_axes: tuple = PLANE_AXES_FULL_HEAD
    features: int = 32
    grid_depth: int = 3
    ball_hidden: int = 0
    decoder_activation: Activation = "none"
    crop_margin: float = 0.1
    raw_torgb: bool = True
    backdrop: SynthesisConfig | None = None
    smooth_backdrop: bool = True
    parsing_labels: int = 0
    family: Literal["panohead", "spherehead"] = "panohead"

    def __post_init__(self):
        check_choice("family", self.family, ("panohead", "spherehead"))
        check_choice("decoder_activation", self.decoder_activation, get_args(Activation))
        check_range("features", self.features, 3, MAX_CHANNELS)
        check_range("grid_depth", self.grid_depth, 1, 64)
        check_range("ball_hidden", self.ball_hidden, int(self.in_balls), MAX_CHANNELS if self.in_balls else 0)
        check_range("parsing_labels", self.parsing_labels, 0, 256)
        check_flag("raw_torgb", self.raw_torgb)
        check_flag("smooth_backdrop", self.smooth_backdrop)
        super().__post_init__()
        check_number("crop_margin", self.crop_margin, 0.0, self.rendering.box_warp / 2)
        if self.backdrop is not None and self.backdrop.img_channels != self.features:
            raise ConfigError(
                "The backdrop has other features than the head",
                self.backdrop.img_channels,
                f"{self.features}",
                "check the config",
            )

    def _check_planes(self) -> None:
        wanted = self.features * len(self.plane_axes) * self.grid_depth
        if not self.in_balls and self.backbone.img_channels != wanted:
            raise ConfigError(
                "The backbone does not draw grids of this depth",
                f"{self.backbone.img_channels} channels",
                f"{wanted}: {self.features} features, {len(self.plane_axes)} grids, depth {self.grid_depth}",
                "check triplane_depth, or the backbone's img_channels",
            )

    @property
    def in_balls(self) -> bool:
        """Whether planes lie in spherical coordinates."""
        return self.family == "spherehead"

    @property
    def plane_features(self) -> int:
        return self.features

    @property
    def knows_all_sides(self) -> bool:
        return True
