"""Files as a user has them for an official checkpoint, each in its published layout, with numbers that are free."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from sat3d.clip import UNTRAINED, load_clip
from sat3d.generators import TriplaneConfig, TriplaneGenerator, load_generator
from sat3d.generators.config import SUPERRESOLUTION
from sat3d.generators.official import expected_tensors
from sat3d.networks.built_in import GENERATOR
from sat3d.parsing.bisenet import LABEL_NAMES, FaceParser
from sat3d.seeds import generator_of
from tests.foreign.official_pickle import Network

PICKLE, CLIP, PARSER = "ffhq512-128.pkl", "open_clip_model.safetensors", "79999_iter.pth"
ARCHITECTURE = "ViT-B-32-quickgelu"
_Z_DIM, _CAMERA = 512, 25
_BOX = 0.86  # of the built-in network's: planes that are finest in the middle, read as evenly fine ones
_TRAINED_SCALE = math.log(100)  # of CLIP's logits
_SAMPLES = 1024  # latents that tell what soft choices are on average


def write_all(folder: Path, network: TriplaneGenerator) -> None:
    """The three downloads of the README; the image-text model has random weights, the parser nearly so."""
    write_pickle(folder / PICKLE, network)
    write_clip(folder / CLIP)
    write_parser(folder / PARSER)


def write_pickle(path: Path, network: TriplaneGenerator) -> None:
    """``network`` as a pickle of EG3D: official class names and settings, and nothing in it that the project lacks."""
    config = official_config(network.config)
    built = Network(config, "4X")
    built.tensors = dict(official_tensors(network, config))
    built.states[""]["_init_kwargs"] |= {"c_dim": _CAMERA, "img_resolution": config.img_resolution, "img_channels": 3}
    built.states["superresolution"]["input_resolution"] = config.superresolution.in_resolution
    path.write_bytes(built.pickle())


def write_published(path: Path) -> None:
    """Random weights in the sizes of the published FFHQ-512."""
    path.write_bytes(Network(TriplaneConfig(), "8XDC").pickle())


def official_config(ours: TriplaneConfig) -> TriplaneConfig:
    """As published for FFHQ, in the sizes of ``ours``: a latent of 512 numbers, a camera as label, no backdrop, even
    planes, and a super-resolution of two blocks, of which the second only doubles the picture."""
    backbone = replace(ours.backbone, z_dim=_Z_DIM, c_dim=_CAMERA, mapping_choices=())
    drawn = ours.rendering
    rendering = replace(drawn, plane_warp=0.0, box_warp=_BOX * drawn.box_warp, avg_camera_pivot=(0.0, 0.0, 0.2),
                        c_gen_conditioning_zero=False, white_back=True)  # fmt: skip
    (width,) = ours.superresolution.channels
    side = ours.superresolution.in_resolution
    enlarging = replace(SUPERRESOLUTION["4X"], in_resolution=side, channels=(width, width))
    return TriplaneConfig(backbone, rendering, enlarging, ours.neural_rendering_resolution, ours.decoder_hidden)


def official_tensors(network: TriplaneGenerator, config: TriplaneConfig) -> dict[str, Tensor]:
    """The weights that such a network draws nearly the same with; its soft choices are those of the average latent."""
    ours = network.state_dict()
    chance = generator_of("cpu", 0)
    found = {}
    for name, shape in expected_tensors(config).items():
        same = ours.get(name)
        fits = same is not None and tuple(same.shape) == tuple(shape)
        found[name] = same.clone().contiguous() if fits else torch.randn(shape, generator=chance)
    for part in ("weight", "bias"):
        found[f"decoder.net.2.{part}"][0] *= network.config.density_gain
        found[f"superresolution.block1.torgb.{part}"].zero_()
    found["backbone.mapping.embed.weight"].zero_()
    found["backbone.mapping.embed.bias"].zero_()
    return found | _first_layer(network, config)


@torch.no_grad()
def _first_layer(network: TriplaneGenerator, config: TriplaneConfig) -> dict[str, Tensor]:
    """Of the mapping: latents longer than ours, of which the first numbers count."""
    mapping, first = network.backbone.mapping, network.backbone.mapping.fc0
    size = network.config.backbone.z_dim
    weight, bias = first.scaled()
    if network.config.backbone.mapping_choices:
        z = torch.randn(_SAMPLES, size, generator=generator_of("cpu", 1))
        bias = bias + weight[:, size:] @ mapping.choices(z).mean(0)
    width = _Z_DIM + config.backbone.w_dim
    wide = torch.zeros(len(weight), width)
    wide[:, :size] = weight[:, :size] * math.sqrt(width) / 0.01
    return {"backbone.mapping.fc0.weight": wide, "backbone.mapping.fc0.bias": bias / 0.01}


def write_clip(path: Path) -> None:
    """Random weights of the architecture, as OpenAI's in open_clip's layout: matrices as coarse as half precision."""
    torch.manual_seed(0)
    model = load_clip(ARCHITECTURE, UNTRAINED).model
    model.logit_scale.fill_(_TRAINED_SCALE)
    words = "token_embedding.weight"
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "attn_mask"}
    coarse = {name: tensor.half().float() for name, tensor in tensors.items() if tensor.ndim > 1 and name != words}
    save_file({**tensors, **coarse}, path)


@torch.no_grad()
def write_parser(path: Path) -> None:
    """Random weights of BiSeNet, in the file format of 2019; each label but the hat is seen about equally often."""
    torch.manual_seed(0)
    parser = FaceParser().eval()
    last, seen = parser.conv_out, []
    hook = last.conv.register_forward_hook(lambda _, inputs, features: seen.append(features))
    parser(torch.rand(2, 3, 64, 64, generator=generator_of("cpu", 2)) * 2 - 1)
    hook.remove()
    mean = seen[0].mean((0, 2, 3))
    mean = mean / mean.norm()
    rows = last.conv_out.weight[:, :, 0, 0]
    rows -= (rows @ mean)[:, None] * mean  # what is the same everywhere speaks for no label
    rows[LABEL_NAMES.index("hat")] = -10 * mean
    torch.save(parser.state_dict(), path, _use_new_zipfile_serialization=False)


def built_in_network() -> TriplaneGenerator:
    """The network of the pack."""
    network = load_generator(GENERATOR).network
    assert isinstance(network, TriplaneGenerator)
    return network
