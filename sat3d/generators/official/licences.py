"""Under which terms the networks of each family come, as far as their authors say."""

from ..config import GeneratorConfig

NVIDIA = (
    "official NVIDIA checkpoints are under the NVIDIA Source Code License (non-commercial use only); "
    "files of others: check your source"
)
CONVERTED = (
    "networks converted from NVIDIA's, such as StyleGAN2 FFHQ, stay under the NVIDIA Source Code License "
    "(non-commercial use only); those trained by others: check your source"
)
PANOHEAD = "PanoHead's are CC BY-NC-SA 4.0 and under the NVIDIA Source Code License: non-commercial use only"
SPHEREHEAD = (
    "SphereHead shows a CC BY badge but has no licence file; its code builds on NVIDIA's, which is for non-commercial "
    "use only"
)


def of_network(config: GeneratorConfig) -> str:
    """The terms of whole networks of this kind."""
    return {"panohead": PANOHEAD, "spherehead": SPHEREHEAD}.get(config.family, NVIDIA)


def of_tuned(licence: str) -> str:
    """The terms of weights that were tuned on somebody's photo, from those of their base network."""
    return f"that of its base network: {licence}"
