"""Drive, Animate Face, Save Motion and Load Motion, as the host runs them."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parts.field import save_parts
from tests.animation.fake_av import MODULE
from tests.nodes.host_stub import Interrupted, run
from tests.parts.setup import sure_field

GROUP = Path(__file__).resolve().parents[2] / "nodes" / "photos" / "group.jpg"
NAMES = ("jaw_open", "lid_closed_left")


@pytest.fixture
def motion(part):
    """Six frames: the jaw opens, the head turns."""
    make = part("sat3d.animation.motion").Motion
    values = torch.linspace(0, 1, 6)[:, None] * torch.tensor([[1.0, 0.0]])
    pose = torch.linspace(0, 0.3, 6)[:, None] * torch.tensor([[1.0, 0.0, 0.0]])
    return make(NAMES, values, torch.zeros(6, 2), pose, 12.0, name="test")


@pytest.fixture
def directions(part, models, triplane):
    """A file in models/sat3d_expressions that fits the tiny generator."""
    layout = triplane.layout
    index, ones = layout.editable_index[:4], torch.tensor([[1.0, 1.0, 0, 0], [0, 0, 1.0, 1.0]])
    space = part("sat3d.animation.expression_space").LinearExpressionSpace(
        NAMES, index, ones, ones.T / 2, torch.zeros(4), torch.zeros(2), layout.fingerprint
    )
    (models / "sat3d_expressions").mkdir(parents=True, exist_ok=True)
    space.save(models / "sat3d_expressions" / "tiny.safetensors")
    return space


SETTINGS = {"mode": "absolute", "rest": "none", "view": "driver", "neural_resolution": 16}


@pytest.fixture
def animate(part, graph, directions, motion):
    model = graph.load()[0]
    latent = graph.sample(model)

    def make(**changes):
        return run(part("nodes.animate").SAT3DAnimate, **{"model": model, "latent": latent, "motion": motion,
                                                         **SETTINGS, **changes})  # fmt: skip

    return make


def test_a_face_follows_the_motion(animate, directions, motion):
    images, video, moved, info = animate()
    assert images.shape[0] == 6 and images.min() >= 0 and images.max() <= 1
    assert not torch.equal(images[0], images[5])
    assert torch.equal(video.images, images) and float(video.frame_rate) == 12 and video.audio is None
    torch.testing.assert_close(moved.values, motion.values)
    assert moved.names == NAMES and "6 frames, 0.50 s" in info and "jaw_open" in info


def test_a_part_is_the_same_as_in_the_whole(animate):
    whole = animate()[0]
    images, _, moved, _ = animate(first_frame=3, frames=2)
    assert len(moved) == 2 and torch.equal(images, whole[2:4])


def test_sound_goes_along_from_where_the_part_begins(animate):
    audio = {"waveform": torch.arange(1200.0)[None, None], "sample_rate": 1200}  # one second, of half a second's frames
    heard = animate(audio=audio, first_frame=4)[1].audio
    assert heard["sample_rate"] == 1200 and heard["waveform"][0, 0].tolist() == list(range(300, 600))


def test_strengths_and_views_reach_the_core(animate):
    still = animate(view="still", mouth=0.0, eyes=0.0)[0]
    assert torch.equal(still[0], still[5])
    held = animate(view="orbit", orbit_yaw_deg=10.0, orbit_seconds=0.0, mouth=0.0, eyes=0.0)[0]
    assert torch.equal(held[0], held[5]) and not torch.equal(held[0], still[0])


def test_what_is_outside_of_the_face_stays_where_a_field_tells_it(animate, part, models, triplane, monkeypatch):
    node, given = part("nodes.animate"), []
    make_clip = node.make_clip
    monkeypatch.setattr(node, "make_clip", lambda *args: given.append(args[5]) or make_clip(*args[:5]))
    animate(outside="stays", frames=1)
    said = [data["message"] for _, data, _ in part("nodes.host").PromptServer.instance.sent]
    assert any("no semantic field" in message and "expression" in message for message in said)
    (models / "sat3d_parts").mkdir(parents=True, exist_ok=True)
    field = sure_field(triplane, "skin", LABEL_NAMES)
    save_parts(models / "sat3d_parts" / "t.safetensors", field, triplane.fingerprint(), triplane.layout.fingerprint)
    animate(outside="stays", frames=1)
    animate(frames=1)
    assert given[0] is given[2] is None
    assert {"mouth", "eyes", "brows", "skin"} <= set(given[1].region.parts) and "hair" not in given[1].region.parts


def test_precision_refines_what_is_seen_under_the_hosts_inference_mode(animate, part, monkeypatch):
    """Every point is where the picture's mean colour says, and a face is found everywhere."""
    refining = part("sat3d.animation.refining")
    found = [SimpleNamespace(points=torch.zeros(478, 3))]
    monkeypatch.setattr(refining, "find_faces", lambda *_: found)
    monkeypatch.setattr(refining, "squares_around", lambda points: torch.zeros(1, 4))
    spread = torch.randn(478, 3, generator=torch.Generator().manual_seed(0))

    def read(networks, picture, square):
        return spread + picture.mean((2, 3))[:, None] * spread.flip(0), torch.tensor([9.0])

    monkeypatch.setattr(refining, "read_faces", read)
    plain, refined = animate()[2], animate(precision=1, frames=3)[2]
    assert len(refined) == 3 and not torch.equal(refined.values, plain.values[:3])
    assert refined.names == plain.names and refined.values.isfinite().all()


def test_a_long_clip_goes_into_a_file_and_memory_keeps_its_beginning(animate, part, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", MODULE)
    monkeypatch.setattr(part("nodes.videos"), "MOST_BYTES", 2 * 3 * 4 * 64 * 64)
    images, video, *_ = animate()
    assert 0 < len(images) < 6
    assert len(torch.cat(list(part("sat3d.files.videos").VideoFile.open(video.file).pieces()))) == 6
    said = [data["message"] for _, data, _ in part("nodes.host").PromptServer.instance.sent]
    assert any(f"the first {len(images)} of 6 frames" in message for message in said)


def test_cancel_stops_between_frames_and_leaves_no_file(animate, part, monkeypatch, models):
    monkeypatch.setitem(sys.modules, "av", MODULE)
    monkeypatch.setattr(part("nodes.videos"), "MOST_BYTES", 1)
    node = part("nodes.animate")
    frames_of = node.frames_of

    def interrupted(*given):
        yield next(frames_of(*given))
        raise Interrupted

    monkeypatch.setattr(node, "frames_of", interrupted)
    with pytest.raises(Interrupted):
        animate()
    assert not list((models.parent / "temp").glob("*"))


def test_a_generator_whose_pictures_show_no_faces_is_said(part, graph, motion, monkeypatch):
    monkeypatch.setattr(part("nodes.expressions"), "_FACES", 2)
    model = graph.load()[0]
    with pytest.raises(graph.errors.ShapeError, match="Hardly a face"):
        run(part("nodes.animate").SAT3DAnimate, model=model, latent=graph.sample(model), motion=motion, **SETTINGS)


def test_directions_are_learned_once_and_kept(part, graph, motion, monkeypatch):
    expressions = part("nodes.expressions")
    calls = []

    def learn(network, reading, lesson, notes, progress):
        calls.append(lesson.truncation)
        ones = torch.ones(2, 2)
        return part("sat3d.animation.expression_space").LinearExpressionSpace(
            NAMES,
            network.layout.editable_index[:2],
            ones,
            ones.clone(),
            torch.zeros(2),
            torch.ones(2),
            network.layout.fingerprint,
            notes,
        )

    monkeypatch.setattr(expressions, "learn_expressions", learn)
    model = graph.load()[0]
    for _ in range(2):
        run(part("nodes.animate").SAT3DAnimate, model=model, latent=graph.sample(model), motion=motion, **SETTINGS)
    assert calls == [0.7]


def test_a_motion_that_ends_before_is_refused(animate, graph):
    with pytest.raises(graph.errors.ShapeError, match="ends before"):
        animate(first_frame=7)


# -- motion from pictures


def test_drive_reads_pictures_and_says_what_was_filled(part, graph):
    face = torch.from_numpy(part("sat3d.picture_modes").rgb_values(Image.open(GROUP)))[None]
    frames = torch.cat([face, torch.zeros_like(face)])
    motion, audio, info = run(part("nodes.drive").SAT3DDrive, face=0, smoothing=0.0, images=frames, fps=10.0)
    assert len(motion) == 2 and motion.fps == 10 and audio is None
    assert torch.equal(motion.values[0], motion.values[1]) and "1 of 2 frames show no face" in info
    assert "read by: photo networks" in info


def test_the_action_reader_is_refused_in_words_where_it_knows_no_actions(part, graph, monkeypatch):
    reader = part("sat3d.networks.reader").AttributeReader(
        part("sat3d.networks.reader_config").ReaderConfig((("mood", ("calm",)),), (("yaw_rad", 1),))
    )
    hosted = part("nodes.host").HostedNetwork(reader)
    monkeypatch.setattr(part("nodes.built_in_networks"), "reader", lambda: hosted)
    with pytest.raises(graph.errors.ConfigError, match="knows no facial actions"):
        run(part("nodes.drive").SAT3DDrive, face=0, smoothing=0.0, images=torch.rand(1, 64, 64, 3),
            read_by="action reader")  # fmt: skip
    eyes = part("nodes.drive").eyes_for
    assert eyes("auto").reader is reader and eyes("auto").is_drawn is None and eyes("photo networks").reader is None
    monkeypatch.setattr(part("nodes.built_in_networks"), "reader", lambda: None)  # its file is missing
    assert eyes("auto").reader is None


class Video:
    """A VIDEO of the host: all frames at once, or its file."""

    def __init__(self, images, source=None):
        self.images, self.source = images, source

    def get_components(self):
        assert self.source is None, "a long video is not decoded at once"
        heard = {"waveform": torch.zeros(1, 1, 9), "sample_rate": 9}
        return SimpleNamespace(images=self.images, audio=heard, frame_rate=5)

    def get_dimensions(self):
        return self.images.shape[2], self.images.shape[1]

    def get_frame_count(self):
        return len(self.images)

    def get_stream_source(self):
        return self.source


def test_a_video_gives_frames_speed_and_sound(part):
    incoming = part("nodes.videos").open_incoming(Video(torch.zeros(10, 4, 6, 3)), None, 25.0)
    assert (incoming.fps, incoming.frames, incoming.heard["sample_rate"]) == (5.0, 10, 9)
    assert [len(piece) for piece in incoming.pieces] == [8, 2]


def test_a_long_video_is_read_piece_by_piece(part, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", MODULE)
    monkeypatch.setattr(part("nodes.videos"), "MOST_BYTES", 100)
    file = part("sat3d.files.videos")
    with file.write_video(tmp_path / "long.mp4", 25, file.Sound(torch.zeros(1, 1, 100), 100)) as writer:
        writer.add(torch.zeros(10, 3, 4, 6))
    incoming = part("nodes.videos").open_incoming(Video(torch.zeros(10, 4, 6, 3), tmp_path / "long.mp4"), None, 9.0)
    assert (incoming.fps, incoming.frames, incoming.heard["sample_rate"]) == (25.0, 10, 100)
    assert sum(len(piece) for piece in incoming.pieces) == 10


def test_a_long_video_that_was_cut_is_decoded_by_the_host(part, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", MODULE)
    monkeypatch.setattr(part("nodes.videos"), "MOST_BYTES", 100)
    with part("sat3d.files.videos").write_video(tmp_path / "long.mp4", 25) as writer:
        writer.add(torch.zeros(10, 3, 4, 6))
    video = Video(torch.zeros(7, 4, 6, 3))
    video.get_stream_source = lambda: tmp_path / "long.mp4"
    assert part("nodes.videos").open_incoming(video, None, 25.0).frames == 7


@pytest.mark.parametrize("shape", [(0, 64, 64, 3), (1, 0, 64, 3)])
def test_pictures_without_pixels_are_refused(part, graph, shape):
    with pytest.raises(graph.errors.ShapeError, match="There is no picture"):
        run(part("nodes.drive").SAT3DDrive, face=0, smoothing=1.0, images=torch.zeros(shape))


def test_one_thing_drives(part, graph):
    with pytest.raises(graph.errors.ConfigError, match="One thing drives"):
        run(part("nodes.drive").SAT3DDrive, face=0, smoothing=1.0)
    both = {"video": Video(torch.zeros(1, 4, 4, 3)), "images": torch.zeros(1, 4, 4, 3)}
    with pytest.raises(graph.errors.ConfigError, match="One thing drives"):
        run(part("nodes.drive").SAT3DDrive, face=0, smoothing=1.0, **both)


# -- files


@pytest.mark.parametrize("format", ["npz", "json"])
def test_a_motion_is_saved_listed_and_loaded(part, motion, models, format):
    nodes = part("nodes.motions")
    (path,) = run(nodes.SAT3DSaveMotion, motion=motion, filename_prefix="sat3d_motions/test", format=format)
    assert Path(path).suffix == f".{format}" and nodes.LIBRARY.entries() == [Path(path).name]
    found, info = run(nodes.SAT3DLoadMotion, motion_file=Path(path).name)
    assert torch.equal(found.values, motion.values) and found.fps == 12 and "0.50 s" in info
    assert nodes.SAT3DLoadMotion.validate_inputs(Path(path).name) is True
    assert "no such file" in nodes.SAT3DLoadMotion.validate_inputs("../other.npz")
    assert "no maps" in nodes.SAT3DLoadMotion.validate_inputs(Path(path).name, "flame.json")


def test_a_map_file_makes_a_motion_of_coefficients(part, models):
    nodes = part("nodes.motions")
    for folder, name, text in (
        ("sat3d_motions", "flame.json", '{"jaw": [[0.1], [0.2]]}'),
        ("sat3d_motion_maps", "map.json",
         '{"schema": "sat3d-motion-map/1", "fps": 25, "channels": {"jawOpen": {"terms": {"jaw[0]": 2}}}}'),
    ):  # fmt: skip
        (models / folder).mkdir(parents=True, exist_ok=True)
        (models / folder / name).write_text(text)
    motion, _ = run(nodes.SAT3DLoadMotion, motion_file="flame.json", map_file="map.json")
    assert motion.values[:, 0].tolist() == pytest.approx([0.2, 0.4])
    stamp = nodes.SAT3DLoadMotion.fingerprint_inputs
    assert stamp("flame.json", "map.json") != stamp("flame.json")


def test_a_prefix_outside_of_the_output_folder_is_refused_at_once(part):
    assert "cannot be saved" in part("nodes.motions").SAT3DSaveMotion.validate_inputs("../../etc/x")
