"""Published segmentation networks, recognised by the names of their tensors."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownNetwork:
    """``marks``: how names of its tensors begin, all needed; ``file``: its weights, where a parser here reads them."""

    name: str
    marks: tuple[str, ...]
    file: str = ""


# Those with more particular marks first.
KNOWN = (
    KnownNetwork(
        "BiSeNet",
        ("cp.resnet.", "ffm.convblk."),
        "79999_iter.pth of face-parsing.PyTorch, or parsing_bisenet.pth of facexlib (19 classes of CelebAMask-HQ)",
    ),
    KnownNetwork("the BiSeNet of yakhyo/face-parsing, which is built otherwise", ("fpn.backbone.", "ffm.conv_block.")),
    KnownNetwork("ParseNet (facexlib's parsing_parsenet.pth)", ("out_mask_conv.", "out_img_conv.")),
    KnownNetwork("SegFormer in the layout of transformers", ("segformer.encoder.", "decode_head.")),
    KnownNetwork("a network of mmsegmentation", ("backbone.", "decode_head.")),
    KnownNetwork(
        "DeepLabv3",
        ("backbone.layer3.", "classifier.0.convs."),
        "torchvision's deeplabv3_resnet50 or deeplabv3_resnet101 with VOC labels",
    ),
    KnownNetwork("another DeepLabv3 than those with a ResNet", ("backbone.0.", "classifier.0.convs.")),
    KnownNetwork("torchvision's FCN", ("backbone.layer3.", "classifier.4.")),
    KnownNetwork("the parser of rendered heads that comes with this package", ("stem.", "merge.0.", "head.weight")),
)


def network_of(names: Collection[str]) -> KnownNetwork | None:
    """Whose tensors are called so, if that is known."""
    return next((known for known in KNOWN if all(_any(names, mark) for mark in known.marks)), None)


def _any(names: Collection[str], start: str) -> bool:
    return any(name.startswith(start) for name in names)
