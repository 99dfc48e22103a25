"""Builds pickles in the official network format, opcode by opcode: valid ones, and any other kind a test needs."""

import struct
from dataclasses import dataclass

import numpy as np
import torch

from sat3d.generators.config import GeneratorConfig, TriplaneConfig
from sat3d.generators.full_head_config import FullHeadConfig
from sat3d.generators.official import expected_tensors

MAGIC = 0x1950A86A20F9469CFC6C
SOURCE_CLASS = ("torch_utils.persistence", "_reconstruct_persistent_obj")
SOURCE = "raise RuntimeError('pickled module source was executed')"


@dataclass
class Raw:
    """Opcodes as they are."""

    opcodes: bytes


class Call:
    """REDUCE of a global with arguments."""

    def __init__(self, module: str, name: str, *arguments):
        self.target, self.arguments = (module, name), arguments


class New:
    """NEWOBJ of a global without arguments, then BUILD with a state."""

    def __init__(self, module: str, name: str, state: object):
        self.target, self.state = (module, name), state


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def reference(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


_SCALARS = {
    type(None): lambda v: b"N",
    bool: lambda v: b"\x88" if v else b"\x89",
    int: integer,
    str: text,
    float: lambda v: b"G" + struct.pack(">d", v),
    bytes: lambda v: b"B" + struct.pack("<I", len(v)) + v,
    Raw: lambda v: v.opcodes,
    torch.Tensor: lambda v: opcodes(tensor(v)),
    Call: lambda v: reference(*v.target) + opcodes(v.arguments) + b"R",
    New: lambda v: reference(*v.target) + b")\x81" + opcodes(v.state) + b"b",
}


def opcodes(value: object) -> bytes:
    """The opcodes that put ``value`` on the stack."""
    if isinstance(value, tuple):
        return b"(" + b"".join(map(opcodes, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(opcodes, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(opcodes(item) for pair in value.items() for item in pair) + b"u"
    return _SCALARS[type(value)](value)


def pickled(value: object, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + opcodes(value) + b"."


def storage_stream(raw: bytes, count: int, type_name: str = "FloatStorage", magic: int = MAGIC) -> bytes:
    """A legacy torch.save stream of one storage."""
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    storage = ("storage", Raw(b"ctorch\n" + type_name.encode() + b"\n"), "1", "cpu", count, None)
    parts = [magic, 1001, facts, Raw(opcodes(storage) + b"Q"), ["1"]]
    return b"".join(pickled(part, 2) for part in parts) + struct.pack("<q", count) + raw


def storage(values: np.ndarray) -> Call:
    raw = np.ascontiguousarray(values, "<f4")
    return Call("torch.storage", "_load_from_bytes", storage_stream(raw.tobytes(), raw.size))


def view(store: object, offset: int, size: tuple, stride: tuple) -> Call:
    hooks = Call("collections", "OrderedDict")
    return Call("torch._utils", "_rebuild_tensor_v2", store, offset, size, stride, False, hooks)


def tensor(value: torch.Tensor) -> Call:
    return view(storage(value.numpy()), 0, tuple(value.shape), tuple(value.contiguous().stride()))


def persistent(class_name: str, state: dict, source: str = SOURCE) -> Call:
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}
    return Call(*SOURCE_CLASS, meta)


def module_state(children: dict | None = None, parameters: dict | None = None) -> dict:
    return {"training": False, "_parameters": parameters or {}, "_buffers": {}, "_modules": children or {}}


_PLAIN_MODULES = {
    "decoder": ("training.triplane", "OSGDecoder"),
    "decoder.net": ("torch.nn.modules.container", "Sequential"),
    "decoder.net.1": ("torch.nn.modules.activation", "Softplus"),
    "renderer": ("training.volumetric_rendering.renderer", "ImportanceRenderer"),
    "ConvA": ("torch.nn.modules.container", "Sequential"),
    "ConvB": ("torch.nn.modules.container", "Sequential"),
}


class Network:
    """An official-format network with random weights: change ``kinds``, ``states``, ``tensors``, then ``pickle()``."""

    def __init__(self, config: GeneratorConfig, variant: str = "2X"):
        generator = torch.Generator().manual_seed(0)
        self.tensors: dict[str, object] = {
            name: torch.randn(shape, generator=generator) for name, shape in expected_tensors(config).items()
        }
        self.kinds: dict[str, str] = {"": "Generator"}
        self.states: dict[str, dict] = {"": {}}
        backbone = {"_init_args": (), "_init_kwargs": backbone_arguments(config)}
        if isinstance(config, TriplaneConfig):
            self._add_triplane(config, variant, backbone)
        else:
            self.states[""] = backbone

    def _add_triplane(self, config: TriplaneConfig, variant: str, backbone: dict) -> None:
        rendering = rendering_arguments(config, variant)
        arguments = {"z_dim": config.backbone.z_dim, "sr_num_fp16_res": 4, "rendering_kwargs": dict(rendering)}
        self.kinds |= {
            "": "TriPlaneGenerator",
            "backbone": "Generator",
            "superresolution": "SuperresolutionHybrid" + variant,
        }
        self.states |= {
            "": {
                "_init_args": (),
                "_init_kwargs": arguments,
                "rendering_kwargs": rendering,
                "neural_rendering_resolution": config.neural_rendering_resolution,
            },
            "backbone": backbone,
            "renderer": {"plane_axes": torch.tensor(config.plane_axes)},
            "decoder": {"hidden_dim": config.decoder_hidden},
            "decoder.net.1": {"beta": 1.0, "threshold": 20.0},
            "superresolution": {"_init_args": (), "_init_kwargs": {"channels": 32, "sr_num_fp16_res": 4}},
        }
        if isinstance(config, FullHeadConfig):
            self._add_full_head(config)

    def _add_full_head(self, config: FullHeadConfig) -> None:
        """What PanoHead and SphereHead have beyond EG3D; more of their modules come with their source."""
        settings = {
            "triplane_size": config.backbone.resolution,
            "triplane_depth": 3 if config.in_balls else config.grid_depth,
            "use_torgb_raw": config.raw_torgb,
            "use_background": config.backdrop is not None,
            "decoder_activation": config.decoder_activation,
            "trans_reg": 10.0,
        }
        backbone = config.backbone
        self.states[""]["rendering_kwargs"] |= settings
        self.states[""]["parsing_flag"] = bool(config.parsing_labels)
        self.kinds |= {"decoder": "OSGDecoder", "renderer": "ImportanceRenderer", "t_mapping": "MappingNetwork"}
        self.states["decoder"] |= {"activation": config.decoder_activation}
        self.states["superresolution"]["input_resolution"] = config.superresolution.in_resolution
        shift = {"z_dim": backbone.z_dim, "c_dim": backbone.c_dim, "w_dim": 3, "num_ws": 1, "lr_multiplier": 1.0}
        shift |= {"last_activation": "linear", "num_layers": backbone.num_mapping_layers}
        self.states["t_mapping"] = {"_init_args": (), "_init_kwargs": shift}
        if config.backdrop is None:
            self.states[""]["bcg_synthesis"] = None
        else:
            c = config.backdrop
            sizes = {"img_resolution": c.resolution, "img_channels": c.img_channels, "architecture": "skip"}
            sizes |= {"channel_base": c.channel_base, "channel_max": c.channel_max, "num_fp16_res": 0}
            self.states["bcg_synthesis"] = {"_init_args": (c.w_dim,), "_init_kwargs": sizes}
            self.kinds["bcg_synthesis"] = "SynthesisNetwork"

    def value(self, path: str = "") -> object:
        prefix = f"{path}." if path else ""
        tensors = {name[len(prefix) :]: value for name, value in self.tensors.items() if name.startswith(prefix)}
        modules = [name.rpartition(".")[0] for name in tensors]
        modules += [name[len(prefix) :] for name in self.states if name.startswith(prefix)]
        children = {name.split(".")[0] for name in modules} - {""}
        parameters = {name: value for name, value in tensors.items() if "." not in name}
        state = module_state({name: self.value(prefix + name) for name in sorted(children)}, parameters)
        state |= self.states.get(path, {})
        if path in _PLAIN_MODULES and path not in self.kinds:
            return New(*_PLAIN_MODULES[path], state)
        return persistent(self.kinds.get(path, kind_of(path, self.kinds)), state)

    def pickle(self) -> bytes:
        return pickled({"training_set_kwargs": {}, "G": None, "D": None, "G_ema": self.value(), "augment_pipe": None})


def kind_of(path: str, kinds: dict[str, str]) -> str:
    leaf = path.rpartition(".")[2]
    no_upsampling = leaf == "block0" and not kinds.get("superresolution", "").startswith("SuperresolutionHybrid8X")
    known = {
        "synthesis": "SynthesisNetwork",
        "mapping": "MappingNetwork",
        "conv0": "SynthesisLayer",
        "conv1": "SynthesisLayer",
        "torgb": "ToRGBLayer",
        "toparsing": "ToRGBLayer",
    }
    if path.startswith(("ConvA.", "ConvB.")):
        return "Conv2dLayer"
    block = "SynthesisBlockNoUp" if no_upsampling else "SynthesisBlock"
    return known.get(leaf, block if leaf.startswith("b") else "FullyConnectedLayer")


def backbone_arguments(config: GeneratorConfig) -> dict:
    c = config.backbone
    return {
        "z_dim": c.z_dim,
        "c_dim": c.c_dim,
        "w_dim": c.w_dim,
        "img_resolution": c.resolution,
        "img_channels": c.img_channels,
        "mapping_kwargs": {"num_layers": c.num_mapping_layers},
        "channel_base": c.channel_base,
        "channel_max": c.channel_max,
        "conv_clamp": c.conv_clamp,
        "num_fp16_res": 0,
    }


def rendering_arguments(config: TriplaneConfig, variant: str) -> dict:
    options = dict(vars(config.rendering))
    options["avg_camera_pivot"] = list(options["avg_camera_pivot"])
    return options | {
        "clamp_mode": "softplus",
        "decoder_lr_mul": config.decoder_lr_mul,
        "sr_antialias": True,
        "superresolution_module": "training.superresolution.SuperresolutionHybrid" + variant,
    }
