"""Generators of cars and cats beside the built-in heads: offered, with masks and cameras of their own; what is for
people is refused in words."""

import math
from dataclasses import replace

import pytest
import torch

from sat3d.camera import look_angles
from sat3d.generators.checkpoint import save_checkpoint
from tests.nodes.conftest import ORBIT
from tests.nodes.host_stub import run
from tests.nodes.tiny_clip import write_tiny_clip
from tests.nodes.transfer.setup import masks_of
from tests.training.tiny_generators import random_network, unlabelled_config

CARS, CATS, HEADS = "synthcars (built-in)", "synthcats (built-in)", "synthheads-256 (built-in)"
ATTRIBUTES = {"synthcars": ("colour", "shape"), "synthcats": ("fur_colour", "ears"), "synthheads": ("beard", "hair")}


def network_of(domain: str, pivot: float):
    config = unlabelled_config()
    network = random_network(replace(config, rendering=replace(config.rendering, avg_camera_pivot=(0.0, 0.0, pivot))))
    with torch.no_grad():
        network.decoder.net[0].bias += len(domain) * 1e-3 + pivot  # so that each has weights of its own
    return network


@pytest.fixture
def networks(assets):
    """The three built-in generators, of one layout, which is the hardest case."""
    made = {"synthcars": network_of("synthcars", 0.0), "synthcats": network_of("synthcats", 0.1)}
    made["synthheads"] = network_of("synthheads", 0.1)
    for name, network in made.items():
        tensors = {key: tensor.contiguous() for key, tensor in network.state_dict().items()}
        file = assets / f"{name}{'-256' if name == 'synthheads' else ''}.safetensors"
        save_checkpoint(file, network.config, tensors, {"licence": "test", "domain": name})
    return made


@pytest.fixture
def ship_masks(part, networks, assets):
    def ship(domain: str) -> None:
        network = networks[domain]
        notes = {"domain": domain, "generator_fingerprint": network.fingerprint(), "name": domain}
        masks_of(network, ATTRIBUTES[domain], **notes).save(assets / f"{domain}-masks.safetensors")
        part("nodes.library")._assets.cache_clear()  # a pack in use gets no new files

    return ship


@pytest.fixture
def cars(networks, graph):
    return graph.load(CARS)[0]


def angles_deg(camera) -> tuple[float, float]:
    yaw, pitch = look_angles(camera[0, :16].reshape(4, 4)[:3, 3])
    return math.degrees(yaw), math.degrees(pitch)


def test_the_heads_come_first_and_the_others_are_offered_where_they_are_there(part, networks, assets):
    library = part("nodes.load").LIBRARY
    assert library.entries()[:3] == [HEADS, CARS, CATS]
    other = assets.parent / "no_cars"
    other.mkdir()
    (other / "synthheads-256.safetensors").write_bytes((assets / "synthheads-256.safetensors").read_bytes())
    part("nodes.library").ASSETS = other
    assert library.entries()[0] == HEADS and CARS not in library.entries()
    assert "synthcars" in str(library.check(CARS))


def test_info_tells_what_it_draws(graph, networks):
    info = graph.load(CARS)[1]
    assert "EG3D of synthcars: they can be turned, all the way round" in info and "also from behind" in info
    assert "heads can be turned" in graph.load(HEADS)[1]


def test_each_finds_its_own_masks_by_its_weights(part, graph, networks, ship_masks):
    for domain in networks:
        ship_masks(domain)
    find = part("nodes.masks").find_masks
    for entry, domain in ((CARS, "synthcars"), (CATS, "synthcats"), (HEADS, "synthheads")):
        assert find(graph.load(entry)[0]).attributes == ATTRIBUTES[domain]


def test_masks_of_another_domain_are_never_taken_though_they_would_fit(part, graph, networks, ship_masks):
    ship_masks("synthheads")
    ship_masks("synthcats")
    masks, model = part("nodes.masks"), graph.load(CARS)[0]
    assert masks.masks_at_hand(model) is None and "none yet" in part("nodes.load").describe_masks(model)
    with pytest.raises(graph.errors.LayoutError, match="Learn Attribute Masks"):
        masks.choose_masks(model, None)


def test_masks_of_the_same_domain_are_taken_with_a_warning(part, graph, networks, ship_masks, caplog):
    """Of an earlier version of the cars, say."""
    ship_masks("synthcars")
    model = graph.load(CARS)[0]
    changed = replace(model.loaded, fingerprint="0" * 16)
    part("nodes.masks").choose_masks(replace(model, loaded=changed), None)
    assert "masks were learned on generator" in caplog.text


def test_attributes_of_all_masks_are_listed_those_of_faces_first(part, ship_masks):
    for domain in ATTRIBUTES:
        ship_masks(domain)
    listed = part("nodes.masks").list_attributes()
    assert listed[0] == "hairstyle" and {"colour", "shape", "fur_colour", "ears"} < set(listed)
    assert part("nodes.masks").LIBRARY.entries()[0] == "synthheads-masks (built-in)"


def test_an_attribute_moves_and_a_wrong_one_is_named(part, graph, cars, ship_masks):
    ship_masks("synthcars")
    one, two = graph.sample(cars, seed=1), graph.sample(cars, seed=2)
    node, given = part("nodes.transfer").SAT3DTransfer, {"model": cars, "source": one, "reference": two}
    edited = run(node, **given, attribute="colour", intensity=1.0)[0]
    assert not torch.equal(edited.styles, one.styles) and edited.edits[0].attributes == ("colour",)
    with pytest.raises(graph.errors.ShapeError, match="shape"):
        run(node, **given, attribute="beard", intensity=1.0)


def test_cars_are_seen_from_their_front_and_turned_about_it(part, graph, cars):
    face = graph.sample(cars)
    assert angles_deg(face.camera) == pytest.approx((38, -15), abs=0.01)
    cameras = part("nodes.orbit").make_cameras
    assert angles_deg(cameras(cars.network, "still", 1, 0.0, 0.0, None)) == pytest.approx((38, -15), abs=0.01)
    assert angles_deg(cameras(cars.network, "still", 1, 20.0, -5.0, None)) == pytest.approx((58, -20), abs=0.01)
    seen = [angles_deg(each) for each in cameras(cars.network, "orbit", 8, 26.0, 7.0, None).split(1)]
    assert all(-40 <= pitch <= -3 for _, pitch in seen), "where it has learned them"
    heads = graph.load(HEADS)[0]
    assert angles_deg(cameras(heads.network, "still", 1, 0.0, 0.0, None)) == pytest.approx((0, 0), abs=0.01)


def test_a_viewer_says_where_it_looks_from_whatever_the_front(part, cars):
    viewer = part("nodes.viewer_camera")
    camera = viewer.write_view(viewer.View(0.3, -0.2))
    view = viewer.read_view(camera, part("nodes.orbit").front_of(cars.network))
    assert (view.yaw_rad, view.pitch_rad) == pytest.approx((0.3, -0.2), abs=1e-5)


def test_an_orbit_renders_them(graph, cars):
    pictures = graph.render(cars, graph.sample(cars), **{**ORBIT, "path": "turn"})[0]
    assert pictures.shape[0] == 3 and pictures.std() > 0.001


def test_the_studio_turns_cars_all_round_but_not_below_the_road(part, graph, cars, ship_masks, monkeypatch):
    ship_masks("synthcars")
    monkeypatch.setattr(part("nodes.studio"), "parse", lambda pictures: pytest.fail("nothing parses cars"))
    one, two = graph.sample(cars, seed=1), graph.sample(cars, seed=2)
    given = {"model": cars, "source": one, "reference_1": two, "picture_resolution": 16}
    state = '{"edits": {"colour": 1}, "view": {"yaw_deg": 10, "pitch_deg": 5}}'
    result = part("nodes.studio").SAT3DStudio.execute(**given, state=state)
    told = result.ui[part("nodes.studio").UI][0]
    assert told["attributes"] == ["colour", "shape"] and told["most_yaw_deg"] == 180
    assert told["pitch_deg"] == (-30, 17)
    view = part("nodes.viewer_camera").read_view(result.args[2])
    assert (math.degrees(view.yaw_rad), math.degrees(view.pitch_rad)) == pytest.approx((48, -10), abs=0.01)


def test_heads_are_turned_in_the_studio_as_ever(part, graph, networks):
    heads = graph.load(HEADS)[0]
    assert part("nodes.studio").find_pitch_limits(heads.network) == (-80, 80)


@pytest.mark.parametrize("entry", [CARS, CATS])
def test_a_face_is_not_animated(part, graph, networks, entry):
    model = graph.load(entry)[0]
    with pytest.raises(graph.errors.ConfigError, match="generator of heads"):
        run(part("nodes.animate").SAT3DAnimate, model=model, latent=graph.sample(model), motion=None,
            mode="relative", rest="first frame", view="still")  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        ({"method": "avatar"}, "drawn heads"),
        ({"method": "encoder"}, "no encoder"),
        ({"leave_out": "glasses"}, "leave_out is for people"),
        ({"method": "tune", "protect": "mouth"}, "protect is for people"),
        ({"frames": "video, one person"}, "is for people"),
    ],
)
@pytest.mark.parametrize("entry", [CARS, CATS])
def test_what_is_for_people_is_refused_by_invert(part, graph, networks, entry, wanted, match):
    given = {"method": "W", "steps": 1, "seed": 0, **wanted}
    with pytest.raises(graph.errors.ConfigError, match=match):
        run(part("nodes.invert").InvertImage, model=graph.load(entry)[0], image=torch.rand(1, 64, 64, 3), **given)


def test_a_picture_of_a_car_is_inverted_without_the_networks_of_heads(part, cars, monkeypatch):
    """Neither the encoder of heads nor the judge of faces has a part in it."""
    module, verdicts = part("nodes.invert"), part("nodes.verdicts")
    monkeypatch.setattr(verdicts, "examine_inversion", lambda *given: pytest.fail("there is no face to be judged"))
    tools = module.make_tools(cars, cars.network)
    assert tools.encoder is None
    (latent, _, info) = run(module.InvertImage, model=cars, image=torch.rand(1, 64, 64, 3), method="W", steps=2, seed=0)
    assert "from the mean face" in info
    assert len(latent.styles) == 1


def test_parts_and_sliders_of_heads_are_not_taken(part, graph, cars, networks, assets):
    from sat3d.parsing.labels import LABEL_NAMES
    from sat3d.parts.field import save_parts
    from sat3d.sliders import save_sliders
    from tests.parts.setup import sure_field
    from tests.sliders.setup import tiny_sliders

    heads = networks["synthheads"]
    field = sure_field(heads, "hair", LABEL_NAMES)
    save_parts(assets / "parts.safetensors", field, heads.fingerprint(), heads.layout.fingerprint)
    save_sliders(assets / "sliders.safetensors", tiny_sliders(heads))
    assert part("nodes.part_fields").parts_at_hand(cars) is None
    assert part("nodes.part_fields").parts_at_hand(graph.load(HEADS)[0]) is not None
    with pytest.raises(graph.errors.LayoutError, match="no sliders"):
        part("nodes.slider_files").find_sliders(cars)


@pytest.mark.parametrize("domain", ["synthcars", "synthcats"])
def test_the_clip_of_heads_does_not_measure_them(part, graph, assets, domain):
    write_tiny_clip(assets)
    part("nodes.clips")._kept.clear()
    qmm = part("nodes.qmm")
    assert domain in qmm._domains_and_attributes()[0] and domain in part("nodes.domains").list_domains()
    with pytest.raises(graph.errors.ConfigError, match=r"does not know.*train_clip\.py"):
        run(qmm.QMMScore, source=torch.rand(1, 64, 64, 3), domain=domain, clip=part("nodes.clips").ENTRY)


def test_auto_intensity_does_not_measure_cars_with_it_either(part, graph, cars, ship_masks, assets):
    ship_masks("synthcars")
    write_tiny_clip(assets)
    part("nodes.clips")._kept.clear()
    one, two = graph.sample(cars, seed=1), graph.sample(cars, seed=2)
    with pytest.raises(graph.errors.ConfigError, match="does not know"):
        run(part("nodes.transfer").SAT3DTransfer, model=cars, source=one, reference=two, attribute="colour",
            intensity=1.0, auto_intensity="smallest that arrives")  # fmt: skip


def test_masks_of_cars_are_not_learned_by_the_words_of_heads(part, graph, cars, assets):
    """Heads are what the node begins with, and the built-in model knows their words."""
    write_tiny_clip(assets)
    node = part("nodes.learn_masks").SAT3DLearnMasks
    given = {"model": cars, "clip": part("nodes.clips").ENTRY, "faces": 40, "seed": 0, "filename": "cars"}
    with pytest.raises(graph.errors.ConfigError, match="choose the domain synthcars"):
        run(node, **given, domain="synthheads")
    with pytest.raises(graph.errors.ConfigError, match="does not know"):
        run(node, **given, domain="synthcars")
