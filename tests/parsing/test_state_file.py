"""Files of torch.save, read without running them: what is read, what is refused."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sat3d.errors import FileError, HostileFileError
from sat3d.parsing.state_file import open_state_file

from ..two_layers import Two, two


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_both_formats_of_torch_save_give_every_number(tmp_path, zipped, protocol):
    path, source = tmp_path / "two.pth", two()
    torch.save(source.state_dict(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    file = open_state_file(path)
    filled = file.fill(Two())
    assert set(file.names) == {"conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}
    for name in file.names:
        assert torch.equal(filled.state_dict()[name], source.state_dict()[name]), name
    assert not filled.training and not any(p.requires_grad for p in filled.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_number_types_and_shared_storages(tmp_path, dtype):
    path, both = tmp_path / "two.pth", torch.arange(12, dtype=dtype)
    state = {**two().state_dict(), "conv.weight": both[:6].reshape(3, 2, 1, 1), "bn.bias": both[9:]}
    torch.save(state, path)
    filled = open_state_file(path).fill(Two())
    assert filled.conv.weight.flatten().tolist() == [0, 1, 2, 3, 4, 5] and filled.bn.bias.tolist() == [9, 10, 11]
    assert filled.conv.weight.dtype == torch.float32


def test_safetensors_serve_too(tmp_path):
    source = two()
    save_file(dict(source.state_dict()), tmp_path / "two.safetensors")
    save_file(dict(source.state_dict()), tmp_path / "TWO.SAFETENSORS")
    file = open_state_file(tmp_path / "two.safetensors")
    assert open_state_file(tmp_path / "TWO.SAFETENSORS").names == file.names
    assert torch.equal(file.fill(Two()).conv.weight, source.conv.weight)
    with pytest.raises(FileError, match=r"conv\.weight is missing"):
        open_state_file(tmp_path / "two.safetensors").fill(torch.nn.Sequential(Two()))


def renamed(start: str) -> dict:
    return {start + name: tensor for name, tensor in two().state_dict().items()}


def training(**states) -> dict:
    """What a training saves besides: numbers, names, and an optimizer with tensors of its own."""
    parameters = list(two().parameters())
    optimizer = torch.optim.Adam(parameters)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return {"epoch": 3, "loss": 0.5, "name": "two", "best": None, "optimizer": optimizer.state_dict(), **states}


# What people's files hold in place of a state dictionary by itself.
WRAPPED = {
    "of several GPUs": lambda: renamed("module."),
    "of a model in a framework": lambda: renamed("model."),
    "of several GPUs in a framework": lambda: renamed("model.module."),
    "state_dict": lambda: {"state_dict": two().state_dict()},
    "params": lambda: {"params": two().state_dict()},
    "a training": lambda: training(model=two().state_dict()),
    "a training of several GPUs": lambda: training(state_dict=renamed("module.")),
}


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_weights_are_wrapped_in_is_taken_off(tmp_path, make, zipped):
    torch.save(make(), tmp_path / "two.PTH", _use_new_zipfile_serialization=zipped)
    filled, source = open_state_file(tmp_path / "two.PTH").fill(Two()), two()
    for name, tensor in filled.state_dict().items():
        assert name.endswith("tracked") or torch.equal(tensor, source.state_dict()[name]), name


def test_wrappers_of_safetensors_are_taken_off_too(tmp_path):
    save_file(renamed("module."), tmp_path / "two.safetensors")
    assert torch.equal(open_state_file(tmp_path / "two.safetensors").fill(Two()).conv.weight, two().conv.weight)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: {"params": s, "params_ema": s}, r"more than one state dictionary.*'params', 'params_ema'"),
        (lambda s: {"params": s, "x": torch.zeros(1)}, "not a plain state dictionary.*'params' is a dict"),
        (lambda s: {"epoch": 3}, "not a plain state dictionary.*'epoch' is 3"),
        (lambda s: {"params": {}}, "not a plain state dictionary"),
        (lambda s: {"params": {"net": s}}, "not a plain state dictionary"),
        (lambda s: {"params": {**s, "epoch": 3}}, "not a plain state dictionary"),
        (lambda s: {3: s["conv.weight"]}, "not a plain state dictionary"),
        (lambda s: [s], "no state dictionary"),
        (lambda s: {"module." + n: t for n, t in s.items()} | {"x": s["bn.bias"]}, r"module\.conv\.weight is unexp"),
    ],
)
def test_what_cannot_be_taken_off_for_sure_is_refused(tmp_path, make, said):
    torch.save(make(dict(two().state_dict())), tmp_path / "x.pth")
    with pytest.raises(FileError, match=said):
        open_state_file(tmp_path / "x.pth").fill(Two())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("bn.bias"), "bn.bias is missing"),
        (lambda state: state.update(extra=torch.zeros(1)), "extra is unexpected"),
        (lambda state: state.update({"bn.bias": torch.zeros(4)}), r"bn\.bias has shape \[4\]"),
        (lambda state: state.update({"bn.bias": torch.zeros(3, dtype=torch.long)}), "not floating-point"),
        (lambda state: state.update({"bn.bias": torch.full((3,), torch.nan)}), "not finite"),
        (lambda state: state.update({"bn.bias": [1.0]}), "not a plain state dictionary"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, said):
    state = dict(two().state_dict())
    change(state)
    torch.save(state, tmp_path / "two.pth")
    with pytest.raises(FileError, match=said):
        open_state_file(tmp_path / "two.pth").fill(Two())


class Evil:
    def __reduce__(self):
        return (Path.write_text, (Path("executed"), "yes"))


@pytest.mark.parametrize("zipped", [True, False])
def test_programs_are_refused_and_not_run(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    torch.save({**two().state_dict(), "x": Evil()}, "evil.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(HostileFileError, match="nothing in it was executed"):
        open_state_file("evil.pth")
    assert not Path("executed").exists()


def test_a_whole_module_is_refused(tmp_path):
    torch.save(two(), tmp_path / "two.pth")
    with pytest.raises(HostileFileError, match="nothing in it was executed"):
        open_state_file(tmp_path / "two.pth")


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04", b"\x80\x02", pickle.dumps({"a": 1}), b"\x80\x02N."])
def test_files_of_another_kind(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(FileError, match="Next step"):
        open_state_file(tmp_path / "x.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_is_cut_off_anywhere(tmp_path, zipped):
    stream = io.BytesIO()
    torch.save(two().state_dict(), stream, _use_new_zipfile_serialization=zipped)
    whole = stream.getvalue()
    for share in range(1, 20):
        (tmp_path / "x.pth").write_bytes(whole[: len(whole) * share // 20])
        with pytest.raises(FileError):
            open_state_file(tmp_path / "x.pth").fill(Two())


@pytest.mark.parametrize("zipped", [True, False])
def test_damage_anywhere_is_an_error_in_words_or_harmless(tmp_path, zipped):
    stream = io.BytesIO()
    torch.save(two().state_dict(), stream, _use_new_zipfile_serialization=zipped)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        broken = bytearray(stream.getvalue())
        for place in torch.randint(len(broken), (3,), generator=generator).tolist():
            broken[place] = int(torch.randint(256, (1,), generator=generator))
        (tmp_path / "x.pth").write_bytes(broken)
        try:
            open_state_file(tmp_path / "x.pth").fill(Two())
        except FileError as error:
            assert "Next step" in str(error)


def rezipped(path: Path, change) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    method = change(entries) or zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: zipfile.ZIP_DEFLATED, "compressed"),
        (lambda e: e.pop("archive/data/0") and None, "content is missing"),
        (lambda e: e.update({"archive/byteorder": b"big"}), "little-endian"),
        (lambda e: e.update({"archive/data/0": b"1234"}), "wrong length"),
        (lambda e: e.update({"other/data.pkl": b"N."}), "exactly one data.pkl"),
    ],
)
def test_archives_that_are_wrong(tmp_path, change, said):
    path = tmp_path / "archive.pth"
    stream = io.BytesIO()
    torch.save(two().state_dict(), stream)
    path.write_bytes(stream.getvalue())
    rezipped(path, change)
    with pytest.raises(FileError, match=said):
        open_state_file(path)


def test_a_few_bytes_that_pretend_to_be_much(tmp_path):
    """One number, and a tensor that repeats it (stride 0)."""
    path = tmp_path / "x.pth"
    torch.save({**two().state_dict(), "conv.weight": torch.zeros(1).expand(3, 2, 1, 1)}, path)
    with pytest.raises(FileError, match="stride 0"):
        open_state_file(path).fill(Two())
