from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from torch import Tensor

from . import io as io
from . import ui as ui

class ComfyExtension:
    async def get_node_list(self) -> Sequence[type[io.ComfyNode]]: ...

class Types:
    class File3D:
        def __init__(self, source: str) -> None: ...

    class VideoComponents:
        audio: Any

        def __init__(self, images: Tensor, frame_rate: Fraction) -> None: ...

class InputImpl:
    class VideoFromComponents:
        def __init__(self, components: Types.VideoComponents) -> None: ...

    class VideoFromFile:
        def __init__(self, file: str) -> None: ...
