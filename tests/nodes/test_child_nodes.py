"""Children in the host: listed beside their parents, with the parent's faces, sliders and masks and no warnings."""

import pytest

from sat3d.generators.child import save_child
from sat3d.sliders import save_sliders
from tests.conftest import seeded
from tests.nodes.host_stub import run
from tests.nodes.transfer.setup import masks_of
from tests.sliders.setup import tiny_sliders


@pytest.fixture
def toon(shelf, triplane):
    """A child of the tiny generator, in the user's folder."""
    child = seeded(triplane.config)
    child.get_parameter("superresolution.block1.torgb.bias").add_(0.5)
    save_child(shelf / "toon.safetensors", triplane, child, "turn.safetensors", {"licence": "test"})
    return "toon.safetensors"


@pytest.fixture
def warnings(part, monkeypatch):
    said = []
    monkeypatch.setattr(part("nodes.host"), "warn", lambda text: said.append(text) if text else None)
    return said


def test_a_child_is_listed_and_says_whose_it_is(part, graph, toon):
    inputs = {slot.id: slot for slot in part("nodes.load").LoadEG3D.define_schema().inputs}
    assert {"toon.safetensors", "turn.safetensors"} <= set(inputs["checkpoint"].options["options"])
    model, info = graph.load(toon)
    assert "child of turn.safetensors: same style space" in info and model.loaded.parent_fingerprint


def test_what_is_the_parents_is_the_childs(part, graph, toon, models, triplane, assets, warnings):
    folder = models / "sat3d_sliders"
    folder.mkdir(parents=True, exist_ok=True)
    save_sliders(folder / "tiny.safetensors", tiny_sliders(triplane))
    masks_of(triplane, ("beard",), generator_fingerprint=triplane.fingerprint()).save(assets / "m.safetensors")
    parent, child = graph.load()[0], graph.load(toon)[0]
    source, reference = graph.sample(parent), graph.sample(parent, seed=8)
    face = part("nodes.sliders")._edited(
        source, part("nodes.slider_files").find_sliders(child), None, "", '{"jaw_open": 0.5}'
    )
    edited = run(
        part("nodes.transfer").SAT3DTransfer,
        model=child,
        source=face,
        reference=reference,
        attribute="beard",
        intensity=1.0,
    )[0]
    shown, plain = (graph.render(child, each)[0] for each in (edited, source))
    assert not (shown == plain).all() and not (plain == graph.render(parent, source)[0]).all()
    assert not warnings


def test_style_spaces_of_whole_networks_are_compared(graph, shelf, triplane, part):
    from tests.generators.test_children import write

    write(shelf / "other.safetensors", seeded(triplane.config, 4))
    base = graph.load()[0]
    load = part("nodes.load").LoadEG3D
    assert "beside turn.safetensors: another style space" in run(load, checkpoint="other.safetensors", base=base)[1]
    assert "beside turn.safetensors: same style space" in run(load, checkpoint="turn.safetensors", base=base)[1]
    assert "no styles in common" in run(load, checkpoint="flat.safetensors", base=base)[1]


def test_a_child_without_its_parent_says_so(part, graph, shelf, toon):
    (shelf / "turn.safetensors").unlink()
    with pytest.raises(graph.errors.NoBaseError, match=r"parent.*not there"):
        graph.load(toon)
