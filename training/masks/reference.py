"""The readable twin of a step: the paper to the letter, nothing cached, nothing shared; for tests and timing."""

from __future__ import annotations

import torch
from torch import Tensor

from sat3d.generators import RenderOptions
from sat3d.learning.studio import Studio
from sat3d.losses import LossWeights, background_loss, probability_loss, total_loss
from sat3d.networks.loading import resize
from sat3d.regions import alterable_region, background_mask
from sat3d.transfer import edit_styles


def paper_losses(
    studio: Studio,
    logits: Tensor,  # M [m+1, n]
    source: Tensor,  # s_src [1, S]
    reference: Tensor,  # s_ref [1, S]
    camera: Tensor,  # of the source, [1, 25], or [1, 0] for flat generators
    reference_camera: Tensor,
    target: str,  # Ω = {target}
    weights: LossWeights,
) -> dict[str, Tensor]:
    """Equations (1) to (7) for one transfer: ``loss`` and its parts ``attr``, ``bg``, ``prob``. Knows no variants."""
    domain, layout, qmm = studio.domain, studio.network.layout, studio.qmm
    with torch.no_grad():
        source_image = _picture(studio, source, camera)
        reference_image = _picture(studio, reference, reference_camera)
        source_scores, reference_scores = qmm.measure(source_image), qmm.measure(reference_image)
    mask = logits.softmax(0)[list(domain.attributes).index(target)]
    edited_styles = edit_styles(layout.editable(source), layout.editable(reference), mask, intensity=1.0)
    edited_image = _picture(studio, layout.with_editable(source, edited_styles), camera)
    attr = qmm.attribute_loss(edited_image, source_scores, reference_scores, [target])
    bg = _background_loss(studio, edited_image, source_image, target)
    prob = probability_loss(logits)
    return {"loss": total_loss(attr, bg, prob, weights), "attr": attr.mean(), "bg": bg.mean(), "prob": prob}


def _picture(studio: Studio, styles: Tensor, camera: Tensor) -> Tensor:
    options = RenderOptions(neural_resolution=studio.view.neural_resolution)
    image = studio.network.synthesize(styles, camera if camera.shape[1] else None, options).image
    return resize(image, studio.picture_px, studio.picture_px)


def _background_loss(studio: Studio, edited: Tensor, source: Tensor, target: str) -> Tensor:
    if not studio.domain.regions:
        return edited.new_zeros(len(edited))
    regions = [
        alterable_region(studio.segmenter.find(image.detach()), studio.domain.regions[target], _names(studio))
        for image in (source, edited)
    ]
    return background_loss(edited, source, background_mask(*regions))


def _names(studio: Studio) -> tuple[str, ...]:
    return studio.segmenter.label_names
