"""Masks, transfer, chains, latents: hand-computed values, files, refusals."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from sat3d.camera import CameraRig
from sat3d.errors import FileError, LayoutError, Sat3dError, ShapeError
from sat3d.latent import Edit, Latent, load_latent
from sat3d.masks import AttributeMasks, load_masks
from sat3d.style_space import StyleLayer, StyleLayout
from sat3d.transfer import edit_styles, transfer

LAYOUT = StyleLayout((StyleLayer("a", 3, 0, "backbone_conv"), StyleLayer("rgb", 1, 1, "backbone_torgb")))
OTHER = StyleLayout(
    (
        StyleLayer("a", 2, 0, "backbone_conv"),
        StyleLayer("d", 1, 0, "backbone_conv"),
        StyleLayer("rgb", 1, 1, "backbone_torgb"),
    )
)


def latent(values, name="", fingerprint="net", layout=LAYOUT) -> Latent:
    return Latent(torch.tensor([values]), CameraRig().label(), fingerprint, layout.fingerprint, name=name)


def hard_masks() -> AttributeMasks:
    """Channel 0 is the beard's, channel 1 shared with the glasses, channel 2 of no attribute."""
    logits = torch.tensor([[50.0, 0, -50], [-50, 0, -50], [-50, -50, 50]])
    return AttributeMasks(logits, ("beard", "glasses"), LAYOUT.to_json(), LAYOUT.fingerprint, {"name": "m"})


def test_edit_equation_by_hand():
    source, reference = torch.tensor([[1.0, 2, 3]]), torch.tensor([[3.0, 2, 1]])
    edited = edit_styles(source, reference, torch.tensor([1.0, 0.5, 0.25]), 2.0)
    assert edited.tolist() == [[5, 2, 2]]


def test_probabilities_sum_to_one_and_targets_add():
    masks = hard_masks()
    torch.testing.assert_close(masks.probabilities().sum(0), torch.ones(3))
    torch.testing.assert_close(masks.mask(["beard"]), torch.tensor([1.0, 0.5, 0.0]))
    torch.testing.assert_close(masks.mask(["beard", "glasses", "beard"]), torch.tensor([1.0, 1.0, 0.0]))


def test_initial_matrix_and_preselection():
    masks = AttributeMasks.initial(["hair", "beard"], LAYOUT, {"hair": (torch.tensor([0, 2]), 1.8)})
    torch.testing.assert_close(masks.logits, torch.tensor([[1.8, 0, 1.8], [0, 0, 0], [0, 1, 0]]))


def test_transfer_moves_masked_channels_only_and_keeps_torgb():
    edited = transfer(latent([0.0, 0, 0, 7]), latent([1.0, 1, 1, 9], "ref"), hard_masks(), ["beard"], LAYOUT, 1.5)
    torch.testing.assert_close(edited.styles, torch.tensor([[1.5, 0.75, 0.0, 7.0]]))
    assert edited.edits == (Edit(("beard",), 1.5, "ref", "m"),)


def test_zero_is_the_identity_bit_for_bit():
    source = latent([0.1, 0.2, 0.3, 0.4])
    assert torch.equal(
        transfer(source, latent([9.0, 9, 9, 9]), hard_masks(), ["beard"], LAYOUT, 0.0).styles, source.styles
    )


def test_chain_keeps_provenance():
    first = transfer(latent([0.0, 0, 0, 0]), latent([1.0, 1, 1, 1], "r1"), hard_masks(), ["beard"], LAYOUT)
    second = transfer(first, latent([4.0, 4, 4, 4], "r2"), hard_masks(), ["glasses"], LAYOUT, 0.5)
    torch.testing.assert_close(second.styles, torch.tensor([[1.0, 0.5 + 0.25 * 3.5, 0.0, 0.0]]))
    assert [edit.reference for edit in second.edits] == ["r1", "r2"]


def test_one_reference_serves_a_batch():
    batch = Latent(torch.zeros(3, 4), CameraRig().label(), "net", LAYOUT.fingerprint)
    assert transfer(batch, latent([1.0, 1, 1, 1]), hard_masks(), ["beard"], LAYOUT).styles[:, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "change, kind, word",
    [
        (
            lambda s, r, m: transfer(s, latent([1.0] * 4, fingerprint="b"), m, ["beard"], LAYOUT),
            LayoutError,
            "two generators",
        ),
        (lambda s, r, m: transfer(s, r, m, ["nose"], LAYOUT), ShapeError, "nose.*beard"),
        (lambda s, r, m: transfer(s, r, m, [], LAYOUT), ShapeError, "none"),
        (lambda s, r, m: transfer(s, r, m, ["beard"], LAYOUT, float("nan")), ShapeError, "finite"),
        (lambda s, r, m: transfer(s, r, m, ["beard"], OTHER), LayoutError, "architecture"),
        (lambda s, r, m: m.check_layout(OTHER), LayoutError, "a: file 3, generator 2.*d: file absent"),
        (lambda s, r, m: latent([float("inf")] * 4), ShapeError, "NaN"),
    ],
)
def test_bad_input_is_explained(change, kind, word):
    with pytest.raises(kind, match=word) as caught:
        change(latent([0.0] * 4), latent([1.0] * 4), hard_masks())
    assert "Next step" in str(caught.value)


def test_masks_file_round_trip(tmp_path):
    hard_masks().save(tmp_path / "m.safetensors")
    back = load_masks(tmp_path / "m.safetensors", LAYOUT)
    assert torch.equal(back.logits, hard_masks().logits) and back.attributes == ("beard", "glasses")
    assert back.metadata == {"name": "m"}
    with pytest.raises(LayoutError, match="a: file 3"):
        load_masks(tmp_path / "m.safetensors", OTHER)


def test_masks_of_another_network_warn():
    masks = AttributeMasks.initial(["x"], LAYOUT, generator_fingerprint="parent")
    assert masks.warning_for("parent") is None
    assert "parent" in masks.warning_for("child") and "child" in masks.warning_for("child")


def test_latent_file_round_trip(tmp_path):
    tuned = {"decoder.net.0.weight": torch.ones(2, 2)}
    made = Latent(
        torch.randn(2, 4),
        CameraRig().label(),
        "net",
        LAYOUT.fingerprint,
        (Edit(("beard",), 1.5, "r", "m"),),
        tuned,
        "me",
    )
    made.save(tmp_path / "face.safetensors")
    back = load_latent(tmp_path / "face.safetensors", LAYOUT)
    assert torch.equal(back.styles, made.styles) and torch.equal(back.camera, made.camera)
    assert (back.edits, back.name, back.generator_fingerprint) == (made.edits, "me", "net")
    assert torch.equal(back.tuned["decoder.net.0.weight"], torch.ones(2, 2))


def damage(path, how):
    data = path.read_bytes()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no tensors here")
    elif how == "other schema":
        save_file(load_file(path), path, metadata={"schema": "else"})
    elif how == "nan":
        bad = {k: torch.full_like(v, float("nan")) for k, v in load_file(path).items()}
        save_file(bad, path, metadata=_metadata(path))
    elif how == "no tensors":
        save_file({"x": torch.zeros(1)}, path, metadata=_metadata(path))
    elif how == "bad json":
        save_file(load_file(path), path, metadata={**_metadata(path), "attributes": "[", "edits": "["})
    elif how == "wrong json":
        save_file(
            load_file(path), path, metadata={**_metadata(path), "attributes": "[1]", "edits": '[{"attributes": 3}]'}
        )


def _metadata(path):
    from safetensors import safe_open

    with safe_open(str(path), "pt") as stream:
        return stream.metadata()


@pytest.mark.parametrize(
    "how", ["truncated", "empty", "text", "other schema", "nan", "no tensors", "bad json", "wrong json"]
)
@pytest.mark.parametrize("kind", ["masks", "latent"])
def test_damaged_files_are_explained(tmp_path, kind, how):
    path = tmp_path / "x.safetensors"
    (hard_masks() if kind == "masks" else latent([0.0] * 4)).save(path)
    damage(path, how)
    with pytest.raises(Sat3dError, match="Next step"):
        (load_masks if kind == "masks" else load_latent)(path)


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    hard_masks().save(path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sat3d.files.safetensors_io.save_file", full)
    with pytest.raises(FileError, match="the disk is full"):
        hard_masks().save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    with pytest.raises(FileError, match="exists"):
        hard_masks().save(path, overwrite=False)
    with pytest.raises(FileError, match="folder"):
        hard_masks().save(tmp_path / "missing" / "m.safetensors")
