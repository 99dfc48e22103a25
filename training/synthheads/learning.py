"""What generators of heads are told besides pictures, cameras and depth."""

from training.synth.learning import Learning, Place

# Where heads have what they are recognised by: eyes and their lids, brows, mouth.
_PLACES = (
    Place((0.0525, -0.012, 0.148), 5.0, (0.018, 0.013)),
    Place((-0.0525, -0.012, 0.148), 5.0, (0.018, 0.013)),
    Place((0.055, 0.025, 0.152), 2.0, (0.024, 0.012)),
    Place((-0.055, 0.025, 0.152), 2.0, (0.024, 0.012)),
    Place((0.0, -0.122, 0.165), 4.0, (0.032, 0.024)),
    Place((0.0, -0.080, 0.170), 1.0, (0.080, 0.080)),
)
LEARNING = Learning(
    size=0.383,  # from chin to crown (0.232 m)
    box=0.72,
    rays=(2.35, 3.1),
    plane_warp=0.18,
    magnified=1.0,
    whole_above=0.0,
    camera_spread_rad=0.3,
    places=_PLACES,
    faces=True,
)
