"""What our PanoHead and SphereHead make of the stored inputs of the official code; see ``parity_probes``."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from sat3d.generators import Noise, shifted
from sat3d.generators.balls import ball_coordinates, ball_weights
from sat3d.generators.planes import sample_planes_reference
from training.tools.parity_probes import PART, ParityCase, or_statistics, raw_as_returned

_MASK = (1.002, -0.001)  # how the official code widens the sum of weights into a mask


def _shift(case: ParityCase, name: str) -> Tensor:
    psi = 0.7 if name.endswith("_psi07") else 1.0
    shift = case.network.camera_shift(case.inputs("z"), case.inputs("c_cond"), psi)
    return shifted(case.inputs("c_cond"), shift) if name == "trans.c_new" else shift


def _backdrop_block(case: ParityCase, name: str) -> Tensor:
    _, block_name, kind = name.split(".")
    styles = case.network.layout.split(case.styles)
    x, image = None, torch.empty(0)
    for block_at, block in case.network.bcg_synthesis.blocks():
        own = [styles[f"bcg_synthesis.{block_at}.{layer}"] for layer, _ in block.style_layers()]
        x, image = block(x, image, own, Noise())
        if block_at == block_name:
            return x if kind == "x" else image
    raise KeyError(f"there is no block {block_name}")


def _backdrop(case: ParityCase, name: str) -> Tensor:
    return or_statistics(name, case.network.behind(case.styles))


def _volume(case: ParityCase, name: str) -> Tensor:
    return or_statistics(name, case.rays.features)


def mask(opacity: Tensor) -> Tensor:
    return opacity * _MASK[0] + _MASK[1]


def _other_views(case: ParityCase, name: str) -> Tensor:
    """Views from the sides, with another backdrop, or as the complete official call makes them."""
    group, part = name.split(".", 1)
    styles, camera = case.styles, case.inputs("c")
    if group == "side":
        camera = case.inputs("c_side")
    elif group == "swap":
        styles = _with_backdrop_of(case, case.ws.flip(0)[:, :5])
    else:
        z, label = case.inputs("z"), case.inputs("c_cond")
        styles = case.network.styles(case.network.map(z, label, 0.7))
        camera = shifted(label, case.network.camera_shift(z, label, 0.7))
    planes = case.network.planes(styles)
    seen = case.network.render(planes, styles, camera, case.options)
    if part != "image_raw_returned":
        seen = replace(seen, opacity=mask(seen.opacity))
        return getattr(seen, {"image_mask": "opacity", "image_depth": "depth"}.get(part, "image"))
    rays = case.network.render_features(planes, camera, case.options)
    features = case.network.before_background(rays.features, rays.opacity, styles)
    return raw_as_returned(case.network, features, styles)


def _with_backdrop_of(case: ParityCase, ws: Tensor) -> Tensor:
    """The case's styles with those of another w+ behind the head; its last row is repeated where there are too few."""
    missing = case.ws.shape[1] - ws.shape[1]
    other = case.network.styles(torch.cat([ws, ws[:, -1:].expand(-1, missing, -1)], 1))
    styles = case.styles.clone()
    for name, place in case.network.layout.slices.items():
        if name.startswith("bcg_synthesis."):
            styles[:, place] = other[:, place]
    return styles


def _balls(case: ParityCase, name: str) -> Tensor:
    first, second = case.planes.split(len(case.network.config.plane_axes), 3)
    ball = first if name.startswith("balls.A") else second
    return or_statistics(name, ball.permute(0, 3, 4, 1, 2).flatten(1, 2))


def _ball_points(case: ParityCase, name: str) -> Tensor:
    points, ball = case.inputs("points")[:, :32], int(name.endswith("_B"))
    coordinates = ball_coordinates(points.flatten(0, 1).T, case.network.config.rendering.box_warp)[ball]
    if name.startswith("points.ball_weight"):
        return ball_weights(coordinates[None])[0].unflatten(0, points.shape[:2])
    where = coordinates.T.unflatten(0, points.shape[:2])
    if not name.startswith("points.ball_features"):
        return where
    scene = case.network.volume(case.planes)
    return sample_planes_reference(scene.planes.split(scene.projection.shape[1], 3)[ball], where, scene.projection)


def _cropped(case: ParityCase, name: str) -> Tensor:
    half = case.network.volume(case.planes).half_seen
    return (case.inputs("points")[..., [0, 2]].abs() > half).any(-1)


def _parsing(case: ParityCase, name: str) -> Tensor:
    if name == "parsing.probabilities":
        return case.network.parse(case.features, case.styles)
    return case.network.toparsing(case.features, case.styles[:, case.network.layout.slices["toparsing"]])


HEAD_PROBES: dict[str, Callable[[ParityCase, str], Tensor]] = {
    r"trans\.(delta(_psi07)?|c_new)": _shift,
    r"bg\.b\d+\.(x|img)": _backdrop_block,
    "background" + PART: _backdrop,
    "feature_volume" + PART: _volume,
    "image_mask": lambda case, name: mask(case.rays.opacity),
    r"(side|swap|forward)\.image(_mask|_depth|_raw_returned)?": _other_views,
    r"balls\.[AB]" + PART: _balls,
    r"points\.ball_((weight|features)_)?[AB]": _ball_points,
    r"points\.cropped": _cropped,
    r"parsing\.(logits|probabilities)": _parsing,
}
