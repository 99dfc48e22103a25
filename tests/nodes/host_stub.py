"""The pieces of ComfyUI that the nodes touch, small enough to read: so that the nodes are tested where no ComfyUI is.

Facts it imitates (0.3.64): input and output ids of a node are unique together, an interrupt is an exception.
"""

import types
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import torch


class Interrupted(Exception):
    """Stands for the host's InterruptProcessingException."""


class _Slot:
    def __init__(self, kind: str, side: str, id: str, **options):
        self.kind, self.side, self.id, self.options = kind, side, id, options


def _type(name: str):
    def slot(side):
        return lambda id, **options: _Slot(name, side, id, **options)

    return SimpleNamespace(io_type=name, Input=slot("input"), Output=slot("output"))


class _Schema:
    def __init__(self, node_id, inputs, outputs, **rest):
        ids = [slot.id for slot in (*inputs, *outputs)]
        assert len(ids) == len(set(ids)), f"ids of {node_id} are not unique: {ids}"
        self.node_id, self.inputs, self.outputs = node_id, inputs, outputs
        self.__dict__.update(rest)


class _Node:
    hidden = SimpleNamespace(unique_id="7", prompt={"1": {}}, extra_pnginfo={"workflow": {"nodes": []}})


class _NodeOutput:
    def __init__(self, *args, ui=None):
        self.args, self.ui = args, ui


class _Patcher:
    def __init__(self, model, load_device, offload_device):
        self.model, self.load_device, self.offload_device = model, load_device, offload_device


class _Routes:
    """Handlers by method and path, as they are declared."""

    def __init__(self):
        self.found: dict[tuple[str, str], object] = {}

    def post(self, path):
        return lambda handler: self.found.setdefault(("POST", path), handler)

    def get(self, path):
        return lambda handler: self.found.setdefault(("GET", path), handler)


class _Response(SimpleNamespace):
    """What a handler answers."""


class _Picture:
    """What a node shows."""

    def __init__(self, picture, cls):
        self.picture = picture

    def as_dict(self):
        return {"images": [self.picture]}


class _Server:
    """What is sent to the page."""

    client_id = "page"

    def __init__(self):
        self.sent: list[tuple] = []
        self.routes = _Routes()
        self.prompt_queue = SimpleNamespace(currently_running={})

    def send_sync(self, event, data, sid=None):
        self.sent.append((event, data, sid))


def _autogrow():
    kind = _type("COMFY_AUTOGROW_V3")
    make = kind.Input
    kind.Input = lambda id, template, **options: make(id, template=template, **options)
    kind.TemplateNames = lambda input, names, min=1: SimpleNamespace(input=input, names=names, min=min)
    return kind


class _Bar:
    updates: ClassVar[list] = []

    def __init__(self, total, node_id=None):
        _Bar.updates.clear()

    def update_absolute(self, value, total=None, preview=None):
        _Bar.updates.append((value, total, preview))


def run(node, **inputs):
    """A node's outputs, made as the host makes them."""
    with torch.inference_mode():
        return node.execute(**inputs).args


def make_modules(models_dir: Path) -> dict[str, types.ModuleType]:
    """Module name -> stand-in, to be put into ``sys.modules``."""
    state = SimpleNamespace(interrupt_after=None, checks=0)

    def throw():
        state.checks += 1
        if state.interrupt_after is not None and state.checks > state.interrupt_after:
            raise Interrupted

    kinds = {name: _type(name.upper()) for name in ("Combo", "Int", "Float", "String", "Image", "Mask", "Video")}
    kinds |= {"File3DAny": _type("FILE_3D"), "Autogrow": _autogrow()}
    io = SimpleNamespace(
        ComfyNode=_Node,
        Schema=_Schema,
        NodeOutput=_NodeOutput,
        Custom=_type,
        Input=_Slot,
        Hidden=SimpleNamespace(unique_id="unique_id", prompt="prompt", extra_pnginfo="extra_pnginfo"),
        **kinds,
    )
    cpu = torch.device("cpu")
    management = _module(
        "comfy.model_management",
        state=state,
        throw_exception_if_processing_interrupted=throw,
        load_models_gpu=lambda models, **_: None,
        get_torch_device=lambda: cpu,
        unet_offload_device=lambda: cpu,
        intermediate_device=lambda: cpu,
        should_use_fp16=lambda device: False,
        get_free_memory=lambda device: 2**30,
    )
    latest = _module(
        "comfy_api.latest",
        io=io,
        ComfyExtension=type("ComfyExtension", (), {}),
        ui=SimpleNamespace(PreviewImage=_Picture),
        InputImpl=SimpleNamespace(
            VideoFromComponents=lambda components: components,
            VideoFromFile=lambda file: SimpleNamespace(file=file),
        ),
        Types=SimpleNamespace(VideoComponents=SimpleNamespace, File3D=lambda source: SimpleNamespace(source=source)),
    )
    utils = _module("comfy.utils", ProgressBar=_Bar)
    patcher = _module("comfy.model_patcher", ModelPatcher=_Patcher)
    modules = [
        latest,
        _module("comfy_api", latest=latest),
        management,
        utils,
        patcher,
        _folder_paths(models_dir),
        _module("comfy.cli_args", args=SimpleNamespace(disable_metadata=False, cache_none=False)),
        _module("comfy_execution"),
        _module("comfy_execution.utils", get_executing_context=lambda: SimpleNamespace(node_id="7")),
        _module("aiohttp", web=SimpleNamespace(Request=object, Response=_Response)),
        _module("server", PromptServer=SimpleNamespace(instance=_Server())),
        _module("comfy", model_management=management, utils=utils, model_patcher=patcher),
    ]
    return {module.__name__: module for module in modules}


def _module(name: str, **contents) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    return module


def _folder_paths(models_dir: Path) -> types.ModuleType:
    known: dict[str, tuple[list[str], set[str]]] = {}

    def add(name, path):
        paths = known.setdefault(name, ([], set()))[0]
        if path not in paths:
            paths.append(path)

    def files(name):
        found = {
            str(path.relative_to(folder))
            for folder in known[name][0]
            for path in Path(folder).rglob("*")
            if path.suffix.lower() in known[name][1]
        }
        return sorted(found)

    def full(name, file):
        return next((str(Path(f) / file) for f in known[name][0] if (Path(f) / file).is_file()), None)

    output = models_dir.parent / "output"
    for name in ("input", "user"):
        (models_dir.parent / name).mkdir(parents=True, exist_ok=True)

    def save_path(prefix, root):
        folder = (Path(root) / prefix).parent
        if not folder.resolve().is_relative_to(Path(root).resolve()):
            raise Exception("**** ERROR: Saving image outside the output folder is not allowed.")
        folder.mkdir(parents=True, exist_ok=True)
        name = Path(prefix).name
        return str(folder), name, len(list(folder.glob(f"{name}_*"))) + 1, str(Path(prefix).parent), prefix

    return _module(
        "folder_paths",
        models_dir=str(models_dir),
        get_output_directory=lambda: str(output),
        get_input_directory=lambda: str(models_dir.parent / "input"),
        get_user_directory=lambda: str(models_dir.parent / "user"),
        get_temp_directory=lambda: str(models_dir.parent / "temp"),
        get_save_image_path=save_path,
        folder_names_and_paths=known,
        add_model_folder_path=add,
        get_filename_list=files,
        get_full_path=full,
        get_folder_paths=lambda name: list(known[name][0]),
    )
