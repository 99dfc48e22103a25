"""StyleGAN2 in rosinality's form: the same pictures as its own code, all containers, and what is refused."""

import argparse
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sat3d.errors import FileError, HostileFileError
from sat3d.generators import load_generator
from sat3d.generators.official import read_network
from tests.foreign.rosinality import WIDTHS, as_converted, latents, saved, tensors_of, with_notes

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "children" / "rosinality.safetensors"
TENSORS = tensors_of(WIDTHS["formula"], kernels=True)
AVERAGE = latents()[2]


@pytest.fixture
def load(tmp_path):
    def load_contents(contents: object, zipped: bool = True):
        (tmp_path / "network.pt").write_bytes(saved(contents, zipped))
        return load_generator(tmp_path / "network.pt")

    return load_contents


@torch.no_grad()
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", WIDTHS)
def test_pictures_are_those_of_its_own_code(load, name, zipped):
    tensors = as_converted(tensors_of(WIDTHS[name], kernels=True))
    assert not tensors["conv1.conv.weight"].is_contiguous()
    network = load({"g_ema": with_notes(tensors), "latent_avg": AVERAGE}, zipped).network
    assert bool(network.config.backbone.channels) == (name == "listed")
    z, ws, _ = latents()
    stored = load_file(GOLDEN)
    drawn = network.draw(network.styles(ws))
    from_z = network.draw(network.styles(network.map(z, truncation_psi=0.7)))[:, :, ::2, ::2]
    for got, wanted in ((drawn, stored[f"{name}.ws"]), (from_z, stored[f"{name}.z"])):
        torch.testing.assert_close(got, wanted, atol=1e-4 * float(wanted.abs().max()), rtol=0)


WRAPPED = {
    "converted": {"g_ema": TENSORS, "latent_avg": AVERAGE},
    "training": {"g": {}, "d": {}, "g_ema": TENSORS, "args": argparse.Namespace(size=16), "ada_aug_p": 0.0},
    "of several GPUs": {"g_ema": {f"module.{name}": tensor for name, tensor in TENSORS.items()}},
    "e4e": {
        "state_dict": {
            **{f"decoder.{name}": tensor for name, tensor in TENSORS.items()},
            "encoder.input_layer.0.weight": torch.zeros(4, 3, 3, 3),
            "encoder.input_layer.1.num_batches_tracked": torch.tensor(5),
        },
        "opts": {"encoder_type": "Encoder4Editing", "stylegan_size": 16},
        "latent_avg": AVERAGE.repeat(6, 1),
    },
    "alone": TENSORS,
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", WRAPPED)
def test_it_is_found_in_every_file(load, kind, zipped):
    loaded = load(WRAPPED[kind], zipped)
    network = loaded.network
    assert torch.equal(network.synthesis.b16.conv1.weight, TENSORS["convs.3.conv.weight"][0])
    assert network.synthesis.b4.conv1.clamp is None and network.config.backbone.num_mapping_layers == 3
    assert "rosinality" in loaded.metadata["recognised"] or "Encoder4Editing" in loaded.metadata["recognised"]
    average = network.mapping.w_avg
    if "latent_avg" in WRAPPED[kind]:
        torch.testing.assert_close(average, AVERAGE)
    else:
        z = torch.randn(2000, 8, generator=torch.Generator().manual_seed(9))
        w = network.map(z)[:, 0]
        assert (average - w.mean(0)).abs().max() < 0.15 * w.std() and "average" in loaded.metadata


def test_a_mean_latent_of_unlike_rows_is_averaged(load):
    rows = torch.arange(48.0).reshape(6, 8)
    average = load({"g_ema": TENSORS, "latent_avg": rows}).network.mapping.w_avg
    torch.testing.assert_close(average, rows.mean(0))


def changed(**changes) -> dict:
    """The tensors with some replaced, or without those that become None."""
    renamed = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in (TENSORS | renamed).items() if value is not None}


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        ({"g_ema": changed(convs__1__conv__weight=None)}, r"convs\.1\.conv\.weight is"),
        ({"g_ema": changed(convs__0__conv__weight=None)}, r"convs\.0\.conv\.weight is"),
        ({"g_ema": changed(style__1__weight=None)}, r"style\.1\.weight is not as in rosinality"),
        ({"g_ema": changed(style__2__bias=None)}, r"style\.2\.bias is missing"),
        (
            {"g_ema": changed(**{f"style__{i}__weight": torch.zeros(8, 8) for i in range(1, 90)})},
            r"style\.4\.bias is mis",
        ),
        (
            {"g_ema": changed(convs__99__conv__weight=torch.zeros(1, 1, 1, 3, 3))},
            r"convs\.4\.conv\.weight is not as in",
        ),
        ({"g_ema": changed(noises__noise_4=None)}, r"noises\.noise_4 is missing"),
        ({"g_ema": changed(noises__noise_4=torch.zeros(1, 1, 8, 8))}, r"noises\.noise_4 has shape"),
        ({"g_ema": changed(to_rgbs__0__bias=torch.zeros(3))}, r"to_rgbs\.0\.bias has shape"),
        ({"g_ema": changed(to_rgb1__bias=torch.zeros(1, 7, 1, 1))}, "7 channels per pixel"),
        ({"g_ema": changed(surprise=torch.zeros(1))}, "surprise is unexpected"),
        ({"g_ema": changed(conv1__activate__bias=torch.full((12,), torch.nan))}, "not finite"),
        ({"g_ema": changed(conv1__noise__weight=torch.zeros(1, dtype=torch.long))}, "not floating-point"),
        ({"g_ema": changed(to_rgbs__0__upsample__kernel=torch.ones(4, 4))}, "another filter"),
        ({"g_ema": changed(convs__0__conv__blur__kernel=torch.ones(5))}, "kernel has shape"),
        ({"g_ema": TENSORS, "latent_avg": torch.zeros(9)}, "mean latent does not belong"),
        ({"g_ema": TENSORS, "latent_avg": torch.zeros(3, 8)}, "mean latent does not belong"),
        ({"g_ema": TENSORS, "latent_avg": torch.full((8,), torch.inf)}, "not finite"),
    ],
    ids=range(18),
)
def test_what_does_not_fit_is_named_as_the_file_names_it(tmp_path, contents, says):
    (tmp_path / "network.pt").write_bytes(saved(contents))
    with pytest.raises(Exception, match=f"(?s){says}") as caught:
        read_network(tmp_path / "network.pt")
    assert isinstance(caught.value, FileError) or "channels per pixel" in str(caught.value)


class Evil:
    def __reduce__(self):
        return exec, ("open('HOSTILE_MARKER', 'w').close()",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["args", "latent_avg", "tensor"])
def test_code_in_it_is_refused_and_not_run(refused, place, zipped):
    contents = {"g_ema": dict(TENSORS), "latent_avg": AVERAGE, "args": None}
    if place == "tensor":
        contents["g_ema"]["conv1.noise.weight"] = Evil()
    else:
        contents[place] = Evil()
    error = refused(saved(contents, zipped))
    assert isinstance(error, HostileFileError) and "nothing in it was executed" in str(error)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_that_are_cut_off_anywhere(refused, zipped):
    whole = saved({"g_ema": TENSORS, "latent_avg": AVERAGE}, zipped)
    for share in range(1, 10):
        error = refused(whole[: len(whole) * share // 10])
        assert not isinstance(error, HostileFileError) and "download the file again" in str(error)
