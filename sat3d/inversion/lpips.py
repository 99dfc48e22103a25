"""LPIPS (Zhang et al. 2018), if the user has the package *lpips* or *torchmetrics* and its network's weights.

Both packages would fetch the network's weights when first used. Here nothing is fetched: without the weights on disk
there is no LPIPS, and the inversion does without.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..networks.loading import large_enough

PACKAGES = ("lpips", "torchmetrics")
# The network, as both packages call it, and the file that torchvision keeps its weights in; the cheapest first.
_WEIGHTS = {"alex": "alexnet-*.pth", "vgg": "vgg16-*.pth", "squeeze": "squeezenet1_1-*.pth"}

Distance = Callable[[Tensor, Tensor], Tensor]


def lpips_missing() -> str:
    """What keeps LPIPS from being used, in words; empty if nothing does."""
    if not _installed():
        return f"none of the Python packages {', '.join(PACKAGES)} is installed"
    if importlib.util.find_spec("torchvision") is None:
        return "torchvision, which both packages need, is not installed"
    if _local_network() is None:
        return f"no weights in {_folder()}"
    return ""


def load_lpips() -> LpipsLoss:
    """LPIPS from what is installed; nothing is downloaded.

    Raises:
        ConfigError: a package or the weights are missing, or the package cannot be used.
    """
    package, network = next(iter(_installed()), None), _local_network()
    missing = lpips_missing()
    if missing or package is None or network is None:
        raise ConfigError("LPIPS cannot be used here", missing,
                          f"lpips or torchmetrics, and one of {', '.join(_WEIGHTS.values())} in {_folder()}",
                          "install them, or do without: other terms say much the same")  # fmt: skip
    try:
        with torch.inference_mode(False):  # so that one can differentiate through it later
            return LpipsLoss(_from_package(package, network))
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise ConfigError("LPIPS cannot be used here", error, f"a working {package}",
                          "update the package, or do without") from error  # fmt: skip


class LpipsLoss(nn.Module):
    """A :class:`~.losses.Term` of a distance ``(got, wanted) -> [B] or scalar`` of pictures in -1..1."""

    def __init__(self, distance: Distance):
        super().__init__()
        self.distance = distance

    def features(self, images: Tensor) -> Tensor:
        """The pictures themselves: the packages take both at once."""
        return images.detach()

    def forward(self, got: Tensor, wanted: Tensor) -> Tensor:
        """Scalar, 0 for the same. Small pictures are enlarged: the deepest layers would have nothing left."""
        return self.distance(large_enough(got).clamp(-1, 1), large_enough(wanted).clamp(-1, 1)).mean()


def _installed() -> list[str]:
    return [name for name in PACKAGES if importlib.util.find_spec(name) is not None]


def _folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _local_network() -> str | None:
    return next((name for name, pattern in _WEIGHTS.items() if any(_folder().glob(pattern))), None)


def _from_package(package: str, network: str) -> nn.Module:
    if package == "lpips":
        made = importlib.import_module("lpips").LPIPS(net=network, verbose=False)
    else:
        image = importlib.import_module("torchmetrics.image.lpip")
        made = image.LearnedPerceptualImagePatchSimilarity(net_type=network).net
    return made.eval().requires_grad_(False)
