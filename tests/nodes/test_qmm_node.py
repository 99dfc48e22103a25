"""Scores as a node: the core's numbers, charts, JSON, one model kept, clear refusals; with a tiny model made here."""

import json
import math
import sys

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from sat3d.clip import ClipConfig, OwnClip
from sat3d.clip.built_in_clip import KIND
from sat3d.clip.tokenizer import vocabulary_of
from sat3d.domains import load_domain
from sat3d.files.network_files import load_network, save_network
from sat3d.qmm import QMM
from tests.nodes.host_stub import Interrupted, run

BUILT_IN = "synthheads-clip (built-in)"
DOMAIN = load_domain("synthheads")
SENTENCES = [sentence for group in DOMAIN for sentence in DOMAIN.sentences(group)]


def save_tiny(path, seed=0, sentences=SENTENCES):
    torch.manual_seed(seed)
    words = vocabulary_of(sentences)
    text = {"context_length": 20, "vocab_size": len(words) + 3, "width": 16, "heads": 2, "layers": 1}
    image = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32}
    save_network(path, KIND, OwnClip(ClipConfig(8, image, text, words)).eval())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / KIND.asset
    save_tiny(path)
    return path


@pytest.fixture
def score(part, assets, tiny):
    """The node, with a tiny built-in model."""
    (assets / KIND.asset).write_bytes(tiny.read_bytes())
    part("nodes.clips")._kept.clear()

    def score(source, **changes):
        return run(
            part("nodes.qmm").QMMScore,
            source=source,
            **{"domain": "synthheads", "clip": BUILT_IN, "attribute": "all", **changes},
        )

    return score


@pytest.fixture
def reads(part, monkeypatch):
    """The (name, path) of every model that is read."""
    clips, seen = part("nodes.clips"), []
    original = clips.load_clip

    def load(name, path):
        seen.append((name, path))
        return original(name, path)

    monkeypatch.setattr(clips, "load_clip", load)
    return seen


def photo(seed=0, count=1, size=(64, 80)):
    return torch.rand(count, *size, 3, generator=torch.Generator().manual_seed(seed))


def test_scores_are_those_of_the_core(score, tiny):
    source, edit = photo(0), photo(1, size=(96, 70))
    text = json.loads(score(source, edit=edit)[1])
    qmm = QMM(load_network(KIND, tiny).image_text(), DOMAIN)
    wanted = [qmm.measure(image.permute(0, 3, 1, 2) * 2 - 1) for image in (source, edit)]
    (row,) = text["pictures"]
    assert (text["domain"], text["clip"]) == ("synthheads", BUILT_IN) and set(row["scores"]) == {"source", "edit"}
    for part, measured in zip(("source", "edit"), wanted, strict=True):
        for attribute, groups in measured.as_table(0).items():
            for group, phrases in groups.items():
                assert row["scores"][part][attribute][group] == pytest.approx(phrases, abs=1e-4)
    assert set(row["distances"]) == {"edit_to_source"}
    moved = {t: d.item() for t, d in wanted[1].differences(wanted[0]).items()}
    assert row["distances"]["edit_to_source"] == pytest.approx(moved, abs=1e-4) and max(moved.values()) > 1e-4


def test_distances_by_hand(part):
    qmm, core, domains = part("nodes.qmm"), part("sat3d.qmm"), part("sat3d.domains")
    beard, hair = (domains.DescriptorGroup(t, "kind", ("no", "yes")) for t in ("beard", "hair"))
    domain = domains.Domain("two", "{}", {"beard": (beard,), "hair": (hair,)})

    def measured(*rows):
        return core.Measurement(torch.tensor(rows), domain)

    scores = {
        "source": measured([1.0, 0, 0.5, 0.5]),
        "reference": measured([0.0, 1, 1, 0]),
        "edit": measured([0.25, 0.75, 0.5, 0.5], [0.25, 0.75, 0.3, 0.7]),
    }
    assert qmm.measure_distances(scores, ["beard"]) == pytest.approx((0.5, 0.2))  # hair: 0 and 0.4
    assert qmm.measure_distances(scores, ["beard", "hair"]) == pytest.approx((0.5 + (1 + 1.4) / 2, 1.5 + 0.2))
    del scores["edit"]
    assert qmm.measure_distances(scores, ["beard"]) == pytest.approx((2, 0))
    del scores["reference"]
    assert math.isnan(qmm.measure_distances(scores, ["beard"])[0])


def test_a_perfect_edit_has_no_distance(score):
    chart, text, to_reference, to_source = score(photo(0), reference=photo(1), edit=photo(1), attribute="beard")
    assert to_reference == pytest.approx(0, abs=1e-5) and to_source > 0
    assert set(json.loads(text)["pictures"][0]["distances"]) == {
        "edit_to_reference",
        "edit_to_source",
        "source_to_reference",
    }
    assert score(photo(0), reference=photo(1), edit=photo(0))[3] == pytest.approx(0, abs=1e-5)
    assert chart.ndim == 4 and chart.shape[3] == 3 and chart.min() >= 0 and chart.max() <= 1


def test_the_chart_shows_the_pictures_and_the_attribute_alone(score):
    red = torch.zeros(1, 64, 64, 3)
    red[..., 0] = 1
    one, every = score(red, attribute="beard")[0], score(red)[0]
    assert one.shape[1] < every.shape[1] and (one == red[0, 0, 0]).all(3).sum() > 1000


def test_a_batch_beside_one_source(score, tiny):
    edits = photo(1, count=10)
    chart, text, *_ = score(photo(0), edit=edits)
    rows = json.loads(text)["pictures"]
    assert len(rows) == len(chart) == 10 and rows[0]["scores"]["source"] == rows[9]["scores"]["source"]
    alone = json.loads(score(photo(0), edit=edits[9:])[1])["pictures"][0]
    last, alone = (row["scores"]["edit"]["beard"]["kind"] for row in (rows[9], alone))
    assert last == pytest.approx(alone, abs=1e-4)


def test_many_pictures_get_all_scores_and_the_first_charts(score, part, caplog):
    chart, text, *_ = score(photo(0, count=18), attribute="beard")
    assert len(chart) == 16 and len(json.loads(text)["pictures"]) == 18 and "first 16 of 18" in caplog.text


def test_the_model_is_kept_and_its_memory_is_the_hosts(score, part, reads, assets, monkeypatch):
    moved, management = [], sys.modules["comfy.model_management"]
    monkeypatch.setattr(management, "load_models_gpu", lambda models, **_: moved.extend(models))
    score(photo(0))
    score(photo(1))
    assert reads == [("synthheads-clip", assets / KIND.asset)] and len(moved) == 2 and moved[0] is moved[1]
    (kept,) = part("nodes.clips")._kept.values()
    assert kept.hosted.patcher is moved[0] and not any(p.is_inference() for p in kept.hosted.network.parameters())
    assert not any(vectors.is_inference() for vectors in kept.read["synthheads"].text_vectors)


def test_a_changed_file_is_read_again_and_one_model_is_kept(score, part, reads, assets, models):
    node = part("nodes.qmm").QMMScore
    before, scores = node.fingerprint_inputs(BUILT_IN, source=None), score(photo(0))[1]
    save_tiny(assets / KIND.asset, seed=5)
    assert node.fingerprint_inputs(BUILT_IN, source=None) != before and score(photo(0))[1] != scores
    save_tiny(models / "open_clip" / "mine.safetensors", seed=6)
    assert json.loads(score(photo(0), clip="mine.safetensors")[1])["clip"] == "mine.safetensors"
    assert len(reads) == 3 and len(part("nodes.clips")._kept) == 1


def test_progress_counts_pictures_and_cancel_leaves_no_hooks(score, part):
    score(photo(0, count=10), edit=photo(1))
    updates = sys.modules["comfy.utils"].ProgressBar.updates
    assert [done for done, _, _ in updates] == [0, 8, 10, 11] and {total for _, total, _ in updates} == {11}
    state = sys.modules["comfy.model_management"].state
    state.checks, state.interrupt_after = 0, 5
    with pytest.raises(Interrupted):
        score(photo(0))
    (kept,) = part("nodes.clips")._kept.values()
    assert not any(module._forward_pre_hooks for module in kept.hosted.network.modules())


def test_missing_weights_give_one_clear_error(part, assets):
    node = part("nodes.qmm").QMMScore
    assert part("nodes.clips").LIBRARY.entries() == [BUILT_IN] and node.fingerprint_inputs(BUILT_IN) == "missing"
    refused = node.validate_inputs("gone.safetensors", "nose")
    assert refused.startswith("There is no such file among the image-text models. Got: gone.safetensors. ")
    with pytest.raises(part("sat3d.errors").FileError, match=r"no weights for the built-in CLIP.*train_clip"):
        run(node, source=photo(), domain="synthheads", clip=BUILT_IN, attribute="all")


TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture
def stock(models, monkeypatch):
    """Writes weights of an architecture that open_clip is made to know."""
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "Tiny", TINY)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "Tiny-quickgelu", {**TINY, "quick_gelu": True})

    def write(name, change=lambda tensors: tensors):
        torch.manual_seed(0)
        save_file(change(dict(open_clip.CLIP(**TINY).state_dict())), models / "open_clip" / name)

    return write


def test_a_stock_file_tells_its_architecture_and_the_console_says_so(score, reads, models, stock, caplog):
    stock("mine.SAFETENSORS")
    text = json.loads(score(photo(), clip="mine.SAFETENSORS")[1])
    assert text["clip"] == "Tiny (mine.SAFETENSORS)" and reads[-1] == ("Tiny", models / "open_clip/mine.SAFETENSORS")
    assert "mine.SAFETENSORS is taken for Tiny; the tensors do not tell it from Tiny-quickgelu" in caplog.text
    caplog.clear()
    chosen = json.loads(score(photo(), clip="mine.SAFETENSORS", architecture=" Tiny-quickgelu ")[1])
    assert chosen["clip"].startswith("Tiny-quickgelu") and "taken for" not in caplog.text
    assert chosen["pictures"] != text["pictures"]


def test_weights_of_openai_under_the_other_name_are_doubted(score, stock, caplog):
    def published(tensors):
        coarse = {name: t.half().float() for name, t in tensors.items()}
        return coarse | {"token_embedding.weight": tensors["token_embedding.weight"]}

    stock("mine.safetensors", published)
    score(photo(), clip="mine.safetensors", architecture="Tiny")
    assert "mine.safetensors may want the architecture Tiny-quickgelu in place of Tiny" in caplog.text


def test_another_architecture_than_that_of_the_file_is_explained(score, part, stock):
    stock("mine.safetensors")
    with pytest.raises(part("sat3d.errors").FileError, match=r"do not fit ViT-S-32-alt: they are of Tiny\."):
        score(photo(), clip="mine.safetensors", architecture="ViT-S-32-alt")


@pytest.mark.parametrize("architecture", ["", "ViT-S-32-alt"])
def test_a_file_of_another_kind_is_named(score, part, models, graph, architecture):
    path = models / "open_clip" / "stock.safetensors"
    graph.sample(graph.load()[0]).save(path)
    assert part("nodes.clips").LIBRARY.entries() == [BUILT_IN, "stock.safetensors"]
    with pytest.raises(graph.errors.FileError, match=r"no image-text model\. Got: stock\.safetensors: a file of this"):
        score(photo(), clip="stock.safetensors", architecture=architecture)
    with pytest.raises(graph.errors.ConfigError, match="no such image-text model"):
        score(photo(), clip="stock.safetensors", architecture="hf-hub:someone/something")
    assert not part("nodes.clips")._kept


@pytest.mark.parametrize("entry", ["../secret.safetensors", "/etc/passwd", "", "ViT-B-32"])
def test_only_listed_models_are_opened(score, part, models, entry):
    save_tiny(models / "secret.safetensors")
    with pytest.raises(part("sat3d.errors").FileError, match="no such file among the image-text models"):
        score(photo(), clip=entry)


def test_without_open_clip_the_error_says_what_to_install(score, part, monkeypatch):
    def missing(name, path):
        raise ModuleNotFoundError("No module named 'open_clip'")

    monkeypatch.setattr(part("nodes.clips"), "load_clip", missing)
    with pytest.raises(part("sat3d.errors").ConfigError, match=r"open_clip_torch.*requirements\.txt"):
        score(photo())


@pytest.mark.parametrize(
    ("changes", "kind", "word"),
    [
        ({"domain": "/etc/passwd"}, "ConfigError", "no such domain"),
        ({"attribute": "nose"}, "ConfigError", r"nose.*hairstyle.*beard"),
        ({"source": photo(count=2), "edit": photo(count=3)}, "ShapeError", r"do not pair.*source: 2, edit: 3"),
        ({"source": torch.rand(0, 64, 64, 3)}, "ShapeError", "There is no picture.*0 of 64 x 64 pixels"),
        ({"source": photo(size=(32, 32))}, "ShapeError", "at least 64"),
        ({"source": torch.full((1, 64, 64, 3), torch.nan)}, "ShapeError", "not finite"),
        ({"source": torch.rand(1, 64, 64)}, "ShapeError", "Not a picture"),
    ],
)
def test_bad_input_is_explained(score, part, changes, kind, word):
    with pytest.raises(getattr(part("sat3d.errors"), kind), match=word) as caught:
        score(**{"source": photo(), **changes})
    assert "Next step" in str(caught.value)


def test_a_model_that_lacks_a_word_names_it(score, part, models):
    save_tiny(models / "open_clip" / "small.safetensors", sentences=["the face of a person with no beard"])
    with pytest.raises(part("sat3d.errors").ConfigError, match=r"does not know some words.*'bald'"):
        score(photo(), clip="small.safetensors")
