from collections.abc import Sequence
from typing import Any, ClassVar

class Input:
    id: str

class Output:
    id: str

class Kind:
    io_type: str

    def Input(self, id: str, *, tooltip: str, optional: bool = False, **options: Any) -> Input: ...
    def Output(self, id: str, *, display_name: str, tooltip: str, is_output_list: bool = False) -> Output: ...

Combo: Kind
Float: Kind
Image: Kind
Int: Kind
Mask: Kind
String: Kind
Video: Kind

def Custom(io_type: str) -> Kind: ...

class Hidden:
    unique_id: ClassVar[Hidden]
    prompt: ClassVar[Hidden]
    extra_pnginfo: ClassVar[Hidden]

class Schema:
    def __init__(
        self,
        node_id: str,
        *,
        display_name: str,
        category: str,
        description: str,
        inputs: Sequence[Input],
        outputs: Sequence[Output],
        hidden: Sequence[Hidden] = (),
        is_output_node: bool = False,
        **newer: Any,
    ) -> None: ...

class NodeOutput:
    def __init__(self, *args: Any, ui: Any = None) -> None: ...

class HiddenHolder:
    unique_id: str
    prompt: Any
    extra_pnginfo: Any

class ComfyNode:
    hidden: ClassVar[HiddenHolder]
