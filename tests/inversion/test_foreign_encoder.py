"""Encoders of other projects: the same numbers as their own code, and inversions that begin with what they say."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sat3d.errors import ConfigError, FileError, HostileFileError
from sat3d.generators import BackboneConfig, StyleGAN2Config
from sat3d.inversion import InversionOptions, Inverter, Start, invert
from sat3d.inversion.encoder import Found
from sat3d.inversion.foreign_encoder import load_foreign_encoder
from sat3d.inversion.parameters import Variables
from sat3d.inversion.style_encoder import StyleEncoder, StyleEncoderSizes
from sat3d.inversion.w_statistics import measure_w_statistics
from tests.conftest import seeded, tiny_config
from tests.foreign.rosinality import saved

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "children" / "encoders.safetensors"
SIZES = StyleEncoderSizes((6, 6, 8, 10, 12), (3, 4, 5, 6), 10, 12, (4,) * 3 + (5,) * 4 + (6,) * 3)


def weights(sizes: StyleEncoderSizes = SIZES) -> dict[str, torch.Tensor]:
    """Of an encoder, by the tensors' names alone."""
    with torch.device("meta"):
        shapes = {name: tuple(t.shape) for name, t in StyleEncoder(sizes, True).state_dict().items()}
    return {name: torch.from_numpy(np.asarray(_numbers(name, shape))) for name, shape in shapes.items()}


def _numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.asarray(7)
    numbers = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("running_var"):
        return numbers**2 * 0.5 + 0.5
    scaled = (".convs.", "latlayer", "res_layer.1.w", "res_layer.3.w", "shortcut_layer.0.weight")
    if any(part in name for part in scaled):
        return numbers / np.sqrt(max(1, np.prod(shape[1:])) if len(shape) > 1 else 1)
    return numbers


def checkpoint(part: str = "", sizes: StyleEncoderSizes = SIZES, **changes) -> dict:
    state = {f"{part}encoder.{name}": tensor for name, tensor in weights(sizes).items()}
    if part:
        state["decoder.backbone.mapping.w_avg"] = torch.full((sizes.w_dim,), 0.5)
        state["triplanenet_encoder.input_layer.0.weight"] = torch.zeros(4, 6, 3, 3)
        return {"state_dict": state, "opts": {"n_styles": sizes.rows}, **changes}
    options = {"encoder_type": "Encoder4Editing", "start_from_latent_avg": True}
    return {"state_dict": state, "opts": options, "latent_avg": torch.zeros(sizes.rows, sizes.w_dim), **changes}


@pytest.fixture
def load(tmp_path):
    def load_contents(contents: object, zipped: bool = True):
        (tmp_path / "encoder.pt").write_bytes(saved(contents, zipped))
        return load_foreign_encoder(tmp_path / "encoder.pt")

    return load_contents


PICTURE = torch.from_numpy(np.random.RandomState(5).uniform(-1, 1, (1, 3, 256, 256)).astype(np.float32))


@pytest.mark.parametrize("kind", ["GradualStyleEncoder", "Encoder4Editing"])
@pytest.mark.parametrize("zipped", [True, False])
def test_numbers_are_those_of_its_own_code(load, kind, zipped):
    contents = checkpoint()
    contents["opts"]["encoder_type"] = kind
    encoder, stored = load(contents, zipped), load_file(GOLDEN)[kind]
    assert encoder.network.sizes == SIZES and encoder.kind == {"Encoder4Editing": "e4e"}.get(kind, "pSp")
    found = encoder.find(PICTURE)
    torch.testing.assert_close(found.ws, stored, atol=1e-4 * float(stored.abs().max()), rtol=0)
    assert found.yaw_rad is None and not encoder.training


def test_the_mean_latent_is_added(load):
    mean = torch.arange(120.0).reshape(10, 12)
    plain, moved = load(checkpoint()), load(checkpoint(latent_avg=mean))
    torch.testing.assert_close(moved.find(PICTURE).ws - plain.find(PICTURE).ws, mean[None], atol=1e-2, rtol=0)
    kept = checkpoint(latent_avg=mean)
    kept["opts"]["start_from_latent_avg"] = False
    assert torch.equal(load(kept).find(PICTURE).ws, plain.find(PICTURE).ws)


def test_triplanenets_first_part_is_taken(load):
    encoder = load(checkpoint("psp_"))
    assert encoder.for_heads and not encoder.network.departs and encoder.mean.tolist() == [[0.5] * 12]
    stored = load_file(GOLDEN)["GradualStyleEncoder"]
    torch.testing.assert_close(encoder.find(PICTURE).ws - 0.5, stored, atol=1e-4 * float(stored.abs().max()), rtol=0)


def changed(name: str, value: torch.Tensor | None) -> dict:
    contents = checkpoint()
    contents["state_dict"][f"encoder.{name}"] = value
    if value is None:
        del contents["state_dict"][f"encoder.{name}"]
    return contents


def with_heads(rows: int) -> dict:
    """The last row's head again and again."""
    contents = checkpoint()
    state, last = contents["state_dict"], "encoder.styles.9."
    copied = {name.removeprefix(last): value for name, value in state.items() if name.startswith(last)}
    state |= {f"encoder.styles.{row}.{name}": value for row in range(10, rows) for name, value in copied.items()}
    return contents


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        ({"state_dict": {"decoder.x": torch.zeros(1)}}, "holds no encoder.*decoder.x"),
        ({"G_ema": 5}, "holds no encoder"),
        ([1], "holds no encoder"),
        (changed("input_layer.0.weight", None), "input_layer.0.weight is missing"),
        (changed("input_layer.0.weight", torch.zeros(3)), "of shape"),
        (changed("body.3.res_layer.1.weight", torch.zeros(9, 6, 3, 3)), "has shape"),
        (changed("body.23.res_layer.4.running_var", None), r"body\.23\.res_layer\.4\.running_var is missing"),
        (changed("styles.4.convs.2.bias", torch.full((12,), torch.nan)), "not finite"),
        (changed("surprise", torch.zeros(1)), "surprise is unexpected"),
        (with_heads(80), "styles.64.*is unexpected"),
        ({"state_dict": {"encoder.patch_embed.proj.weight": torch.zeros(1)}}, "not those of an encoder of pSp's"),
        (checkpoint(latent_avg=torch.zeros(3, 12)), "lacks the mean latent"),
        (checkpoint(latent_avg=None), "lacks the mean latent"),
        (checkpoint(opts={"encoder_type": "SingleStyleCodeEncoder"}), "of a kind that is not supported"),
        (
            {"state_dict": {"encoder.conv1.weight": torch.zeros(1)}, "opts": {"encoder_type": "BackboneEncoder"}},
            "of a kind that is not supported",
        ),
    ],
    ids=range(15),
)
def test_what_does_not_fit_is_named(load, contents, says):
    with pytest.raises(FileError, match=f"(?s){says}") as caught:
        load(contents)
    assert caught.value.next_step and not isinstance(caught.value, HostileFileError)


class Evil:
    def __reduce__(self):
        return exec, ("open('HOSTILE_MARKER', 'w').close()",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_it_is_refused_and_not_run(load, tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HostileFileError, match="nothing in it was executed"):
        load(checkpoint(opts=Evil()), zipped)
    assert not (tmp_path / "HOSTILE_MARKER").exists()


def test_other_generators_are_refused(load):
    encoder = load(checkpoint())
    fitting = seeded(StyleGAN2Config(BackboneConfig(16, 0, 12, 2, 64, 3, 256, 8)))
    encoder.check(fitting)
    for config in (StyleGAN2Config(BackboneConfig(16, 0, 12, 2, 32, 3, 256, 8)), tiny_config()):
        with pytest.raises(ConfigError, match=r"another generator.*10 rows of 12"):
            encoder.check(seeded(config))
    with pytest.raises(ConfigError, match="for a 3D generator"):
        load(checkpoint("psp_")).check(fitting)


# Inversions that begin with an encoder that knows no cameras.


class Oracle:
    """Says always the same w+."""

    def __init__(self, ws: torch.Tensor):
        self.ws, self.asked = ws, 0

    def check(self, network) -> None:
        if network.config.backbone.num_ws != self.ws.shape[1]:
            raise ConfigError("The encoder belongs to another generator", 0, 1, "choose another")

    def find(self, images: torch.Tensor) -> Found:
        self.asked += 1
        assert images.shape[0] == 1 and min(images.shape[2:]) >= 64
        return Found(self.ws)


def own_rows(network) -> torch.Tensor:
    """A w+ whose rows differ."""
    z = torch.randn(network.config.backbone.num_ws, 16, generator=torch.Generator().manual_seed(4))
    return network.map(z)[:, 0][None]


@pytest.mark.parametrize("method", ["encoder", "W+", "styles"])
def test_a_flat_face_is_found_where_the_encoder_says(stylegan2, method):
    ws = own_rows(stylegan2)
    picture = stylegan2.synthesize(stylegan2.styles(ws)).image
    oracle = Oracle(ws)
    found = invert(Inverter(stylegan2, "x", oracle), picture, InversionOptions(method, steps=1))
    assert oracle.asked == 1
    if method == "encoder":
        torch.testing.assert_close(found.picture, picture)
        torch.testing.assert_close(found.latent.styles, stylegan2.styles(ws))
    alone = invert(Inverter(stylegan2, "x"), picture, InversionOptions("W+", steps=1))
    far, near = ((each.picture - picture).abs().mean() for each in (alone, found))
    assert near < 0.01 * far


@pytest.mark.parametrize("method", ["W+", "styles"])
def test_a_w_plus_is_the_very_beginning_of_a_descent(stylegan2, method):
    ws, statistics = own_rows(stylegan2), measure_w_statistics(stylegan2)
    variables = Variables.at(Start(ws=ws), method, stylegan2, statistics)
    wanted = stylegan2.styles(ws)
    torch.testing.assert_close(variables.styles(stylegan2, statistics), wanted, atol=1e-3, rtol=1e-3)
    one = Variables.at(Start(ws=ws), "W", stylegan2, statistics)
    torch.testing.assert_close(one.w(statistics), ws.mean(1), atol=1e-4, rtol=1e-3)


def test_the_camera_is_searched_for_or_that_of_the_points(triplane):
    for block in (triplane.superresolution.block0, triplane.superresolution.block1):
        block.torgb.weight *= 0.02  # so that its pictures lie in -1..1, as photos do
        block.torgb.bias *= 0.02
    ws = own_rows(triplane)
    styles, yaw = triplane.styles(ws), 0.5
    picture = triplane.synthesize(styles, triplane.rig.label(yaw)).image.clamp(-1, 1)
    tools = Inverter(triplane, "x", Oracle(ws))
    found = invert(tools, picture, InversionOptions("encoder"))
    assert found.start.yaw_rad == pytest.approx(yaw, abs=0.15)
    told = invert(tools, picture, InversionOptions("encoder"), start=Start(None, 0.3, 0.1, 0.0))
    assert (told.start.yaw_rad, told.start.pitch_rad) == (0.3, 0.1)
    torch.testing.assert_close(told.latent.styles, styles)
