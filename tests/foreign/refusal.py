"""What it means that a hostile file is refused: in words, quickly, in little memory, and without doing anything."""

import time
import tracemalloc
from pathlib import Path

import pytest

from sat3d.errors import Sat3dError
from sat3d.generators.config import BackboneConfig, StyleGAN2Config
from sat3d.generators.official import read_network
from tests.foreign.official_pickle import Network
from training.tools.fuzz_foreign import Watch

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "foreign"
MAX_SECONDS = 3.0  # of CPU; about a third of it is seen on a laptop
MAX_BYTES = 100_000_000
MICRO = StyleGAN2Config(
    BackboneConfig(z_dim=4, w_dim=4, num_mapping_layers=1, resolution=8, channel_base=32, channel_max=4)
)


class Refusal:
    """Call it with a file or its content; it returns the error."""

    def __init__(self):
        read_network(GOLDEN / "micro_valid.pkl")  # what numpy and torch import at the first use is not the file's doing
        self.watch, self.folder = Watch(), Path()

    def __call__(self, content: bytes | Path) -> Sat3dError:
        path = content if isinstance(content, Path) else self.folder / "attack.pkl"
        if isinstance(content, bytes):
            path.write_bytes(content)
        before, start = sorted(self.folder.iterdir()), time.process_time()
        with self.watch, pytest.raises(Sat3dError) as caught:
            read_network(path)
        assert time.process_time() - start < MAX_SECONDS
        assert self.watch.seen == [] and sorted(self.folder.iterdir()) == before
        return caught.value

    def in_little_memory(self, content: bytes) -> Sat3dError:
        """The same, and measures memory (tracing it takes several times as long)."""
        error = self(content)
        tracemalloc.start()
        with pytest.raises(Sat3dError):
            read_network(self.folder / "attack.pkl")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MAX_BYTES
        return error


def micro_with(name: str, value: object) -> bytes:
    """A tiny network in which one tensor is replaced."""
    built = Network(MICRO)
    built.tensors[name] = value
    return built.pickle()
