"""Architectures and training settings by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sat3d.errors import ConfigError
from sat3d.generators import BackboneConfig, RenderingConfig, SuperresolutionConfig, TriplaneConfig
from sat3d.generators.config import FlowConfig
from sat3d.inversion.encoder import EncoderConfig
from training.common.engine import Stage
from training.common.schedule import RateSchedule
from training.synth.domain import SynthDomain
from training.synth.learning import Learning

# A logit of occupancy times this is the density: a surface is opaque within about a hundredth of a world unit.
DENSITY_GAIN = 100.0
W_DIM = 512
_FLOW = FlowConfig(numbers=128, width=448, depth=3)
_SCHEDULE = RateSchedule(warmup_steps=80, constant_share=0.35, last=0.02)


@dataclass(frozen=True)
class PointSettings:
    """Per person and step: pixels drawn by importance, pixels drawn evenly, points anywhere in the box."""

    focus_pixels: int = 2800
    even_pixels: int = 900
    volume_points: int = 3000

    def divided(self, divisor: int) -> PointSettings:
        """Fewer points: where pictures do most of the teaching."""
        return PointSettings(self.focus_pixels // divisor, self.even_pixels // divisor, self.volume_points // divisor)


@dataclass(frozen=True)
class Lesson:
    """What a stage teaches. ``patch``: rays a side of true volume rendering (0: none); ``sharp``: features and a critic
    compare, too."""

    points: PointSettings = field(default_factory=PointSettings)
    patch: int = 0
    sharp: bool = False


@dataclass(frozen=True)
class Preset:
    """What is trained and how. ``lessons``: one for each stage, by its name. ``precision`` of the backbone's
    convolutions: float32 or, where it is fast, bfloat16. ``ema_heads``: half-life of the running mean of weights.
    ``code_pictures``: that the encoder sees in a step."""

    name: str
    network: TriplaneConfig
    encoder: EncoderConfig
    stages: tuple[Stage, ...]
    lessons: dict[str, Lesson]
    held_out_heads: int = 32
    scored_heads: int = 12
    ema_heads: float = 1000.0
    code_pictures: int = 8
    code_noise: float = 0.05
    precision: str = "auto"
    minutes: float = 480.0
    prior_minutes: float = 40.0
    camera_spread_rad: float = 0.3  # of the angles that the encoder says before it has learned any

    def for_domain(self, domain: SynthDomain) -> Preset:
        """The same preset with the volume, the cameras and the magnification that things of a domain want."""
        learning = domain.learning
        rendering = replace(
            self.network.rendering,
            ray_start=learning.rays[0],
            ray_end=learning.rays[1],
            box_warp=learning.box,
            avg_camera_radius=domain.views.rig.radius,
            avg_camera_pivot=domain.views.rig.pivot,
            plane_warp=learning.plane_warp,
        )
        return replace(
            self,
            network=replace(self.network, rendering=rendering),
            encoder=self._encoder_for(learning),
            camera_spread_rad=learning.camera_spread_rad,
        )

    def beginning_at(self, stage: str) -> Preset:
        """The same preset without the stages before ``stage``; the others keep their proportions.

        Raises:
            ConfigError: it has no such stage.
        """
        names = list(self.lessons)
        if stage not in names:
            raise ConfigError("The preset has no such stage", stage, ", ".join(names), "choose one of these")
        kept = self.stages[names.index(stage) :]
        whole = sum(each.share for each in kept)
        return replace(
            self,
            stages=tuple(replace(each, share=each.share / whole) for each in kept),
            lessons={each.name: self.lessons[each.name] for each in kept},
        )

    def _encoder_for(self, learning: Learning) -> EncoderConfig:
        config = replace(self.encoder, face_zoom=self.encoder.face_zoom * learning.magnified)
        return config if learning.faces else replace(config, face_points=0, face_features=0)

    def __post_init__(self):
        if [stage.name for stage in self.stages] != list(self.lessons) or not self.stages:
            raise ConfigError("Stages and lessons do not go together", list(self.lessons), "one lesson for each stage")
        if abs(sum(stage.share for stage in self.stages) - 1) > 1e-6:
            raise ConfigError("The stages do not add up", self.stages, "shares of sum 1")


def network_config(
    channel_base: int,
    channel_max: int,
    planes: int,
    features: int,
    neural_px: int,
    flow: FlowConfig = _FLOW,
    w_dim: int = W_DIM,
) -> TriplaneConfig:
    """A small EG3D with plain parts but for its mapping, which is a flow. The camera is no input, the backdrop is not
    in the volume, pictures are twice as large as the volume rendering."""
    return TriplaneConfig(
        BackboneConfig(w_dim, 0, w_dim, 4, planes, 3 * features, channel_base, channel_max, mapping_flow=flow),
        RenderingConfig(24, 16, 2.3, 3.1, 0.72),  # its lengths are the domain's: see Preset.for_domain
        SuperresolutionConfig(neural_px, (48, 32), (True, False)),
        neural_rendering_resolution=neural_px,
        density_gain=DENSITY_GAIN,
        background_hidden=64,
        background_grid=24,
    )


_CPU = Preset(
    "cpu",
    network_config(6144, 256, planes=128, features=24, neural_px=128),
    EncoderConfig(W_DIM, face_points=64, face_features=128, glance=320, glance_px=40, blocks=2),
    (
        Stage("points", 0.60, 6, 2.5e-3, _SCHEDULE),
        Stage("render", 0.22, 4, 1.0e-3, _SCHEDULE),
        Stage("sharpen", 0.18, 3, 5e-4, _SCHEDULE),
    ),
    {
        "points": Lesson(),
        "render": Lesson(points=PointSettings().divided(3), patch=24),
        "sharpen": Lesson(points=PointSettings().divided(6), patch=40, sharp=True),
    },
)
_GPU = Preset(
    "gpu",
    _CPU.network,
    _CPU.encoder,
    (
        Stage("points", 0.60, 16, 2.5e-3, _SCHEDULE),
        Stage("render", 0.20, 16, 1.2e-3, _SCHEDULE),
        Stage("sharpen", 0.20, 8, 6e-4, _SCHEDULE),
    ),
    {
        "points": Lesson(points=PointSettings(6000, 2000, 6000)),
        "render": Lesson(points=PointSettings(2000, 800, 2000), patch=40),
        "sharpen": Lesson(points=PointSettings(1000, 400, 1000), patch=64, sharp=True),
    },
    ema_heads=10_000.0,
    code_pictures=48,
    minutes=9.0,
    prior_minutes=1.5,
)
# For things of 128 pixels that are simpler than heads: a generator of 3 MB, in one to two hours on two cores.
_SMALL = replace(
    _CPU,
    name="small",
    network=network_config(2048, 128, planes=64, features=16, neural_px=64, flow=FlowConfig(64, 160, 2), w_dim=160),
    encoder=EncoderConfig(160, glance=160, blocks=2),
    lessons={
        "points": Lesson(points=PointSettings(1800, 700, 2200)),
        "render": Lesson(points=PointSettings(600, 300, 800), patch=24),
        "sharpen": Lesson(points=PointSettings(300, 150, 400), patch=32, sharp=True),
    },
    minutes=90.0,
    prior_minutes=8.0,
)
_SMALL_GPU = replace(
    _SMALL,
    name="small-gpu",
    stages=tuple(replace(stage, batch=batch) for stage, batch in zip(_GPU.stages, (32, 24, 12), strict=True)),
    lessons={
        "points": Lesson(points=PointSettings(2400, 900, 2800)),
        "render": Lesson(points=PointSettings(900, 400, 1000), patch=32),
        "sharpen": Lesson(points=PointSettings(500, 200, 500), patch=40, sharp=True),
    },
    ema_heads=10_000.0,
    code_pictures=48,
    minutes=5.0,
    prior_minutes=0.6,
)
_TINY = Preset(
    "tiny",
    network_config(512, 24, planes=16, features=8, neural_px=16, flow=FlowConfig(2, 32, 1), w_dim=16),
    EncoderConfig(16, 64, (4, 8, 8, 8), (0, 0, 0, 0), 4, 16, 0.0, glance=4, glance_px=8, blocks=1),
    (
        Stage("points", 0.4, 2, 2e-3, _SCHEDULE),
        Stage("render", 0.3, 2, 1e-3, _SCHEDULE),
        Stage("sharpen", 0.3, 2, 5e-4, _SCHEDULE),
    ),
    {
        "points": Lesson(points=PointSettings(60, 30, 60)),
        "render": Lesson(points=PointSettings(30, 15, 30), patch=12),
        "sharpen": Lesson(points=PointSettings(15, 10, 15), patch=12, sharp=True),
    },
    held_out_heads=2,
    scored_heads=2,
    ema_heads=20.0,
    minutes=1.0,
    prior_minutes=0.1,
)
PRESETS = {preset.name: preset for preset in (_CPU, _SMALL, _GPU, _SMALL_GPU, _TINY)}


def find_preset(name: str) -> Preset:
    """A preset.

    Raises:
        ConfigError: no such preset.
    """
    if name not in PRESETS:
        raise ConfigError("Unknown preset", name, ", ".join(PRESETS), "choose one of these")
    return PRESETS[name]
