"""Architectures and training settings by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sat3d.errors import ConfigError
from sat3d.generators import BackboneConfig, RenderingConfig, SuperresolutionConfig, TriplaneConfig
from training.synthheads.populations import FIRST

from .choices import choice_sizes

# A logit of occupancy times this is the density: a surface is opaque within about a hundredth of a world unit.
DENSITY_GAIN = 100.0
STAGES = ("points", "render", "sharpen")


@dataclass(frozen=True)
class PointSettings:
    """Points a person and step: pixels drawn by importance, pixels drawn evenly, points anywhere in the box."""

    focus_pixels: int = 1400
    even_pixels: int = 500
    volume_points: int = 2200

    def share(self, divisor: int) -> PointSettings:
        """Fewer points: where pictures do most of the teaching."""
        return PointSettings(self.focus_pixels // divisor, self.even_pixels // divisor, self.volume_points // divisor)


@dataclass(frozen=True)
class StageSettings:
    """``share`` of the whole time; ``batch`` people a step of one process; ``patch`` rays a side (0: no pictures)."""

    share: float
    batch: int
    learning_rate: float
    patch: int = 0
    points: PointSettings = field(default_factory=PointSettings)


@dataclass(frozen=True)
class Preset:
    """What is trained and how. ``precision`` of the backbone's convolutions: float32 or, where it is fast, bfloat16."""

    name: str
    network: TriplaneConfig
    stages: dict[str, StageSettings]
    mapping_people: int = 40_000
    mapping_steps: int = 4000
    validation_heads: int = 32
    sparsity_weight: float = 0.02
    ema_people: float = 8000.0  # half-life of the running mean of the weights
    precision: str = "float32"

    def __post_init__(self):
        if tuple(self.stages) != STAGES or abs(sum(stage.share for stage in self.stages.values()) - 1) > 1e-6:
            raise ConfigError("The stages do not add up", self.stages, f"{STAGES} with shares of sum 1")


def network_config(channel_base: int, channel_max: int, planes: int, out_px: int, neural_px: int) -> TriplaneConfig:
    """The small EG3D of the built-in domain: the camera is no input, the backdrop is not in the volume."""
    doubled = out_px == 2 * neural_px
    return TriplaneConfig(
        BackboneConfig(FIRST.z_dim, 0, 256, 2, planes, 96, channel_base, channel_max, mapping_choices=choice_sizes()),
        RenderingConfig(32, 24, 2.35, 3.1, 0.72, avg_camera_pivot=(0.0, 0.0, 0.1), plane_warp=0.18),
        SuperresolutionConfig(neural_px, (48, 32) if doubled else (32,), (True, False) if doubled else (False,)),
        neural_rendering_resolution=neural_px,
        density_gain=DENSITY_GAIN,
        background_hidden=24,
        edit_torgb=True,  # a small backbone puts much of the colour there
    )


_CPU = Preset(
    "cpu",
    network_config(5120, 256, planes=128, out_px=128, neural_px=128),
    {
        "points": StageSettings(0.55, 4, 2.5e-3),
        "render": StageSettings(0.30, 4, 1.2e-3, 24, PointSettings().share(2)),
        "sharpen": StageSettings(0.15, 2, 5e-4, 48, PointSettings().share(4)),
    },
    ema_people=600.0,  # the last stage sees some thousands
    precision="auto",
)
_GPU = Preset(
    "gpu",
    network_config(16384, 320, planes=256, out_px=256, neural_px=128),
    {
        "points": StageSettings(0.55, 16, 2.5e-3, 0, PointSettings(4000, 1600, 6000)),
        "render": StageSettings(0.25, 16, 1.5e-3, 32, PointSettings(2000, 800, 3000)),
        "sharpen": StageSettings(0.20, 8, 8e-4, 64, PointSettings(1000, 400, 1500)),
    },
    mapping_people=60_000,
    ema_people=20_000.0,
    precision="auto",
)
_TINY = Preset(
    "tiny",
    replace(network_config(512, 24, planes=32, out_px=32, neural_px=32), decoder_hidden=24),
    {
        "points": StageSettings(0.4, 2, 2e-3, 0, PointSettings(60, 30, 60)),
        "render": StageSettings(0.4, 2, 1e-3, 8, PointSettings(30, 15, 30)),
        "sharpen": StageSettings(0.2, 2, 5e-4, 16, PointSettings(15, 10, 15)),
    },
    mapping_people=400,
    mapping_steps=30,
    validation_heads=2,
    ema_people=20.0,
)
PRESETS = {preset.name: preset for preset in (_CPU, _GPU, _TINY)}


def find_preset(name: str) -> Preset:
    """A preset.

    Raises:
        ConfigError: no such preset.
    """
    if name not in PRESETS:
        raise ConfigError("Unknown preset", name, ", ".join(PRESETS), "choose one of these")
    return PRESETS[name]
