"""The smallest intensity that arrives, as the node finds it: as the core does, told, cancelled, refused."""

from types import SimpleNamespace
from zlib import crc32

import pytest
import torch

from sat3d.auto_intensity import distance_to, smallest_intensity
from sat3d.domains import load_domain
from sat3d.errors import ShapeError
from sat3d.generators import RenderOptions
from sat3d.masks import AttributeMasks
from sat3d.qmm import QMM
from sat3d.transfer import transfer
from tests.nodes.host_stub import Interrupted
from tests.nodes.tiny_clip import write_tiny_clip
from tests.nodes.transfer.setup import masks_of

AUTO = "smallest that arrives"


@pytest.fixture
def auto(move, assets, part, triplane):
    """``move`` with a found intensity, by a tiny image-text model."""
    torch.manual_seed(5)
    write_tiny_clip(assets)
    part("nodes.clips")._kept.clear()
    masks = masks_of(triplane, name="shipped", domain="synthheads", generator_fingerprint=triplane.fingerprint())
    return lambda *faces, **more: move(*faces, **{"masks": masks, "auto_intensity": AUTO, **more})


class Sketch(torch.nn.Module):
    """Tells even the pictures of untrained networks apart: by random projections of 8 × 8 pixels."""

    logit_scale, device = 20.0, torch.device("cpu")

    def __init__(self):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.register_buffer("axes", torch.randn(192, 8, generator=random))

    def encode_image(self, images):
        small = torch.nn.functional.adaptive_avg_pool2d(images, 8)
        return torch.nn.functional.normalize((small - small.mean((2, 3), keepdim=True)).flatten(1) @ self.axes)

    def encode_text(self, texts):
        places = [torch.randn(8, generator=torch.Generator().manual_seed(crc32(text.encode()))) for text in texts]
        return torch.nn.functional.normalize(torch.stack(places))


@pytest.fixture
def sketch(part, monkeypatch):
    """A judge with an eye for these pictures in place of the image-text model."""
    clip = SimpleNamespace(qmm=lambda domain: part("sat3d.qmm").QMM(Sketch(), domain))
    monkeypatch.setattr(part("nodes.clips"), "load", lambda entry, architecture: clip)


def test_the_intensity_found_is_that_of_the_core(faces, auto, sketch, triplane):
    """The same search by the core alone: pictures from the front, at the network's own 16 pixels."""
    model, source, reference = faces
    edited, text, used = auto(model, source, reference, intensity=-2.0)
    masks, qmm = masks_of(triplane), QMM(Sketch(), load_domain("synthheads"))

    def look(face):
        camera = triplane.rig.label(torch.zeros(1), torch.zeros(1))
        return triplane.synthesize(face.styles, camera, RenderOptions(16)).image

    distance = distance_to(
        look(reference),
        lambda by: look(transfer(source, reference, masks, ["beard"], triplane.layout, by)),
        qmm.measure,
        "beard",
    )
    wanted = smallest_intensity(distance)
    assert wanted.before > 0.2 and used == wanted.intensity > 0.25 and edited.edits[0].intensity == used
    assert text.split("\n")[2] == f"beard {wanted}" and f"intensity {used:g}" in text.split("\n")[1]
    torch.testing.assert_close(
        edited.styles, auto(model, source, reference, intensity=used, auto_intensity="off")[0].styles
    )
    assert not edited.styles.is_inference()


def test_a_face_moved_onto_itself_needs_the_least(faces, auto):
    model, source, _ = faces
    assert auto(model, source, source)[2] == 0.25


def test_an_attribute_that_never_arrives_is_said(faces, auto, sketch, triplane, caplog):
    """Masks that move nothing at all."""
    logits = torch.full((3, triplane.layout.num_editable), -50.0)
    logits[-1] = 50
    still = AttributeMasks(
        logits, ("beard", "x"), triplane.layout.to_json(), triplane.layout.fingerprint, {"domain": "synthheads"}
    )
    _, text, used = auto(*faces, masks=still)
    assert used == 0.25 and "did not arrive" in text and "beard did not arrive" in caplog.text


@pytest.mark.parametrize(("sources", "references"), [(2, 1), (2, 2), (1, 2)])
def test_one_intensity_is_found_for_a_batch(graph, auto, sources, references):
    model = graph.load()[0]
    many, wanted = graph.sample(model, batch_size=sources), graph.sample(model, seed=9, batch_size=references)
    edited, _, used = auto(model, many, wanted)
    assert len(edited.styles) == 2 and 0.25 <= used <= 2.25


def test_the_search_can_be_cancelled(faces, auto, part):
    management = part("nodes.host").management
    auto(*faces)
    management.state.interrupt_after = management.state.checks + 8
    with pytest.raises(Interrupted):
        auto(*faces)


def test_what_keeps_the_search_from_starting(faces, auto, move, graph, triplane):
    with pytest.raises(graph.errors.ConfigError, match=r"do not tell by which phrases.*domain ''.*Next step.*off"):
        auto(*faces, masks=None)
    strange = masks_of(triplane, ("beard", "freckles"), domain="synthheads")
    with pytest.raises(graph.errors.ConfigError, match=r"no such attribute.*freckles"):
        auto(*faces, attribute="freckles", masks=strange)
    with pytest.raises(graph.errors.ConfigError, match="do not tell"):
        auto(*faces, masks=masks_of(triplane, domain="../synthheads"))
    with pytest.raises(ShapeError, match="Unknown attribute"):
        auto(*faces, attribute="moles", clip="no such file")
    with pytest.raises(graph.errors.FileError, match="no such file among the image-text models"):
        auto(*faces, clip="../secret.safetensors")


def test_only_a_search_depends_on_the_model_file(part, auto):
    node = part("nodes.transfer").SAT3DTransfer
    assert node.fingerprint_inputs(auto_intensity="off", clip="absent.safetensors") == ""
    assert node.fingerprint_inputs(auto_intensity=AUTO, clip="absent.safetensors") == "missing"
    assert node.fingerprint_inputs(auto_intensity=AUTO, clip="synthheads-clip (built-in)") not in ("", "missing")
    assert node.validate_inputs("beard", clip="absent.safetensors") is True
