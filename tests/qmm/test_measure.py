"""QMM on plain pictures and a model worked out by hand: values, gradients, refusals."""

import pytest
import torch

from sat3d.domains import Domain, load_domain
from sat3d.errors import ConfigError, ShapeError
from sat3d.qmm import QMM, ImageTextModel, Measurement
from tests.qmm.fake_model import DOMAIN, HAIR, PRESENCE, SHADE, ColourModel, picture

RED, GREEN, GREY = (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (0.0, 0.0, 0.0)
# softmax(2, 0) and softmax(2, 0, 0)
TWO, THREE = [0.880797, 0.119203], [0.786986, 0.106507, 0.106507]
BEARD_GAP, HAIR_GAP = 2 * (TWO[0] - TWO[1]), 2 * (THREE[0] - THREE[1])


def close(got: torch.Tensor, wanted) -> None:
    torch.testing.assert_close(got, torch.tensor(wanted), atol=1e-5, rtol=1e-5)


@pytest.fixture
def qmm() -> QMM:
    return QMM(ColourModel(), DOMAIN)


def test_scores_by_hand(qmm):
    scores = qmm.measure(picture(RED, GREEN))
    close(scores.of(PRESENCE), [TWO, TWO[::-1]])
    close(scores.of(SHADE), [[0.5, 0.5], [0.5, 0.5]])
    close(scores.of(HAIR), [THREE, [THREE[1], THREE[0], THREE[1]]])
    assert scores.probabilities.shape == (2, 7) and len(scores) == 2


def test_the_table_is_plain_data(qmm):
    table = qmm.measure(picture(RED)).as_table(0)
    assert table["beard"]["presence"] == pytest.approx({"no beard": TWO[0], "a beard": TWO[1]}, abs=1e-5)
    assert list(table) == ["beard", "hair"] and list(table["beard"]) == ["presence", "shade"]


def test_differences_by_hand_also_of_one_picture_to_many(qmm):
    scores = qmm.measure(picture(RED, GREEN))
    differences = scores.select([0]).differences(scores)
    close(differences["beard"], [0.0, BEARD_GAP])
    close(differences["hair"], [0.0, HAIR_GAP])


def test_attribute_loss_by_hand(qmm):
    source, reference = qmm.measure(picture(RED)), qmm.measure(picture(GREEN))
    close(qmm.attribute_loss(picture(RED), source, reference, ["beard"]), [BEARD_GAP])
    close(qmm.attribute_loss(picture(GREEN), source, reference, ["beard"]), [HAIR_GAP])
    close(qmm.attribute_loss(picture(GREEN), source, reference, ["beard", "hair"]), [0.0])


def test_a_picture_does_not_depend_on_its_batch(qmm):
    assert torch.equal(qmm.measure(picture(RED, GREEN)).probabilities[:1], qmm.measure(picture(RED)).probabilities)


def test_the_gradient_is_right_and_reaches_the_images(qmm):
    colours = torch.tensor([[0.3, -0.2, 0.1]], dtype=torch.float32, requires_grad=True)

    def wanted(values):
        return qmm.measure(values.reshape(1, 3, 1, 1).expand(1, 3, 64, 64)).of(HAIR)[0, 1]

    (gradient,) = torch.autograd.grad(wanted(colours), colours)
    step = 1e-2 * torch.eye(3)
    numeric = torch.stack([(wanted(colours + s) - wanted(colours - s)) / 2e-2 for s in step])
    torch.testing.assert_close(gradient[0], numeric, atol=1e-3, rtol=1e-2)
    assert gradient.abs().max() > 0.05


def test_descent_on_the_images_raises_the_wanted_phrase(qmm):
    images = picture(GREY).requires_grad_()
    start = float(qmm.measure(images.detach()).of(HAIR)[0, 2])
    for _ in range(10):
        (gradient,) = torch.autograd.grad(qmm.measure(images).of(HAIR)[0, 2], images)
        images = (images + 0.2 * gradient / gradient.abs().max()).detach().requires_grad_()
    assert float(qmm.measure(images).of(HAIR)[0, 2].detach()) > start + 0.2


def test_it_can_be_built_under_inference_mode_and_differentiated_after():
    with torch.inference_mode():
        qmm = QMM(ColourModel(), DOMAIN)
        source = qmm.measure(picture(RED))
    images = picture(GREY).requires_grad_()
    qmm.attribute_loss(images, source, source, ["hair"]).sum().backward()
    assert images.grad.abs().max() > 0


def test_cached_scores_are_picked_by_number(qmm):
    scores = qmm.measure(picture(RED, GREEN, GREY))
    assert torch.equal(scores.select(torch.tensor([2, 0])).probabilities, scores.probabilities[[2, 0]])


def test_the_protocol_is_what_the_fake_meets():
    assert isinstance(ColourModel(), ImageTextModel) and not isinstance(object(), ImageTextModel)


class WrongText(ColourModel):
    def __init__(self, vectors):
        super().__init__()
        self.vectors = vectors

    def encode_text(self, texts):
        return self.vectors


class WrongImage(ColourModel):
    def encode_image(self, images):
        return torch.zeros(len(images), 5)


@pytest.mark.parametrize("vectors", [torch.zeros(1, 3), torch.zeros(2), torch.full((2, 3), torch.nan)])
def test_unusable_text_vectors_are_refused(vectors):
    with pytest.raises(ShapeError, match="text vectors"):
        QMM(WrongText(vectors), DOMAIN)


@pytest.mark.parametrize("step", [0.0, 1e-7])
def test_phrases_of_one_direction_are_refused_whatever_their_length(step):
    vectors = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0 + step]])
    with pytest.raises(ConfigError, match=r"apart.*beard\.presence.*'no beard' and 'a beard'"):
        QMM(WrongText(vectors), DOMAIN)


def test_phrases_that_a_picture_can_just_tell_apart_are_measured():
    two = Domain("two", "{}", {"beard": (PRESENCE,)})
    vectors = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1e-3, 0.0]])
    assert torch.equal(QMM(WrongText(vectors), two).text_vectors[0], vectors)


def test_unusable_image_vectors_are_refused():
    with pytest.raises(ShapeError, match=r"image vectors.*\(1, 5\).*\(1, 3\)"):
        QMM(WrongImage(), DOMAIN).measure(picture(RED))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_an_unusable_scale_is_refused(scale):
    with pytest.raises(ConfigError, match="logit_scale"):
        QMM(ColourModel(scale), DOMAIN)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(3, 64, 64),
        torch.zeros(1, 4, 64, 64),
        torch.zeros(1, 3, 32, 64),
        torch.full((1, 3, 64, 64), torch.nan),
    ],
)
def test_unusable_pictures_are_refused(qmm, images):
    with pytest.raises(ShapeError, match="judged"):
        qmm.measure(images)


def test_what_does_not_pair_is_refused(qmm):
    three, two = qmm.measure(picture(RED, RED, RED)), qmm.measure(picture(RED, RED))
    with pytest.raises(ShapeError, match="do not pair"):
        three.differences(two)
    other = Measurement(two.probabilities[:, :4], Domain("other", "{}", {"beard": (PRESENCE, SHADE)}))
    with pytest.raises(ConfigError, match="'test' and 'other'"):
        two.differences(other)
    with pytest.raises(ShapeError, match="do not belong"):
        Measurement(two.probabilities, load_domain("synthheads"))


@pytest.mark.parametrize(
    ("targets", "said"), [([], "No target"), ("beard", "No target"), (["nose"], "no such attribute")]
)
def test_wrong_targets_are_refused(qmm, targets, said):
    scores = qmm.measure(picture(RED))
    with pytest.raises(ConfigError, match=said):
        qmm.attribute_loss(picture(RED), scores, scores, targets)
