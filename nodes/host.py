"""Memory, devices, progress and cancel, as the host manages them."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import comfy.model_management as management
import comfy.utils
import torch
from comfy.cli_args import args
from comfy.model_patcher import ModelPatcher
from comfy_execution.utils import get_executing_context
from server import PromptServer
from torch import Tensor, nn

from ..sat3d.generators import LoadedGenerator, RenderOptions, StyleGenerator
from ..sat3d.latent import Latent
from . import images, memory

log = logging.getLogger("sat3d")
_PREVIEW_SIDE = 512
WARNING_EVENT = "sat3d.warning"  # nodes/web/notices.js shows it
_loading = threading.Lock()  # the host's list of what is loaded is no matter for two threads


N = TypeVar("N", bound=nn.Module)


class _Wrapped(nn.Module):
    """The network as the host's memory management sees it: it wants to write attributes, ``device`` among them."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.device = next(network.parameters()).device


class HostedNetwork(Generic[N]):
    """A network of which the host decides where it is and when it must make room. Not made under inference mode."""

    def __init__(self, network: N):
        self.network = network
        wrapped = _Wrapped(network)
        self.patcher = ModelPatcher(wrapped, management.get_torch_device(), management.unet_offload_device())

    @property
    def device(self) -> torch.device:
        """Where :meth:`ready` brings it."""
        return self.patcher.load_device

    def ready(self, working_bytes: int = 0) -> N:
        """The network on the device, with ``working_bytes`` free beside it as far as the host can.

        Moved outside inference mode: weights moved inside could never be optimised through again.
        """
        with torch.inference_mode(False), _loading:
            management.load_models_gpu([self.patcher], memory_required=working_bytes, force_full_load=True)
            # With --novram the host leaves everything behind that has no layers of its own kind.
            return self.network.to(self.device)


@dataclass(frozen=True, eq=False)
class HostModel:
    """A generator whose memory belongs to the host. What ``EG3D_MODEL`` carries."""

    name: str
    loaded: LoadedGenerator
    hosted: HostedNetwork[StyleGenerator]

    @property
    def network(self) -> StyleGenerator:
        """The network wherever it is now; :meth:`ready` brings it to the device."""
        return self.loaded.network

    def ready(self, working_bytes: int = 0) -> StyleGenerator:
        """See :meth:`HostedNetwork.ready`."""
        return self.hosted.ready(working_bytes)

    def check(self, latent: Latent) -> None:
        """Raises LayoutError for a latent of another architecture; warns about one of other weights."""
        latent.check_layout(self.network.layout)
        self.warn_of_other_weights(latent)

    def warn_of_other_weights(self, latent: Latent) -> None:
        """A face of another checkpoint is allowed, since fine-tuned networks share a style space; but said."""
        if latent.generator_fingerprint != self.loaded.known_as(latent.generator_fingerprint):
            warn(
                f"the face was made by another checkpoint of the same architecture than {self.name}; it may look "
                "different here"
            )

    def render_options(self, neural_resolution: int | None = None, fast: bool = True) -> RenderOptions:
        """Options for this machine: chunks by free memory, half precision where the host would use it. ``fast``: what
        cannot show is left out."""
        device = self.hosted.device
        if device.type == "cpu":
            return RenderOptions(neural_resolution, fast=fast)
        dtype = torch.float16 if management.should_use_fp16(device) else torch.float32
        rays = memory.rays_that_fit(management.get_free_memory(device), self.network.config)
        return RenderOptions(neural_resolution, superresolution_dtype=dtype, rays_per_chunk=rays, fast=fast)


class Report:
    """Progress of one node run, with an optional live preview; raises the host's interrupt when the user cancels."""

    def __init__(self, node, total: int = 1):
        self.bar = comfy.utils.ProgressBar(total, node_id=node.hidden.unique_id)

    def __call__(self, done: int, total: int, picture: Tensor | None = None) -> None:
        """``picture``: ``[B, 3, H, W]``, -1..1; its first is shown."""
        management.throw_exception_if_processing_interrupted()
        shown = None if picture is None else images.to_preview(picture)
        # The host enlarges what is smaller than the limit, and the page would call that the picture's size.
        preview = None if shown is None else ("JPEG", shown, min(_PREVIEW_SIDE, max(shown.size)))
        self.bar.update_absolute(done, total, preview)


@contextmanager
def cancellable(network: nn.Module, check: Callable[[], None] | None = None) -> Iterator[None]:
    """Inside, cancel takes effect at the next layer or chunk of rays, not only between pictures.

    ``check`` raises when it is time to stop (None: when the user cancels the queue). Only this thread is asked: another
    one that uses the network, such as the studio beside the queue, neither stops for it nor takes the signal away.
    """
    check = check or management.throw_exception_if_processing_interrupted
    here = threading.get_ident()

    def ask(*_):
        if threading.get_ident() == here:
            check()

    hooks = [module.register_forward_pre_hook(ask) for module in network.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def warn(message: str | None) -> None:
    """Say something in the host's console and, on its page, of the node that runs; if there is something to say."""
    if not message:
        return
    log.warning("SAT3D: %s", message)
    server, running = PromptServer.instance, get_executing_context()
    if running is not None:
        server.send_sync(WARNING_EVENT, {"node": running.node_id, "message": message}, server.client_id)


def workflow_notes(node) -> dict[str, str]:
    """What the host writes into files so that a file dropped on its page opens the workflow: JSON by name.

    Nothing where the user has told the host not to write it. The node asks for ``prompt`` and ``extra_pnginfo``.
    """
    if args.disable_metadata:
        return {}
    found = {"prompt": node.hidden.prompt, **(node.hidden.extra_pnginfo or {})}
    return {name: json.dumps(value) for name, value in found.items() if value is not None}


def queue_runs() -> bool:
    """Whether the host works on a prompt just now: then what is on the device, and what is not, is its business."""
    return bool(PromptServer.instance.prompt_queue.currently_running)


def keeps_outputs() -> bool:
    """Whether what a node gives stays in memory after a run, unless the user has told the host otherwise."""
    return not getattr(args, "cache_none", False)


def routes():
    """Where addresses are added to the host's own server, which guards them as it does its own."""
    return PromptServer.instance.routes


def keep(tensor: Tensor) -> Tensor:
    """A node's output, where the host keeps outputs."""
    return tensor.to(management.intermediate_device())
