"""Files of weights: state dictionaries that ``torch.save`` has written, read without running what is inside."""

from pathlib import Path

from ..errors import FileError
from ..files.reading import read_bytes
from .allowlist import ALLOWED
from .storage import STORAGE_GLOBALS
from .torch_file import is_torch_file, read_torch

MOST_BYTES = 1 << 31
WANTED = "a state dictionary that torch.save has written (.pth), or a .safetensors file"
_TENSORS = (("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"))
TENSOR_GLOBALS = {**STORAGE_GLOBALS, **{name: ALLOWED[name] for name in _TENSORS}}


def read_torch_file(path: Path) -> tuple[object, bytes]:
    """What the file's pickle holds, tensors as :class:`TensorView` that are not read yet; and the bytes they lie in.

    Raises:
        FileError: missing, of another kind, damaged.
        HostileFileError: it asks for anything but tensors and plain data, or tries to exhaust the machine.
    """
    data = read_bytes(path, WANTED, MOST_BYTES)
    if data[:1] != b"\x80" and not is_torch_file(memoryview(data)):
        raise FileError("Not a file of weights", f"{path.name} begins with {data[:8]!r}", WANTED, "download it again")
    if not is_torch_file(memoryview(data)):
        raise FileError("Not a file of weights", f"{path.name}, a pickle of another kind", WANTED, "download it again")
    return read_torch(memoryview(data), TENSOR_GLOBALS), data
