"""Generators that know parts: they label their views, and show faces that are composed of several.

A latent with layers is shown by a generator of its own (:func:`generator_of`), which shares the weights of the one that
it was made from and can do all that one can: views, meshes, points.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ShapeError
from ..generators import FullHeadGenerator, Rendering, RenderOptions, StyleGenerator, TriplaneGenerator
from ..generators.base import as_view_generator
from ..generators.config import SuperresolutionConfig
from ..generators.occupancy import Occupancy
from ..generators.planes import grid_size
from ..generators.renderer import RenderedRays
from ..generators.scene import Volume
from ..generators.synthesis import Noise
from ..inversion.delta import with_hooks_of
from ..inversion.tune import tuned_network
from ..latent import Latent
from ..latent_layers import Layer
from .cells import coordinate_axes, coordinates
from .composing import ComposedDecoder, ComposedVolume, LayerRule, split_planes, stacked_planes
from .field import PartField
from .labelling import LabelDecoder, LabelledVolume

_UNTOUCHED = 1e-4  # of features in -1..1: a hundredth of a level, below which a ray shows the base face
_REACH_PX = 3  # of one super-resolution block, in its own pixels


@dataclass(frozen=True)
class Composition:
    """What a generator shows beside the face that it is asked for: ``layers`` over it, by the ``part_field``;
    ``labelled``: with label probabilities in :attr:`Rendering.parsing`."""

    part_field: PartField
    layers: tuple[Layer, ...] = ()
    labelled: bool = False


@dataclass(frozen=True)
class ComposedOccupancy(Occupancy):
    """Of all faces together, and ``base``: that of the base face alone."""

    base: Occupancy | None = None


class KnowsParts(TriplaneGenerator):
    """What is added to a generator, ``plain``; made by :func:`generator_of`."""

    composition: Composition
    _plain: tuple[TriplaneGenerator, TriplaneGenerator]  # no submodules: their weights are these

    @property
    def alone(self) -> TriplaneGenerator:
        """What shows the base face alone, with labels if this one gives them, so that both add up alike."""
        return self._plain[1]

    @property
    def plain(self) -> TriplaneGenerator:
        """The generator that shows the base face alone."""
        return self._plain[0]

    @property
    def _layers(self) -> tuple[Layer, ...]:
        return self.composition.layers

    def planes(self, styles: Tensor, noise: Noise | None = None) -> Tensor:
        """Of a composed face ``[1, S]`` those of all its faces, one after the other."""
        if self._layers and len(styles) != 1:
            raise ShapeError("Composed faces are shown one at a time", len(styles), "one face", "take one of them")
        faces = [styles, *(layer.styles.to(styles) for layer in self._layers)]
        return stacked_planes([self.plain.planes(each, noise) for each in faces])

    def _planes_of_each(self, planes: Tensor) -> list[Tensor]:
        count = 1 + len(self._layers)
        return [planes] if count == 1 else split_planes(planes, count)

    def volume(self, planes: Tensor) -> Volume:
        scene = self.plain.volume(planes)
        rules = tuple(self._rule(layer, planes) for layer in self._layers)
        known, labelled, features = self.composition.part_field, self.composition.labelled, planes.shape[-1]
        values: dict[str, Any] = {name: getattr(scene, name) for name in Volume.__dataclass_fields__}
        if not rules:
            if labelled:
                values["decoder"] = LabelDecoder(self.decoder, known, features)
            return LabelledVolume(**values) if labelled else scene
        values["decoder"] = ComposedDecoder(self.decoder, known, rules, labelled, scene.box_warp, features)
        return ComposedVolume(**values, fits=tuple(rule.fit for rule in rules), axes=coordinate_axes(scene))

    def _rule(self, layer: Layer, planes: Tensor) -> LayerRule:
        known = self.composition.part_field
        tone = None if layer.tone is None else layer.tone[0].to(planes)
        parts, lower = (tuple(known.numbers(names)) if names else () for names in (layer.parts, layer.lower))
        edges = (layer.own_edge if layer.adds else None, layer.removed_edge if layer.removes else None)
        rule = LayerRule(parts, *edges, layer.fit[0].to(planes), tone)
        scene = self.plain.volume(self._planes_of_each(planes)[0])
        axes = coordinate_axes(scene)
        if axes is None:  # planes that know neither height nor cells
            return replace(rule, parts=parts + lower)
        if layer.cells is not None:
            rule = replace(rule, cells=layer.cells[0, 0].to(planes), own_cells=layer.cells[0, 1].to(planes))
        if not lower:
            return rule
        heights = torch.tensor([[0.0] * 2, [layer.below, layer.below - layer.soft], [0.0] * 2]).to(planes)
        edge = coordinates(scene.places(heights).texels, axes, grid_size(scene.planes))[:, 1]
        return replace(rule, lower=lower, below=float(edge[0]), soft=float(edge[1] - edge[0]))

    @torch.no_grad()
    def find_matter(self, planes: Tensor, quick: bool = False) -> Occupancy:
        """Where any of the faces has matter."""
        first, *others = (self.plain.find_matter(each, quick) for each in self._planes_of_each(planes))
        filled = first.filled
        for layer, other in zip(self._layers, others, strict=True):
            filled = filled | mapped_matter(other, layer.fit[0].to(planes))
        return ComposedOccupancy(filled, first.half, first.closed, first) if self._layers else first

    def _render_batch(
        self,
        planes: Tensor,
        styles: Tensor,
        camera: Tensor,
        options: RenderOptions,
        behind: Tensor | None = None,
    ) -> Rendering:
        if self._layers and options.leaves_out and options.occupancy is None:
            options = replace(options, occupancy=self._matter_for(planes, len(camera), options))
        behind = self.behind(styles, options.noise) if behind is None else behind
        rays, labels = self.labelled_rays(planes, camera, options)
        view = self._finish(rays, styles, options, behind)
        if self._layers:
            own, touched = self._base_rays(rays, planes, camera, options)
            plain = self._finish(own, styles, options, behind)
            view = keep_untouched(view, plain, touched, self.config.superresolution)
        return view if labels is None else replace(view, parsing=labels)

    def _base_rays(
        self, rays: RenderedRays, planes: Tensor, camera: Tensor, options: RenderOptions
    ) -> tuple[RenderedRays, Tensor]:
        """The base face as it is rendered alone, and which of the composed ``rays`` show anything else.

        What that is is seen by the same samples: an occupancy of its own leaves out others.
        """
        planes = self._planes_of_each(planes)[0]
        alike = self.alone.render_features(planes, camera, options)
        touched = touched_rays(rays, alike)
        occupancy = options.occupancy
        if not (options.leaves_out and isinstance(occupancy, ComposedOccupancy)):
            return alike, touched
        return self.alone.render_features(planes, camera, replace(options, occupancy=occupancy.base)), touched

    def render_features(
        self,
        planes: Tensor,
        camera: Tensor,
        options: RenderOptions | None = None,
    ) -> RenderedRays:
        return self.labelled_rays(planes, camera, options)[0]

    def labelled_rays(
        self,
        planes: Tensor,
        camera: Tensor,
        options: RenderOptions | None = None,
    ) -> tuple[RenderedRays, Tensor | None]:
        """As :meth:`render_features`, and the probabilities of labels ``[V, K, r, r]``, if it is ``labelled``."""
        return self._split(super().render_features(planes, camera, options))

    def _split(self, rays: RenderedRays) -> tuple[RenderedRays, Tensor | None]:
        """Features and probabilities of labels ``[V, K, r, r]``; what is not opaque is the first label."""
        if not self.composition.labelled:
            return rays, None
        names = len(self.composition.part_field.labels)
        features, labels = rays.features.split([rays.features.shape[1] - names, names], 1)
        clear = 1 - rays.opacity
        if self.config.rendering.white_back:  # which the renderer has added to all that it composites
            labels = labels - clear
        labels = labels + F.pad(clear, (0, 0, 0, 0, 0, names - 1))
        return replace(rays, features=features), labels.clamp(0, 1)

    def _finish(self, rays: RenderedRays, styles: Tensor, options: RenderOptions, behind: Tensor | None) -> Rendering:
        features = self.before_background(rays.features, rays.opacity, styles, behind=behind)
        image, raw = self.superresolve(features, styles, options), self.raw_image(features, styles)
        return Rendering(image, raw, rays.depth, rays.opacity, self.parse(features, styles))

    def with_rendering(self, **changes: Any) -> "TriplaneGenerator":
        return generator_of(self.plain.with_rendering(**changes), self.composition)


class FullHeadKnowsParts(KnowsParts, FullHeadGenerator):
    """The same of heads that turn all the way round."""


def generator_of(network: TriplaneGenerator, composition: Composition) -> KnowsParts:
    """``network`` with parts; the weights are shared, and it stays as it is."""
    network = network.plain if isinstance(network, KnowsParts) else network
    kind: Any = FullHeadKnowsParts if isinstance(network, FullHeadGenerator) else KnowsParts
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    with torch.device("meta"), torch.inference_mode(False):
        made = kind(network.config)
    made.load_state_dict(network.state_dict(keep_vars=True), assign=True)
    for parameter, trained in zip(made.parameters(), wanted, strict=True):
        parameter.requires_grad_(trained)
    composition = replace(composition, part_field=composition.part_field.to(network.device))
    alone = network
    if composition.labelled and composition.layers:
        alone = generator_of(network, replace(composition, layers=()))
    made.composition, made._plain = composition, (network, alone)
    return made.train(network.training)


def network_showing(
    network: StyleGenerator, latent: Latent, part_field: PartField | None = None, labelled: bool = False
) -> StyleGenerator:
    """The generator that shows ``latent``: ``network`` itself, or with tuned weights, or one that composes its layers.

    ``labelled``: its views have label probabilities, by the ``part_field``, or that of the latent.

    Raises:
        ShapeError: layers, and several faces: see :meth:`Latent.faces`. ConfigError: a flat generator.
    """
    tuned = with_hooks_of(network, tuned_network(network, latent)) if latent.tuned else network
    if not latent.layers and not labelled:
        return tuned
    if latent.layers and len(latent.styles) != 1:
        raise ShapeError("Composed faces are shown one at a time", len(latent.styles), "one face", "use latent.faces()")
    weights = latent.part_field
    if latent.layers and weights is not None:
        part_field = PartField.of_tensors(weights.tensors, weights.labels)
    solid = as_view_generator(tuned, "A face of parts")
    if part_field is None or not isinstance(solid, TriplaneGenerator):
        raise ShapeError("There is no semantic field to find parts with", "none", "that of the generator",
                         "load or train one")  # fmt: skip
    made = generator_of(solid, Composition(part_field, latent.layers, labelled))
    for each in (made.plain, made.alone):
        if each is not solid:
            with_hooks_of(solid, each)
    return with_hooks_of(solid, made)


def views_of(
    network: StyleGenerator,
    latent: Latent,
    cameras: Tensor,
    options: RenderOptions | None = None,
    part_field: PartField | None = None,
    labelled: bool = False,
) -> Iterator[Rendering]:
    """Every face of ``latent`` from every camera of ``[V, 25]``, face after face, one view at a time."""
    faces = latent.faces() if latent.layers else [latent]
    for face in faces:
        shown = network_showing(network, face, part_field, labelled)
        yield from shown.views(face.styles.to(network.device), cameras.to(network.device), options)


# -- bit for bit


def touched_rays(rays: RenderedRays, plain: RenderedRays) -> Tensor:
    """``[V, 1, r, r]`` bool: rays that show anything else than the base face."""
    features = (rays.features - plain.features).abs().amax(1, keepdim=True)
    return (features > _UNTOUCHED) | ((rays.opacity - plain.opacity).abs() > _UNTOUCHED)


def keep_untouched(view: Rendering, plain: Rendering, touched: Tensor, config: SuperresolutionConfig) -> Rendering:
    """``view`` where rays are ``touched [V, 1, r, r]``, and as far around as super-resolution carries them; elsewhere
    ``plain``, bit for bit."""
    side = view.image.shape[-1]
    wide = (
        F.interpolate(touched.float(), size=(side, side), mode="nearest-exact")
        if side >= touched.shape[-1]
        else (F.adaptive_max_pool2d(touched.float(), side))
    )
    reach = reach_px(config, touched.shape[-1])
    wide = F.max_pool2d(wide, 2 * reach + 1, 1, reach) > 0
    found = replace(view, image=torch.where(wide, view.image, plain.image))
    for name in ("image_raw", "depth", "opacity"):
        own, base = getattr(view, name), getattr(plain, name)
        if own is not None and base is not None:
            found = replace(found, **{name: torch.where(touched, own, base)})
    return found


def reach_px(config: SuperresolutionConfig, resolution: int) -> int:
    """How far a ray's features reach in the final picture, pixels."""
    side, out, total = config.in_resolution, config.out_resolution, 0.0
    if resolution != side:
        total += 2 * out / min(resolution, side)
    for up in config.upsample:
        total += (_REACH_PX + up) * out / side
        side <<= up
    return int(total + 0.999)


def mapped_matter(occupancy: Occupancy, fit: Tensor) -> Tensor:
    """``filled [N³]`` of another head as the base head's cells see it: those around a cell's middle count, too."""
    side, half = occupancy.side, occupancy.half
    axis = (torch.arange(side, device=fit.device) + 0.5) * occupancy.cell - half
    places = (torch.cartesian_prod(axis, axis, axis) @ fit[:, :3].T + fit[:, 3] + half) / occupancy.cell
    number = places.clamp(0, side - 0.5).long()
    grown = F.max_pool3d(occupancy.filled.view(1, side, side, side).float(), 3, 1, 1)[0] > 0
    found = grown[number[:, 0], number[:, 1], number[:, 2]]
    outside = ((places < 0) | (places >= side)).any(1)
    return found if occupancy.closed else found | outside
