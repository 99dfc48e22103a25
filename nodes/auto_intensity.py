"""Search for an intensity in Transfer Attribute: frontal pictures, measured by QMM."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.auto_intensity import Found, distance_to, smallest_intensity
from ..sat3d.domains import Domain, domain_names, load_domain
from ..sat3d.errors import ConfigError
from ..sat3d.latent import Latent
from ..sat3d.masks import AttributeMasks
from ..sat3d.networks.loading import large_enough
from ..sat3d.qmm import Measurement
from . import clips, host, memory, newer_hosts
from .orbit import render_views

OFF, SMALLEST = "off", "smallest that arrives"
_LARGEST_RESOLUTION = 96  # of volume rendering: coarser ones hide what an expression consists of
_MOST_LOOKS = 11  # the reference, the source, and nine edits


@dataclass(frozen=True, eq=False)
class Judge:
    """Shows faces and measures them, wherever the host keeps the networks meanwhile."""

    model: host.HostModel
    clip: clips.HostClip
    domain: Domain
    report: host.Report

    def render_fronts(self, face: Latent) -> Tensor:
        """Every face from the front, ``[B, 3, H, W]`` about -1..1, at least 64 pixels per side."""
        network = self.model.ready(memory.render_bytes(self.model.network.config))
        options = self.model.render_options(min(network.own_resolution, _LARGEST_RESOLUTION))
        cameras = network.rig.label()
        with host.cancellable(network):
            views = render_views(network, face, cameras, options)
            return large_enough(torch.cat([view.image.float() for view in views]))

    def measure(self, pictures: Tensor) -> Measurement:
        # Brought anew, since the host may have made room for the generator.
        return clips.measure(self.clip.qmm(self.domain), pictures)


def find_intensity(judge: Judge, edited: Callable[[float], Latent], reference: Latent, attribute: str) -> Found:
    """The smallest intensity at which the attribute has arrived, one for all faces; warns where it never does.

    Raises:
        ConfigError: an attribute without phrases in the domain.
    """
    judge.domain.groups(attribute)
    looks = 0

    def render(face: Latent) -> Tensor:
        nonlocal looks
        judge.report(looks, _MOST_LOOKS)
        looks += 1
        return judge.render_fronts(face)

    distance = distance_to(render(reference), lambda by: render(edited(by)), judge.measure, attribute)
    found = smallest_intensity(distance)
    judge.report(_MOST_LOOKS, _MOST_LOOKS)
    if not found.arrived:
        host.warn(f"{attribute} {found}. Try other masks, another reference, or an intensity of your own.")
    return found


def find_domain(masks: AttributeMasks) -> Domain:
    """The domain that the masks were learned in, whose phrases measure their attributes.

    Raises:
        ConfigError: the masks name none of the pack's.
    """
    name = masks.metadata.get("domain", "")
    if name not in domain_names():
        raise ConfigError(
            "These masks do not tell by which phrases their attributes are measured",
            f"domain {name!r}",
            f"one of {domain_names()}",
            f"set auto_intensity to '{OFF}' and choose the intensity yourself",
        )
    return load_domain(name)


def make_inputs() -> list[io.Input]:
    """Appended to those of Transfer Attribute."""
    return [
        io.Combo.Input(
            "auto_intensity",
            options=[OFF, SMALLEST],
            default=OFF,
            optional=True,
            tooltip="smallest that arrives: tries up to nine intensities from 0.25 to 2.25 and takes the "
            "smallest at which the image-text model says that the reference's attribute is there. "
            "The slider is then ignored.",
        ),
        io.Combo.Input(
            "clip",
            options=clips.LIBRARY.entries(),
            default=clips.ENTRY,
            optional=True,
            **newer_hosts.advanced(),
            tooltip="For auto_intensity: the image-text model that decides. The built-in one knows "
            "SynthHeads alone; for anything else take a file in models/open_clip. Nothing is downloaded.",
        ),
        clips.architecture_input(),
    ]
