"""DeepLabv3 (Chen et al. 2017, arXiv:1706.05587) of torchvision, with the 21 labels of PASCAL VOC: for cats."""

import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError, FileError
from ..files.writing import atomic_path, make_folder
from .photographs import PhotographParser, normalise
from .state_file import open_state_file

SHORTER_SIDE_PX = 520  # of the pictures that the published weights are evaluated with
LABEL_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
NAMES = ("deeplabv3_resnet50", "deeplabv3_resnet101")
_ONLY_IN_101 = "backbone.layer3.22.conv1.weight"
_AUXILIARY = "aux_classifier.0.weight"


class VocParser(PhotographParser):
    """Photographs of anything to the labels of PASCAL VOC. ``network``: torchvision's."""

    label_names = LABEL_NAMES

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> logits ``[B, 21, H, W]``."""
        size = [round(side * SHORTER_SIDE_PX / min(images.shape[2:])) for side in images.shape[2:]]
        pictures = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        logits = self.network(normalise(pictures))["out"]
        return F.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=False)


def load_voc_parser(weights: str | os.PathLike | None) -> VocParser:
    """The parser, in eval mode, without gradients.

    Args:
        weights: a file such as ``deeplabv3_resnet50_coco-cd0a2569.pth``; or one of ``NAMES`` alone, and then
            torchvision's weights are downloaded, once, unless they are there.

    Raises:
        FileError: none given, missing, damaged, other tensors than these, or the download failed.
        HostileFileError: it could run code. ConfigError: torchvision is not installed.
    """
    if weights is None:
        raise FileError(
            "The parser of photographs needs weights, which do not come with the package",
            "no file",
            "torchvision's DeepLabv3 weights with VOC labels (.pth)",
            f"give their path, or to download them one of the names {', '.join(NAMES)}",
        )
    asked_by_name = str(weights) in NAMES and not Path(weights).exists()
    file = open_state_file(download(str(weights)) if asked_by_name else weights)
    return VocParser(file.fill(_network_for(file.names))).eval().requires_grad_(False)


def _network_for(names: Collection[str]) -> nn.Module:
    """The architecture that the tensors' names belong to, without weights."""
    segmentation = _torchvision().models.segmentation
    build: Callable = getattr(segmentation, NAMES[_ONLY_IN_101 in names])
    auxiliary = True if _AUXILIARY in names else None
    with torch.inference_mode(False):
        return build(weights=None, weights_backbone=None, num_classes=len(LABEL_NAMES), aux_loss=auxiliary)


def download(name: str) -> Path:
    """The file of torchvision's weights in torch's own cache, downloaded if it is not there; its hash is checked.

    Raises:
        FileError: the download failed. ConfigError: torchvision is not installed.
    """
    url = _torchvision().models.get_model_weights(name)["COCO_WITH_VOC_LABELS_V1"].url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if path.is_file():
        return path
    found = re.search(r"-([0-9a-f]{8,})\.", path.name)
    make_folder(path.parent)
    with atomic_path(path) as temporary:
        try:
            torch.hub.download_url_to_file(url, str(temporary), found and found[1], progress=False)
        except (OSError, RuntimeError, ValueError) as error:
            raise FileError(
                "The weights could not be downloaded",
                f"{url} ({error})",
                None,
                "download them and give the file's path",
            ) from error
    return path


def _torchvision():
    try:
        import torchvision  # not needed by anything else, and slow to import
    except ImportError as error:
        raise ConfigError("This parser needs torchvision", error, None, "pip install torchvision") from error
    return torchvision
