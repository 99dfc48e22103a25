"""What our networks make of the stored inputs of the official code.

Every entry of ``PROBES`` reproduces the stored tensors whose whole name matches its pattern.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sat3d.errors import FileError
from sat3d.files.reading import read_text
from sat3d.generators import Noise, RenderOptions, StyleGenerator, TriplaneGenerator, load_generator
from sat3d.generators import volume as vol
from sat3d.generators.lines import beyond, query_rays, rays_through
from sat3d.generators.rays import camera_rays, make_rays
from sat3d.generators.reference import plane_features


@dataclass(frozen=True)
class ParityCase:
    """A network and its stored tensors; what several probes need is computed once."""

    network: StyleGenerator
    stored: dict[str, Tensor]
    info: dict

    folder: Path = Path()

    @classmethod
    def load(cls, stem: Path) -> "ParityCase":
        """Read ``stem.safetensors``, ``stem.json`` and the network: ``stem.pkl``, ``.pt`` or ``.pth``.

        Raises:
            FileError: one of them is missing or unreadable.
        """
        try:
            info, stored = (
                json.loads(read_text(stem.with_suffix(".json"), "the facts about a case")),
                load_file(stem.with_suffix(".safetensors")),
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise FileError(
                "The case is unreadable", error, ".pkl, .safetensors and .json side by side", "check the folder"
            ) from error
        if not isinstance(info, dict):
            raise FileError("The case's description is not an object", type(info).__name__, "JSON with 'tensors'")
        files = [stem.with_suffix(suffix) for suffix in (".pkl", ".pt", ".pth")]
        path = next((path for path in files if path.exists()), files[0])
        return cls(load_generator(path).network, stored, info, stem.parent)

    def inputs(self, name: str) -> Tensor | None:
        return self.stored.get(f"in.{name}")

    @property
    def ws(self) -> Tensor:
        return self.stored["syn.ws"]

    @property
    def options(self) -> RenderOptions:
        return RenderOptions(couple_batch=True)

    @cached_property
    def styles(self) -> Tensor:
        return self.network.styles(self.ws)

    @cached_property
    def planes(self) -> Tensor:
        return self.network.planes(self.styles)

    @cached_property
    def rays(self):
        return self.network.render_features(self.planes, self.inputs("c"), self.options)

    @cached_property
    def features(self) -> Tensor:
        """What the raw picture and the super-resolution are made of."""
        return self.network.before_background(self.rays.features, self.rays.opacity, self.styles)

    def drawn(self, styles: Tensor, options: RenderOptions | None = None) -> Tensor:
        """What the official network returns for its own cameras: of a flat one all channels that it has."""
        if not isinstance(self.network, TriplaneGenerator):
            return self.network.draw(styles, options)
        return self.network.synthesize(styles, self.inputs("c"), options).image

    @cached_property
    def image(self) -> Tensor:
        if not isinstance(self.network, TriplaneGenerator):
            return self.drawn(self.styles)
        return self.network.superresolve(self.features, self.styles)


def _statistics(x: Tensor) -> Tensor:
    flat = x.double().flatten(2)
    return torch.stack([flat.mean(2), flat.abs().mean(2), flat.square().mean(2).sqrt(), flat.amin(2), flat.amax(2)], -1)


def or_statistics(name: str, x: Tensor) -> Tensor:
    return _statistics(x) if name.endswith(".stats") else x


def _map(case: ParityCase, name: str) -> Tensor:
    digits = re.fullmatch(r"map\.ws_psi(\d+)(?:_cutoff(\d+))?", name)
    psi = float(digits[1][0] + "." + digits[1][1:]) if len(digits[1]) > 1 else float(digits[1])
    label = case.inputs("c_cond") if isinstance(case.network, TriplaneGenerator) else case.inputs("c")
    return case.network.map(case.inputs("z"), label, psi, int(digits[2]) if digits[2] else None)


def _style(case: ParityCase, name: str) -> Tensor:
    return case.network.layout.split(case.styles)[name.removeprefix("style.")]


def _backbone_block(case: ParityCase, name: str) -> Tensor:
    _, block_name, kind = name.split(".")
    backbone = case.network.backbone if isinstance(case.network, TriplaneGenerator) else case.network
    prefix = "backbone." if isinstance(case.network, TriplaneGenerator) else ""
    styles = case.network.layout.split(case.styles)
    x, image = None, torch.empty(0)
    for full_name, block in backbone.blocks():
        own = [styles[f"{prefix}{full_name}.{layer}"] for layer, _ in block.style_layers()]
        x, image = block(x, image, own, Noise())
        if full_name.endswith("." + block_name):
            return x if kind == "x" else image
    raise KeyError(f"there is no block {block_name}")


def _planes(case: ParityCase, name: str) -> Tensor:
    if case.planes.ndim == 5 and case.planes.shape[3] == len(case.network.config.plane_axes):
        return or_statistics(name, case.planes.permute(0, 3, 4, 1, 2).flatten(1, 2))
    return or_statistics(name, case.network.draw(case.styles))  # before they become grids or balls


def _rays(case: ParityCase, name: str) -> Tensor:
    if name == "rays.weight_sum":
        return case.rays.opacity[:, 0]
    network, index = case.network, case.stored["rays.index"]
    config, camera = network.config.rendering, case.inputs("c")
    resolution = network.config.neural_rendering_resolution
    rays = make_rays(camera, resolution, config, len(camera), couple_batch=True)
    flat = torch.cat([index + v * resolution**2 for v in range(len(camera))])
    if name == "rays.marched":
        return case.rays.features.flatten(2).transpose(1, 2)[:, index]
    return _ray_quantities(case, rays, flat)[name].unflatten(0, (len(camera), -1))


def _ray_quantities(case: ParityCase, rays, flat: Tensor) -> dict[str, Tensor]:
    config, scene, options = case.network.config.rendering, case.network.volume(case.planes), case.options
    part = rays.slice(flat)
    lines = rays_through(scene, part)
    coarse = vol.stratified_depths(
        part.near,
        part.far,
        config.depth_resolution,
        options.sampling.uniform((1, 1), flat.device),
        config.disparity_space_sampling,
    )
    coarse = coarse.expand(len(flat), -1)
    sigma = query_rays(scene, lines, coarse)[0]
    weights = vol.compositing_weights(sigma, coarse)
    quantiles = options.sampling.quantiles((1, config.depth_resolution_importance), flat.device)
    depths = torch.cat([coarse, vol.importance_depths(coarse, weights, quantiles)], -1).sort(-1).values
    all_sigma = query_rays(scene, lines, depths)[0]
    cropped = [beyond(part, at, math.inf if scene.half_seen is None else scene.half_seen) for at in (coarse, depths)]
    return {
        "rays.coarse_cropped": cropped[0],
        "rays.all_cropped": cropped[1],
        "rays.origins": part.origins,
        "rays.dirs": part.directions,
        "rays.coarse_depths": coarse,
        "rays.coarse_sigma": sigma.masked_fill(cropped[0], 0),
        "rays.coarse_weights": weights,
        "rays.all_depths": depths,
        "rays.all_sigma": all_sigma.masked_fill(cropped[1], 0),
        "rays.all_weights": vol.compositing_weights(all_sigma, depths),
    }


def _features(case: ParityCase, name: str) -> Tensor:
    return or_statistics(name, case.features)


def _image_raw(case: ParityCase, name: str) -> Tensor:
    raw = case.network.raw_image(case.features, case.styles)
    return raw if name == "image_raw" else raw_as_returned(case.network, case.features, case.styles)


def raw_as_returned(network: TriplaneGenerator, features: Tensor, styles: Tensor) -> Tensor:
    """The official call returns the raw image after the first super-resolution block has added to it in place, where
    it needs no resizing and that block does not upsample."""
    config = network.config.superresolution
    if features.shape[-1] == config.in_resolution and not config.upsample[0]:
        return _first_block(network, features, styles)[1]
    return network.raw_image(features, styles)


def _superresolution(case: ParityCase, name: str) -> Tensor:
    module = case.network.superresolution
    if name == "sr.in_x_tl":
        return module.resize(case.features)
    if name == "sr.in_img_tl":
        return module.resize(case.network.raw_image(case.features, case.styles))
    return _first_block(case.network, case.features, case.styles)[name == "sr.b0_img_tl"]


def _first_block(network: TriplaneGenerator, features: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
    """Features and picture behind the first block of the super-resolution."""
    module, layers = network.superresolution, network.layout.split(styles)
    own = [layers[f"superresolution.block0.{layer}"] for layer, _ in module.block0.style_layers()]
    raw = network.raw_image(features, styles)
    return module.block0(module.resize(features), module.resize(raw), own, Noise("none"))


def _image(case: ParityCase, name: str) -> Tensor:
    return or_statistics(name, case.image)


def _image_nonoise(case: ParityCase, name: str) -> Tensor:
    return case.drawn(case.styles, RenderOptions(noise=Noise("none")))


def _image_z(case: ParityCase, name: str) -> Tensor:
    label = case.inputs("c_cond") if isinstance(case.network, TriplaneGenerator) else case.inputs("c")
    ws = case.network.map(case.inputs("z"), label, 0.7)
    return case.drawn(case.network.styles(ws), case.options)


def _points(case: ParityCase, name: str) -> Tensor:
    network, points, wanted = case.network, case.inputs("points"), case.stored[name]
    if name == "points.plane_features":
        return plane_features(network.volume(case.planes), points[:, : wanted.shape[2]])
    if name == "points.sample_sigma":
        planes = network.planes(network.styles(network.map(case.inputs("z"), case.inputs("c_cond"), 0.7)))
        return network.query(planes, points[:, : wanted.shape[1]])[0][..., None]
    density, rgb = network.query(case.planes, points)
    return density[..., None] if name == "points.sigma" else rgb


def _rays_test(case: ParityCase, name: str) -> Tensor:
    resolution = round(case.stored[name].shape[1] ** 0.5)
    origins, directions = camera_rays(case.inputs("c_rays_test"), resolution)
    return origins if name.endswith("origins") else directions


def _auto(case: ParityCase, name: str) -> Tensor:
    network = case.network.with_rendering(ray_start="auto", ray_end="auto")
    rays = network.render_features(case.planes, case.inputs("c"), case.options)
    parts = {"depth": rays.depth, "feature": rays.features, "weight_sum": rays.opacity}
    return or_statistics(name, parts[name.split(".")[1]])


def _gradient(case: ParityCase, name: str) -> Tensor:
    with torch.enable_grad():
        ws = case.ws.clone().requires_grad_()
        image = case.drawn(case.network.styles(ws), case.options)
        return torch.autograd.grad(image.square().mean(), ws)[0]


PART = r"(\.(stats|tl|mid|br|s\d+|sample0_\w+))?"  # which part of a picture or map is stored

PROBES: dict[str, Callable[[ParityCase, str], Tensor]] = {
    r"map\.ws_psi\d+(_cutoff\d+)?": _map,
    r"style\..+": _style,
    r"bb\.b\d+\.(x|img)": _backbone_block,
    "planes" + PART: _planes,
    r"rays\.(origins|dirs|weight_sum|marched|(coarse|all)_(depths|sigma|weights|cropped))": _rays,
    "feature_image" + PART: _features,
    "image_raw(_returned)?": _image_raw,
    "image_depth": lambda case, name: case.rays.depth,
    r"sr\.(in|b0)_(x|img)_tl": _superresolution,
    "image" + PART: _image,
    "image_nonoise": _image_nonoise,
    "image_z": _image_z,
    r"points\.(plane_features|rgb|sigma|sample_sigma)": _points,
    r"raystest\.(origins|dirs)": _rays_test,
    r"auto\.(depth|feature|weight_sum)" + PART: _auto,
    r"grad\.ws": _gradient,
}
