"""The parser of face photographs: published names and shapes, what it computes, its weights in a file."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from torchvision.models import resnet18

from sat3d.domains import load_domain
from sat3d.errors import FileError, ShapeError
from sat3d.learning.segmenters import PARSERS, load_segmenter
from sat3d.parsing import bisenet, deeplab
from sat3d.parsing.parser import HeadParser
from sat3d.parsing.state_file import open_state_file, shapes_of
from sat3d.regions import alterable_region
from training.common.segmenters import find_segmenter

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def face():
    torch.manual_seed(0)
    network = bisenet.FaceParser()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture(scope="module")
def face_file(face, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "79999_iter.pth"
    torch.save(face.state_dict(), path, _use_new_zipfile_serialization=False)  # as in 2019
    return path


def pictures(*size):
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_the_names_and_shapes_of_the_published_face_weights(face):
    """Facts of 79999_iter.pth, a few of each part."""
    shapes = shapes_of(face)
    published = {
        "cp.resnet.conv1.weight": (64, 3, 7, 7),
        "cp.resnet.layer1.1.bn2.running_var": (64,),
        "cp.resnet.layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "cp.resnet.layer4.0.downsample.1.bias": (512,),
        "cp.resnet.layer4.1.conv2.weight": (512, 512, 3, 3),
        "cp.arm16.conv.conv.weight": (128, 256, 3, 3),
        "cp.arm32.conv_atten.weight": (128, 128, 1, 1),
        "cp.arm32.bn_atten.running_mean": (128,),
        "cp.conv_head16.bn.weight": (128,),
        "cp.conv_avg.conv.weight": (128, 512, 1, 1),
        "ffm.convblk.conv.weight": (256, 256, 1, 1),
        "ffm.conv1.weight": (64, 256, 1, 1),
        "ffm.conv2.weight": (256, 64, 1, 1),
        "conv_out.conv.conv.weight": (256, 256, 3, 3),
        "conv_out.conv_out.weight": (19, 256, 1, 1),
        "conv_out16.conv.conv.weight": (64, 128, 3, 3),
        "conv_out32.conv_out.weight": (19, 64, 1, 1),
    }
    assert {name: shapes.get(name) for name in published} == published
    assert not [name for name in shapes if name.startswith(("cp.resnet.fc", "sp."))]
    # Trunk 20 × 5, refinements 2 × 10, three blocks 15, fusion 7, heads 3 × 6; counters not counted.
    assert len(shapes) == 160


def test_the_trunk_computes_as_torchvision_does(face):
    other = resnet18(weights=None).eval()
    missing, unexpected = other.load_state_dict(face.cp.resnet.state_dict(), strict=False)
    assert unexpected == [] and set(missing) == {"fc.weight", "fc.bias"}
    x = pictures(64, 96)
    with torch.no_grad():
        y = other.maxpool(other.relu(other.bn1(other.conv1(x))))
        wanted = [y := layer(y) for layer in (other.layer1, other.layer2, other.layer3, other.layer4)][1:]
        for got, want in zip(face.cp.resnet(x), wanted, strict=True):
            torch.testing.assert_close(got, want)


def test_the_context_path_by_hand(face):
    """From the tensors alone, in the published order of operations."""
    state = face.state_dict()

    def norm(x, name):
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts)

    def block(x, name, padding=1):
        return F.relu(norm(F.conv2d(x, state[f"{name}.conv.weight"], padding=padding), f"{name}.bn"))

    def refine(x, name):
        x = block(x, f"{name}.conv")
        mean = F.avg_pool2d(x, x.shape[2:])
        return x * torch.sigmoid(norm(F.conv2d(mean, state[f"{name}.conv_atten.weight"]), f"{name}.bn_atten"))

    with torch.no_grad():
        fine, middle, coarse = face.cp.resnet(pictures(128, 64))
        average = block(F.avg_pool2d(coarse, coarse.shape[2:]), "cp.conv_avg", 0)
        up = F.interpolate(refine(coarse, "cp.arm32") + average, middle.shape[2:], mode="nearest")
        around = refine(middle, "cp.arm16") + block(up, "cp.conv_head32")
        around = block(F.interpolate(around, fine.shape[2:], mode="nearest"), "cp.conv_head16")
        got_fine, got_around = face.cp(pictures(128, 64))
        torch.testing.assert_close(got_fine, fine)
        torch.testing.assert_close(got_around, around)


def test_faces_are_parsed_by_weights_in_a_file(face, face_file):
    segmenter = PARSERS["celebamask"](face_file, CPU)
    labels = segmenter.find(pictures(70, 64))
    assert labels.shape == (1, 70, 64) and labels.dtype == torch.long and 0 <= labels.min() <= labels.max() < 19
    assert torch.equal(labels, face.labels(pictures(70, 64))) and len(set(labels.flatten().tolist())) > 1
    assert segmenter.fingerprint and len(segmenter.label_names) == 19 and segmenter.label_names[17:] == ("hair", "hat")


def test_faces_are_seen_at_512_with_imagenets_statistics(face):
    seen = []
    with torch.no_grad():
        hook = face.cp.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        face(torch.full((1, 3, 64, 64), 2 * 0.485 - 1))
        hook.remove()
    assert seen[0].shape == (1, 3, 512, 512)
    wanted = [0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225]
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor(wanted), atol=1e-6, rtol=0)


def test_the_labels_of_the_domains_are_known():
    for name, label_names in (("face", bisenet.LABEL_NAMES), ("cat", deeplab.LABEL_NAMES)):
        domain = load_domain(name)
        assert domain.parser in PARSERS
        for parts in domain.regions.values():
            alterable_region(torch.zeros(1, 8, 8, dtype=torch.long), parts, label_names)
    assert deeplab.LABEL_NAMES.index("cat") == 8 and len(deeplab.LABEL_NAMES) == 21


def named(*names: str) -> dict:
    return {name: torch.zeros(1) for name in names}


# A few names of each network that people take for the parser's, and what it is called.
OTHERS = {
    "SegFormer": (
        named("segformer.encoder.patch_embeddings.0.proj.weight", "decode_head.linear_c.0.proj.weight"),
        "SegFormer in the layout of transformers",
    ),
    "mmsegmentation": (named("backbone.conv1.weight", "decode_head.conv_seg.weight"), "a network of mmsegmentation"),
    "parsing_parsenet.pth": (
        named("encoder.0.conv2d.weight", "body.0.conv1.conv2d.weight", "out_img_conv.conv2d.weight",
              "out_mask_conv.conv2d.weight"),
        "ParseNet.*parsing_parsenet",
    ),
    "another BiSeNet": (named("fpn.backbone.conv1.weight", "ffm.conv_block.conv.weight"), "the BiSeNet of yakhyo"),
    "DeepLabv3": (named("backbone.layer3.0.conv1.weight", "classifier.0.convs.0.0.weight"), "DeepLabv3"),
    "FCN": (named("backbone.layer3.0.conv1.weight", "classifier.4.weight"), "torchvision's FCN"),
    "MobileNet": (named("backbone.0.0.weight", "classifier.0.convs.0.0.weight"), "another DeepLabv3"),
    "heads": ({n: t for n, t in HeadParser().state_dict().items() if t.ndim}, "the parser of rendered heads"),
}  # fmt: skip


@pytest.mark.parametrize(("tensors", "called"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_other_networks_are_named_in_the_first_sentence(tmp_path, face, tensors, called, wrapped):
    path = tmp_path / "x.pth"
    torch.save({"state_dict": {f"module.{n}": t for n, t in tensors.items()}} if wrapped else tensors, path)
    with pytest.raises(FileError, match=rf"^The weights are of another network: {called}.*79999_iter\.pth"):
        open_state_file(path).fill(face)


def test_the_face_parsers_own_weights_are_named_to_another(tmp_path, face_file):
    with pytest.raises(FileError, match=r"another network: BiSeNet.*Wanted: DeepLabv3.*serves domains with another"):
        deeplab.load_voc_parser(face_file)


def test_names_of_nobody_are_told_one_by_one(tmp_path, face):
    torch.save(named("a", "b"), tmp_path / "x.pth")
    with pytest.raises(FileError, match=r"cp\.resnet\.conv1\.weight is missing"):
        open_state_file(tmp_path / "x.pth").fill(face)


def test_weights_of_several_gpus_with_other_classes_are_refused_by_shape(tmp_path, face):
    tensors = {f"module.{name}": tensor for name, tensor in face.state_dict().items()}
    tensors["module.conv_out.conv_out.weight"] = torch.zeros(11, 256, 1, 1)
    torch.save(tensors, tmp_path / "x.pth")
    with pytest.raises(FileError, match=r"Got: conv_out\.conv_out\.weight has shape \[11, 256, 1, 1\]"):
        open_state_file(tmp_path / "x.pth").fill(face)


@pytest.mark.parametrize("domain", ["face", "cat"])
def test_without_weights_it_is_said_where_they_are_from(domain):
    with pytest.raises(FileError, match="do not come with the package") as caught:
        load_segmenter(load_domain(domain), None, CPU)
    assert "--" not in str(caught.value)  # the nodes say it, too
    with pytest.raises(FileError, match=r"do not come with the package.*--parser"):
        find_segmenter(load_domain(domain), None, CPU)


def test_pictures_that_are_none(face):
    with pytest.raises(ShapeError):
        face.labels(torch.zeros(1, 3, 32, 32))
