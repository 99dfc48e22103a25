"""What our networks make of the stored inputs of the official code.

Every entry of ``PROBES`` reproduces the stored tensors whose whole name matches its pattern.
"""

import json
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
from sat3d.generators.planes import sample_planes_reference
from sat3d.generators.rays import camera_rays
from sat3d.generators.renderer import TexelRays, make_rays, query_rays


@dataclass(frozen=True)
class ParityCase:
    """A network and its stored tensors; what several probes need is computed once."""

    network: StyleGenerator
    stored: dict[str, Tensor]
    info: dict

    @classmethod
    def load(cls, stem: Path) -> "ParityCase":
        """Read ``stem.pkl``, ``stem.safetensors``, ``stem.json``.

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
        return cls(load_generator(stem.with_suffix(".pkl")).network, stored, info)

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

    def drawn(self, styles: Tensor, options: RenderOptions | None = None) -> Tensor:
        """What the official network returns for its own cameras: of a flat one all channels that it has."""
        if not isinstance(self.network, TriplaneGenerator):
            return self.network.draw(styles, options)
        return self.network.synthesize(styles, self.inputs("c"), options).image

    @cached_property
    def image(self) -> Tensor:
        if not isinstance(self.network, TriplaneGenerator):
            return self.drawn(self.styles)
        return self.network.superresolve(self.rays.features, self.styles)


def _statistics(x: Tensor) -> Tensor:
    flat = x.double().flatten(2)
    return torch.stack([flat.mean(2), flat.abs().mean(2), flat.square().mean(2).sqrt(), flat.amin(2), flat.amax(2)], -1)


def _or_statistics(name: str, x: Tensor) -> Tensor:
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
    x = image = None
    for full_name, block in backbone.blocks():
        own = [styles[f"{prefix}{full_name}.{layer}"] for layer, _ in block.style_layers()]
        x, image = block(x, image, own, Noise())
        if full_name.endswith("." + block_name):
            return x if kind == "x" else image
    raise KeyError(f"there is no block {block_name}")


def _planes(case: ParityCase, name: str) -> Tensor:
    return _or_statistics(name, case.planes.permute(0, 3, 4, 1, 2).flatten(1, 2))


def _rays(case: ParityCase, name: str) -> Tensor:
    if name == "rays.weight_sum":
        return case.rays.opacity[:, 0]
    network, index = case.network, case.stored["rays.index"]
    config, camera = network.config.rendering, case.inputs("c")
    resolution = network.config.neural_rendering_resolution
    rays = make_rays(camera, resolution, config, len(camera), couple_batch=True)
    flat = torch.cat([index + v * resolution**2 for v in range(len(camera))])
    return _ray_quantities(case, rays, flat)[name].unflatten(0, (len(camera), -1))


def _ray_quantities(case: ParityCase, rays, flat: Tensor) -> dict[str, Tensor]:
    config, scene, options = case.network.config.rendering, case.network.volume(case.planes), case.options
    part = rays.slice(flat)
    lines = TexelRays.of(scene, part)
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
    return {
        "rays.origins": part.origins,
        "rays.dirs": part.directions,
        "rays.coarse_depths": coarse,
        "rays.coarse_sigma": sigma,
        "rays.coarse_weights": weights,
        "rays.all_depths": depths,
        "rays.all_sigma": all_sigma,
        "rays.all_weights": vol.compositing_weights(all_sigma, depths),
    }


def _features(case: ParityCase, name: str) -> Tensor:
    return _or_statistics(name, case.rays.features)


def _image_raw(case: ParityCase, name: str) -> Tensor:
    if name == "image_raw":
        return case.rays.features[:, :3]
    # The official call returns the raw image after the first super-resolution block has added to it in place.
    unchanged = case.rays.features.shape[-1] == case.network.config.superresolution.in_resolution
    return _superresolution(case, "sr.b0_img_tl") if unchanged else case.rays.features[:, :3]


def _superresolution(case: ParityCase, name: str) -> Tensor:
    module = case.network.superresolution
    resized = module.resize(case.rays.features)
    if name.startswith("sr.in_"):
        return resized if name == "sr.in_x_tl" else resized[:, :3]
    layers = case.network.layout.split(case.styles)
    block = module.block0
    own = [layers[f"superresolution.block0.{layer}"] for layer, _ in block.style_layers()]
    x, image = block(resized, resized[:, :3], own, Noise("none"))
    return x if name == "sr.b0_x_tl" else image


def _image(case: ParityCase, name: str) -> Tensor:
    return _or_statistics(name, case.image)


def _image_nonoise(case: ParityCase, name: str) -> Tensor:
    return case.drawn(case.styles, RenderOptions(noise=Noise("none")))


def _image_z(case: ParityCase, name: str) -> Tensor:
    label = case.inputs("c_cond") if isinstance(case.network, TriplaneGenerator) else case.inputs("c")
    ws = case.network.map(case.inputs("z"), label, 0.7)
    return case.drawn(case.network.styles(ws), case.options)


def _points(case: ParityCase, name: str) -> Tensor:
    network, points, wanted = case.network, case.inputs("points"), case.stored[name]
    if name == "points.plane_features":
        scene = network.volume(case.planes)
        return sample_planes_reference(scene.planes, points[:, : wanted.shape[2]], scene.projection)
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
    return _or_statistics(name, rays.depth if name.startswith("auto.depth") else rays.features)


def _gradient(case: ParityCase, name: str) -> Tensor:
    with torch.enable_grad():
        ws = case.ws.clone().requires_grad_()
        image = case.drawn(case.network.styles(ws), case.options)
        return torch.autograd.grad(image.square().mean(), ws)[0]


_PART = r"(\.(stats|tl|mid|br|s\d+|sample0_\w+))?"  # which part of a picture or map is stored

PROBES: dict[str, Callable[[ParityCase, str], Tensor]] = {
    r"map\.ws_psi\d+(_cutoff\d+)?": _map,
    r"style\..+": _style,
    r"bb\.b\d+\.(x|img)": _backbone_block,
    "planes" + _PART: _planes,
    r"rays\.(origins|dirs|weight_sum|(coarse|all)_(depths|sigma|weights))": _rays,
    "feature_image" + _PART: _features,
    "image_raw(_returned)?": _image_raw,
    "image_depth": lambda case, name: case.rays.depth,
    r"sr\.(in|b0)_(x|img)_tl": _superresolution,
    "image" + _PART: _image,
    "image_nonoise": _image_nonoise,
    "image_z": _image_z,
    r"points\.(plane_features|rgb|sigma|sample_sigma)": _points,
    r"raystest\.(origins|dirs)": _rays_test,
    r"auto\.(depth|feature)" + _PART: _auto,
    r"grad\.ws": _gradient,
}


def probe_for(name: str) -> Callable[[ParityCase, str], Tensor] | None:
    """What reproduces the stored tensor of that name; None if nothing does."""
    return next((probe for pattern, probe in PROBES.items() if re.fullmatch(pattern, name)), None)
