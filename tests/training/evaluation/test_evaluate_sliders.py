"""Sliders are judged: lines by hand, a slider that arrives beside one that does not, the suite on a tiny generator."""

import json
from dataclasses import replace

import pytest
import torch

from sat3d.errors import LayoutError
from sat3d.files.network_files import save_network
from sat3d.generators import BackboneConfig, StyleGAN2Config
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.masks import AttributeMasks
from sat3d.networks.reader import KIND, AttributeReader
from sat3d.sliders import Slider, SliderConfig, SliderGroup, SliderNetwork, Sliders, save_sliders
from tests.conftest import seeded
from tests.sliders.setup import tiny_sliders
from tests.training.tiny_networks import SMALL_READER
from training.evaluate import main
from training.evaluation.slider_bench import Bench, judge_slider, line_through, linear_directions, positions_of, set_by
from training.evaluation.slider_child import Pair, arrival, judge_child
from training.sliders.heads import ReadHeads
from training.sliders.sources import Readings, Sources, Value


def test_lines_by_hand():
    x = torch.tensor([0.0, 1.0, 2.0])
    assert line_through(x, 2 * x + 1) == (pytest.approx(1), pytest.approx(2))
    r2, slope = line_through(x, torch.tensor([0.0, 0.0, 3.0]))
    assert slope == pytest.approx(1.5) and r2 == pytest.approx(0.75)  # 3² / (2 · 6)
    assert line_through(x, torch.zeros(3))[0] == 0
    assert positions_of(Slider("a", "g", -1, 1, 0, 1), 3) == [-1, 0, 1]


class Mirror:
    """Shows the styles as the pixels of a picture, which are read again: what is set is read."""

    values = (Value("a", "hair"), Value("b", "beard"))

    def read(self, images):
        values = images.flatten(1)[:, :2]
        return Readings(values, torch.ones_like(values), values.new_zeros(len(values), 0))

    def fingerprint(self):
        return ""


class Glass:
    """A generator whose picture are its first styles; ``share``: how much of them shows."""

    def __init__(self, layout, share=1.0):
        self.network, self.share, self.resolution = self, share, None
        self.layout, self.device = layout, torch.device("cpu")

    def __call__(self, styles, cameras):
        first = styles[:, self.layout.editable_index[:4]] * self.share
        return torch.nn.functional.pad(first, (0, 8))[:, None].reshape(1, 3, 2, 2)


def bench_of(layout, share=1.0) -> Bench:
    """Sliders a and b are the first and the second editable style; a's D also moves the second by half as much."""
    sliders = (Slider("a", "hair", -1, 1, 0, 1), Slider("b", "beard", -1, 1, 0, 1))
    groups = (SliderGroup("hair", 1, 2, 0), SliderGroup("beard", 1, 1, 0))
    network = SliderNetwork(SliderConfig(layout.num_channels, groups, sliders))
    with torch.no_grad():
        first, second = layout.editable_index[:2]
        network.maps[0].channels.copy_(torch.stack([first, second]))
        network.maps[0].basis.copy_(torch.tensor([[1.0], [0.5]]) / network.maps[0].scale)
        network.maps[1].channels.copy_(second[None])
        network.maps[1].basis.fill_(1.0)
        for maps in network.maps:
            maps.straight_read.weight.fill_(1.0)
            maps.straight_read.bias.zero_()
            maps.straight_write.weight.fill_(1.0)
        network.maps[0].straight_write.weight.fill_(0.8)  # T then sees 0.8 · 1.25 = 1
    made = Sliders(network.eval().requires_grad_(False), "", layout.fingerprint, layout.to_json())
    draws = torch.Generator().manual_seed(0)
    styles = torch.randn(40, layout.num_channels, generator=draws) * 0.5
    values = styles[:, layout.editable_index[:2]] * share
    heads = ReadHeads(styles, torch.zeros(40, 25), values, torch.ones(40, 2), torch.zeros(40, 0))
    return Bench(made, Sources([Mirror()]), Glass(layout, share), heads, [0, 1], torch.tensor([1.0, 1.0]))


def test_a_slider_that_arrives_and_one_that_leaks(triplane):
    bench = bench_of(triplane.layout)
    own = judge_slider(bench, set_by(bench.sliders), "b", 6, 3)
    assert own["r2"] == pytest.approx(1, abs=1e-3) and own["slope"] == pytest.approx(1, abs=1e-3) and own["leak"] < 1e-3
    other = judge_slider(bench, set_by(bench.sliders), "a", 6, 3)
    assert other["leak"] == pytest.approx(0.5, abs=1e-3)  # the second style moves half as much, and is b
    line = judge_slider(bench, linear_directions(bench, triplane.layout.editable_index), "a", 6, 3)
    assert line["r2"] > 0.3 and line["leak"] < 0.5


def masks_of(layout, logit):
    logits = torch.full((2, layout.num_editable), 0.0)
    logits[0] = logit
    return AttributeMasks(logits, ("beard",), layout.to_json(), layout.fingerprint)


def test_an_attribute_goes_all_of_the_way_or_half(triplane):
    bench = bench_of(triplane.layout)
    assert arrival(bench, masks_of(triplane.layout, 20.0), Pair("beard", 0, 1)) == pytest.approx(1, abs=1e-3)
    assert arrival(bench, masks_of(triplane.layout, 0.0), Pair("beard", 0, 1)) == pytest.approx(0.5, abs=1e-3)


def test_a_child_of_another_layout_is_refused(triplane, stylegan2):
    with pytest.raises(LayoutError, match="another style layout"):
        judge_child(bench_of(triplane.layout), stylegan2, ["a"], 2, 2, None)


@pytest.fixture
def files(tmp_path):
    """A flat generator, a fine-tuned child of it, a reader and sliders of names that it reads."""
    config = StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 16, conv_clamp=256))
    network = seeded(config)
    child = seeded(config)
    child.synthesis.b32.torgb.bias += 0.2
    for name, each in (("g", network), ("child", child)):
        tensors = {key: tensor.contiguous() for key, tensor in each.state_dict().items()}
        save_checkpoint(tmp_path / f"{name}.safetensors", config, tensors, {"licence": "test"})
    torch.manual_seed(0)
    save_network(tmp_path / "r.safetensors", KIND, AttributeReader(SMALL_READER))
    sliders = tiny_sliders(network, reach=6)
    names = ("weight", "chin_width", "jaw_open", "smile_left", "light_yaw_deg")
    config = sliders.network.config
    renamed = [replace(slider, name=name) for slider, name in zip(config.sliders, names, strict=True)]
    object.__setattr__(config, "sliders", tuple(renamed))
    save_sliders(tmp_path / "s.safetensors", sliders)
    logits = torch.zeros(2, network.layout.num_editable)
    masks = AttributeMasks(logits, ("expression",), network.layout.to_json(), network.layout.fingerprint)
    masks.save(tmp_path / "m.safetensors")
    return tmp_path


def judge(folder, *more):
    given = {"checkpoint": "g", "sliders": "s", "reader": "r"}
    flags = [word for flag, name in given.items() for word in (f"--{flag}", str(folder / f"{name}.safetensors"))]
    return main(["sliders", *flags, "--faces", "2", "--positions", "2", "--linear-heads", "16", *more])


def test_the_suite_writes_its_keys(files):
    out = files / "report.json"
    more = ["--child", str(files / "child.safetensors"), "--masks", str(files / "m.safetensors")]
    assert (
        judge(files, "--names", "expression", "weight", "--json", str(out), "--pictures", str(files / "p"), *more) == 0
    )
    report = json.loads(out.read_text())
    assert set(report["sliders"]) == {"weight", "jaw_open", "smile_left"}
    assert {"r2", "leak", "r2_linear"} <= set(report["sliders"]["weight"])
    assert {"slider_gap", "transfer_gap", "arrival", "arrival_on_parent"} <= set(report["child"])
    assert (files / "p" / "sliders.png").is_file() and 0 <= report["good"] <= 3


def test_sliders_that_nobody_reads(files, capsys):
    network = seeded(StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 16, conv_clamp=256)))
    save_sliders(files / "s.safetensors", tiny_sliders(network, reach=6))
    assert judge(files) == 2
    assert "Nobody reads" in capsys.readouterr().err
