"""InvertImage with frames of a video, and with parts of the pictures left out, inside the stand-in host."""

import json
import math
import sys

import pytest
import torch
from skimage import data

from tests.nodes.host_stub import Interrupted, run

ONE_PERSON = "video, one person"


@pytest.fixture
def invert(part, monkeypatch):
    """The node, quick: no encoder, few rays."""
    module, options = part("nodes.invert"), part("sat3d.inversion").InversionOptions
    small = {"low_resolution": 8, "full_resolution": 16}
    monkeypatch.setattr(module, "InversionOptions", lambda *given: options(*given, **small))
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: None)
    monkeypatch.setattr(part("nodes.built_in_networks"), "reader", lambda: None)

    def invert(model, image, method="W", frames="video", **more):
        return run(
            module.InvertImage,
            **{"model": model, "image": image, "method": method, "steps": 4, "seed": 0, "frames": frames, **more},
        )

    return invert


@pytest.fixture
def model(graph):
    return graph.load()[0]


@pytest.fixture
def film(graph, model):
    """Three frames of a head that turns."""
    return graph.render(model, graph.sample(model, seed=5), path="swing", frames=3, yaw_deg=10.0, pitch_deg=0.0)[0]


@pytest.fixture
def masks_of(part):
    def masks_of(network, attributes=("expression", "beard")):
        """The first five channels are the first attribute's, all others the second's."""
        layout = network.layout
        logits = torch.full((len(attributes) + 1, layout.num_editable), -9.0)
        logits[0, :5] = logits[1, 5:] = 9
        return part("sat3d.masks").AttributeMasks(logits, tuple(attributes), layout.to_json(), layout.fingerprint)

    return masks_of


@pytest.mark.slow
def test_a_video_gives_a_face_and_a_camera_each(graph, invert, model, film, part):
    latent, preview, info = invert(model, film)
    assert len(latent.styles) == len(latent.camera) == len(preview) == 3 and preview.shape == film.shape
    assert not latent.styles.is_inference() and "video, 3 frames, W from the mean face" in info
    assert "dB, at worst " in info
    assert "held, with nothing to be seen in them: none; cuts: none" in info and len(info.split("\n")) == 3
    inversion = part("sat3d.inversion")
    options = inversion.InversionOptions("W", 4, 0, low_resolution=8, full_resolution=16)
    expected = inversion.invert_frames(
        inversion.Inverter(model.network, model.loaded.fingerprint),
        film.permute(0, 3, 1, 2) * 2 - 1,
        inversion.VideoOptions(options, 4, 10),
    )
    assert torch.equal(latent.styles, expected.latent.styles) and torch.equal(latent.camera, expected.latent.camera)
    assert latent.generator_fingerprint == model.loaded.fingerprint
    graph.render(model, latent, path="still")


@pytest.mark.parametrize(("steps", "later"), [(4, 4), (40, 30), (100, 30), (200, 60)])
def test_later_frames_take_fewer_steps_but_not_few(part, steps, later):
    options = part("sat3d.inversion").InversionOptions("W+", steps)
    video = part("nodes.inversion_jobs").Work(None, None, "W+", options, ()).video
    assert (video.first, video.next_steps, video.settle_steps) == (options, later, 10)


def test_progress_counts_all_frames(invert, model, film):
    invert(model, film)
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    done = [update[0] for update in updates]
    assert {update[1] for update in updates} == {3 * 4 + 3 * 10} and done == sorted(done) and done[-1] == 42
    assert updates[0][2][0] == "JPEG" and updates[-1][2][1].size == (64, 64)


@pytest.mark.slow
def test_separate_pictures_are_as_they_always_were(invert, model, film):
    plain = invert(model, film[:2], frames="separate pictures")[0]
    assert torch.equal(plain.styles[1:], invert(model, film[1:2], frames="separate pictures")[0].styles)
    assert not torch.equal(plain.styles[1:], invert(model, film[:2])[0].styles[1:])


@pytest.mark.parametrize("frames", ["video", ONE_PERSON])
def test_one_picture_is_a_short_video(invert, model, film, triplane, masks_of, frames):
    latent, preview, info = invert(model, film[:1], frames=frames, masks=masks_of(triplane))
    assert len(latent.styles) == len(latent.camera) == len(preview) == 1 and f"{frames}, 1 frame, W" in info


@pytest.mark.slow
def test_one_person_keeps_all_but_the_expression(invert, model, film, triplane, masks_of, assets):
    """By masks that are connected, or by those of the pack."""
    masks_of(triplane).save(assets / "tiny-masks.safetensors")
    own = invert(model, film, frames=ONE_PERSON, masks=masks_of(triplane, ("hair", "expression")))[0]
    shipped, _, info = invert(model, film, frames=ONE_PERSON)
    assert info.startswith(f"{ONE_PERSON}, 3 frames")
    for latent, first, last in ((own, 5, None), (shipped, 0, 5)):
        channels = triplane.layout.editable(latent.styles)
        varied = (channels != channels[:1]).any(0)
        assert varied[first:last].any() and varied.sum() == varied[first:last].sum()
        assert (latent.camera[0] - latent.camera[2]).abs().max() > 0


def test_masks_that_do_not_help(graph, invert, model, film, triplane, stylegan2, masks_of, assets):
    errors = graph.errors
    with pytest.raises(errors.LayoutError, match="No masks come with the pack"):
        invert(model, film, frames=ONE_PERSON)
    with pytest.raises(errors.ShapeError, match=r"Unknown attribute.*expression"):
        invert(model, film, frames=ONE_PERSON, masks=masks_of(triplane, ("hair", "beard")))
    with pytest.raises(errors.LayoutError, match="another style layout"):
        invert(model, film, frames=ONE_PERSON, masks=masks_of(stylegan2))


@pytest.mark.parametrize("frames", ["video", ONE_PERSON])
@pytest.mark.parametrize(("method", "said"), [("tune", "not tuned"), ("avatar", "not made into avatars")])
def test_a_video_is_not_tuned_nor_drawn(graph, invert, model, film, frames, method, said):
    with pytest.raises(graph.errors.ConfigError, match=rf"{said}.*separate pictures.*Next step"):
        invert(model, film, method, frames)


@pytest.mark.slow
def test_a_black_frame_is_held_and_told(graph, invert, model, film):
    spoilt = film.clone()
    spoilt[1] = 0
    _, preview, info = invert(model, spoilt)
    assert len(preview) == 3 and "to be seen in them: 1 (numbers 1, from 0); cuts: none" in info
    with pytest.raises(graph.errors.ShapeError, match="shows nothing"):
        invert(model, spoilt, frames="separate pictures")
    with pytest.raises(graph.errors.ShapeError, match="shows nothing"):
        invert(model, torch.zeros_like(film))


def test_cuts_are_told(part, invert, model, film, monkeypatch):
    inversion, host = part("sat3d.inversion"), part("nodes.host")
    torch.manual_seed(0)
    config = inversion.EncoderConfig(24, widths=(4, 8, 8, 8, 8), squeezed=8, hidden=16)
    encoder = host.HostedNetwork(inversion.PortraitEncoder(config).eval())
    monkeypatch.setattr(part("nodes.built_in_networks"), "encoder", lambda: encoder)
    monkeypatch.setattr(part("nodes.invert"), "makes_drawn_heads", lambda network: True)
    monkeypatch.setattr(part("sat3d.inversion.video"), "choose_likeliest", lambda *given: given[-1][-1])
    assert "W from the encoder" in (info := invert(model, film)[2]) and "cuts: 2 (numbers 1, 2, from 0)" in info
    latent, preview, info = invert(model, film, "encoder")
    assert len(latent.styles) == len(preview) == 3 and "cuts: none" in info


@pytest.mark.parametrize("frames", ["video", ONE_PERSON])
def test_cancel_leaves_nothing_behind(invert, model, film, triplane, masks_of, frames):
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, 700
    with pytest.raises(Interrupted):
        invert(model, film, frames=frames, masks=masks_of(triplane), steps=30)
    assert state.checks == 701 and not any(module._forward_pre_hooks for module in model.network.modules())
    assert all(parameter.grad is None for parameter in model.network.parameters())


def test_a_flat_generator_makes_videos_too(graph, invert):
    flat = graph.load("flat.safetensors")[0]
    latent, preview, info = invert(flat, torch.rand(2, 48, 80, 3, generator=torch.Generator().manual_seed(0)))
    assert len(latent.styles) == len(preview) == 2 and "yaw" not in info


@pytest.mark.slow
@pytest.mark.parametrize("frames", ["video", ONE_PERSON])
def test_the_heads_of_a_video_are_as_tilted_as_their_points_tell(invert, model, film, triplane, masks_of, frames):
    place = {"left": 0, "top": 0, "side": 64, "camera_deg": [0, 0, 20]}
    tilted, upright = (
        invert(model, film[:2], frames=frames, masks=masks_of(triplane), place=where)[0].camera[:, 4]  # x axis, upwards
        for where in (json.dumps([place] * 2), "")
    )
    assert upright.abs().max() < 1e-6
    assert (tilted.abs() - math.sin(math.radians(20))).abs().max() < 0.02 and (tilted[0] * tilted[1] > 0)


class Painted(torch.nn.Module):
    """A parser to which the upper half is glasses, and the left quarter of the lower half the mouth."""

    def __init__(self, config):
        super().__init__()
        self.config, self.weight = config, torch.nn.Parameter(torch.zeros(1))

    def labels(self, images):
        labels = torch.zeros_like(images[:, 0], dtype=torch.int64)
        half, quarter = images.shape[2] // 2, images.shape[3] // 4
        labels[:, :half] = self.config.labels.index("glasses")
        labels[:, half:, :quarter] = self.config.labels.index("mouth")
        return labels


@pytest.fixture
def parser(part, monkeypatch):
    parser = Painted(part("sat3d.parsing.parser").ParserConfig())
    hosted = part("nodes.host").HostedNetwork(parser)
    monkeypatch.setattr(part("nodes.built_in_networks"), "head_parser", lambda: hosted)
    return parser


def spoilt(film, *places):
    film = film.clone()
    for rows, columns in places:
        film[:, rows, columns] = 1 - film[:, rows, columns]
    return film


GLASSES, MOUTH, RIGHT = (slice(32), slice(None)), (slice(32, None), slice(16)), (slice(32, None), slice(48, None))


@pytest.mark.parametrize(
    ("leave_out", "places"),
    [
        ("glasses", [GLASSES]),
        ("mouth", [MOUTH]),
        ("glasses and mouth", [GLASSES, MOUTH]),
    ],
)
def test_parts_that_are_left_out_do_not_matter(invert, model, film, parser, leave_out, places):
    kind = {"frames": "separate pictures", "leave_out": leave_out, "steps": 2}
    plain, _, info = invert(model, film[:1], **kind)
    assert torch.equal(plain.styles, invert(model, spoilt(film[:1], *places), **kind)[0].styles)
    assert not torch.equal(plain.styles, invert(model, spoilt(film[:1], RIGHT), **kind)[0].styles)
    share = {"glasses": 33 * 64, "mouth": 33 * 17, "glasses and mouth": 33 * 64 + 31 * 17}[leave_out] / 64**2
    assert f"{leave_out} left out: {share:.1%} of the pictures do not count" in info


def test_what_is_painted_does_not_count_either(invert, model, film, parser):
    ignore = torch.zeros(1, 64, 64)
    ignore[:, 32:, 48:] = 1
    kind = {"frames": "separate pictures", "leave_out": "mouth", "ignore": ignore, "steps": 2}
    plain = invert(model, film[:1], **kind)[0].styles
    assert torch.equal(plain, invert(model, spoilt(film[:1], MOUTH, RIGHT), **kind)[0].styles)
    assert not torch.equal(plain, invert(model, spoilt(film[:1], GLASSES), **kind)[0].styles)


@pytest.mark.slow
def test_what_is_protected_is_found_but_not_tuned(part, invert, model, monkeypatch):
    """The portrait of a photographer's sample set, and a plain picture without a face."""
    jobs, given = part("nodes.inversion_jobs"), []
    tune = jobs.tune
    monkeypatch.setattr(jobs, "tune", lambda *args: given.append(args[4]) or tune(*args))
    photo = torch.from_numpy(data.astronaut()[:256, 100:356].copy())[None] / 255
    ramp = torch.linspace(0, 1, 256)[None, None, :, None].expand(1, 256, 256, 3)
    kind = {"method": "tune", "frames": "separate pictures", "steps": 2}
    invert(model, torch.cat([photo, ramp]), **kind, protect="mouth")
    invert(model, photo, **kind)
    weight = given[0]
    assert weight.shape == (2, 1, 64, 64) and 0 < (weight[0] == 0).float().mean() < 0.03 and (weight[1] == 1).all()
    assert given[1] is None
    said = [sent["message"] for _, sent, _ in part("nodes.host").PromptServer.instance.sent]
    assert any("no face was found in picture 2 of 2" in message for message in said)
    one, other = (jobs.Work(photo, None, "tune", None, (None,), tuning_weight=each) for each in (None, weight))
    key_of = part("nodes.inversion_cache").key_of
    assert key_of(one) != key_of(other)


def test_weights_are_products_and_belong_to_the_square_in_the_middle(part, parser):
    """An oblong picture whose left eighth, which is cut off, is painted over, and so is the right half."""
    module, work = part("nodes.inversion_masks"), part("nodes.inversion_jobs").Work
    pictures = torch.rand(2, 3, 96, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ignore = torch.zeros(1, 96, 128)
    ignore[:, :, :16] = ignore[:, :, 64:] = 1
    job = work(pictures, module.weights_from_mask(ignore, pictures), "W", None, (None, None))
    weight = module.leave_out_parts(job, parser, ["glasses"], 96, lambda *_: None).weight
    expected = torch.zeros(2, 1, 96, 96)
    expected[:, :, 48 + 2 :, :48] = 1  # a margin of 0.02 of 96 pixels below the glasses
    assert torch.equal(weight, expected)
    assert module.measure_share(weight) == pytest.approx(46 * 48 / 96**2)


def test_a_broken_frame_is_held_where_parts_are_left_out(graph, invert, model, film, parser):
    broken = film.clone()
    broken[2] = torch.nan
    info = invert(model, broken, leave_out="mouth")[2]
    assert "in them: 1 (numbers 2, from 0)" in info and f"{33 * 17 / 64**2:.1%} of the pictures" in info
    with pytest.raises(graph.errors.ShapeError, match="NaN"):
        invert(model, broken, frames="separate pictures", leave_out="mouth")


def test_the_parser_of_the_pack_finds_the_mouth(part):
    photo, points = run(part("nodes.example_photo").SAT3DExamplePhoto)
    align, module = part("nodes.align"), part("nodes.inversion_masks")
    crop, text, _ = run(
        align.SAT3DAlignFace,
        image=photo,
        method=align.POINTS,
        points=points,
        face=0,
        size=128,
        frame=part("nodes.face_places").OWN,
    )
    job = part("nodes.inversion_jobs").Work(crop.permute(0, 3, 1, 2) * 2 - 1, None, "W", None, (None,))
    parser = part("nodes.built_in_networks").head_parser().ready()
    weight = module.leave_out_parts(job, parser, ["mouth"], 128, lambda *_: None).weight[0, 0]
    (place,) = json.loads(text)
    numbers = torch.tensor([float(number) for number in points.replace(",", "").split()]).reshape(5, 2)
    at = (numbers - torch.tensor([place["left"], place["top"]])) * 128 / place["side"]
    mouth, eyes = at[3:].mean(0).round().long(), at[:2].round().long()
    assert weight[mouth[1], mouth[0]] == 0 and (weight[eyes[:, 1], eyes[:, 0]] == 1).all()
    assert 0.001 < 1 - weight.mean() < 0.1


def test_without_its_file_the_parser_is_asked_for(part, graph, invert, model, film, monkeypatch):
    def missing():
        raise graph.errors.FileError("There are no weights for a head parser")

    monkeypatch.setattr(part("nodes.built_in_networks"), "load_parser", missing)
    part("nodes.built_in_networks").head_parser.cache_clear()
    with pytest.raises(graph.errors.FileError, match="head parser"):
        invert(model, film, leave_out="glasses")
