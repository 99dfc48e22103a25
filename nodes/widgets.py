"""Inputs and outputs that several nodes have, each said once."""

from __future__ import annotations

from comfy_api.latest import io

from . import newer_hosts
from .types import EG3D_LATENT, SAT3D_MASKS, SAT3D_PARTS

MAX_SEED = 2**32 - 1
SLIDER = getattr(getattr(io, "NumberDisplay", None), "slider", None)
# Older hosts know no default for the widget that changes the seed after a run.
_KEEP_SEED = getattr(getattr(io, "ControlAfterGenerate", None), "fixed", True)


def seed(tooltip: str) -> io.Input:
    """A seed that stays what it is from run to run."""
    return io.Int.Input("seed", default=0, min=0, max=MAX_SEED, control_after_generate=_KEEP_SEED, tooltip=tooltip)


def own_masks() -> io.Input:
    return SAT3D_MASKS.Input(
        "masks", optional=True, tooltip="Masks of your own. Nothing connected: those that come with the pack."
    )


def source_and_reference() -> list[io.Input]:
    return [
        EG3D_LATENT.Input("source", tooltip="The face to be changed: one, or several."),
        EG3D_LATENT.Input("reference", tooltip="The face that has what is wanted: one for all sources, or one each."),
    ]


def edited_face() -> io.Output:
    return EG3D_LATENT.Output("latent", display_name="latent", tooltip="The edited face, or faces.")


def provenance() -> io.Output:
    return io.String.Output(
        "provenance", display_name="provenance", tooltip="Every edit of this face so far, one per line."
    )


def alpha() -> io.Output:
    return io.Mask.Output("alpha", display_name="alpha", tooltip="How opaque the head is at each pixel, 0..1.")


def parts() -> io.Output:
    return SAT3D_PARTS.Output(
        "parts", display_name="parts", tooltip="Which part of the head each pixel is of, for Part Masks."
    )


FAST, EXACT = "fast", "exact"


def rendering(default: str) -> io.Input:
    """How views are computed; the last input, and optional: workflows saved without it stay as they are."""
    return io.Combo.Input(
        "rendering",
        options=[FAST, EXACT],
        default=default,
        optional=True,
        **newer_hosts.advanced(),
        tooltip="fast: what cannot show is left out; about three times as fast, and hardly a pixel differs. exact: "
        "every sample is computed, as the published code does.",
    )


def small_picture() -> list[io.Input]:
    """The picture that follows while an edit is adjusted: how fine, and from where."""
    return [
        io.Int.Input(
            "picture_resolution",
            default=64,
            min=16,
            max=256,
            step=8,
            tooltip="Side of the volume-rendered picture before super-resolution; less is faster.",
        ),
        io.Float.Input(
            "yaw_deg",
            default=0.0,
            min=-90.0,
            max=90.0,
            step=1.0,
            display_mode=SLIDER,
            tooltip="From where the picture is seen, degrees to the side. 2D faces have only the front.",
        ),
    ]


def filename_prefix(default: str, more: str = "") -> io.Input:
    return io.String.Input(
        "filename_prefix", default=default, tooltip=f"Where in the output folder, and how the name begins.{more}"
    )
