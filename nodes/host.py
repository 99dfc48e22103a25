"""The one place that talks to the host: model folders, memory, devices, progress and cancel."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import comfy.model_management as management
import comfy.utils
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ..sat3d.errors import FileError, NameTakenError
from ..sat3d.files.writing import check_target
from ..sat3d.generators import LoadedGenerator, RenderOptions, StyleGenerator, load_generator
from ..sat3d.latent import Latent
from . import checkpoints, images, memory

log = logging.getLogger("sat3d")
_PREVIEW_SIDE = 512
_LARGEST_NUMBER = 10**6


def register_model_folder(name: str, extensions: Iterable[str]) -> None:
    """Add ``models/<name>`` behind whatever ``extra_model_paths.yaml`` says, and list only files we can read."""
    folder = Path(folder_paths.models_dir) / name
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    folder_paths.add_model_folder_path(name, str(folder))
    paths, known = folder_paths.folder_names_and_paths[name]
    folder_paths.folder_names_and_paths[name] = (paths, {*known, *extensions})


def register_output_folder(name: str, below: str) -> None:
    """Let a model folder also list what the nodes have written into ``output/<below>``."""
    folder_paths.add_model_folder_path(name, str(Path(folder_paths.get_output_directory()) / below))


def output_file(prefix: str, suffix: str, first: int = 1) -> tuple[Path, int]:
    """A new file in the output folder and its number, as the host numbers its own, but not below ``first``.

    No file is made: called before long work, it refuses at once a prefix that nothing can be saved under.

    Raises:
        FileError: outside the output folder, no such folder can be made, or a name that no file can have.
    """
    root = folder_paths.get_output_directory()
    try:
        folder, name, counter, *_ = folder_paths.get_save_image_path(prefix, root)
    except Exception as error:  # the host raises a bare Exception, with a page of text
        raise FileError(
            "The file cannot be saved there",
            repr(prefix),
            "a name below the output folder",
            "choose another filename_prefix, such as sat3d/face",
        ) from error
    number = max(counter, first)
    path = Path(folder) / f"{name}_{number:05}_{suffix}"
    check_target(path)
    return path, number


def save_numbered(prefix: str, suffix: str, save: Callable[[Path], None]) -> Path:
    """Save under the next free number, taken now; if another run is quicker to take it, under the one after.

    Args:
        save: writes a file that must not exist yet.

    Raises:
        FileError: see :func:`output_file`, or what ``save`` raises.
    """
    number = 0
    while True:
        path, number = output_file(prefix, suffix, number + 1)
        try:
            save(path)
            return path
        except NameTakenError:
            if number >= _LARGEST_NUMBER:
                raise


def folder_files(name: str) -> list[str]:
    """The files of a model folder that the host lists, each relative to its folder."""
    try:
        return folder_paths.get_filename_list(name)
    except (OSError, KeyError):  # a listed folder vanished or is not readable; or is not registered
        return []


def folder_file(name: str, entry: str) -> Path | None:
    """Only what the host lists is given: no other path can be asked for."""
    path = folder_paths.get_full_path(name, entry) if entry in folder_files(name) else None
    return None if path is None else Path(path)


def folders(name: str) -> list[str]:
    """Where files of this kind belong."""
    return folder_paths.get_folder_paths(name)


def file_stamp(path: Path) -> str:
    """Changes when the file does.

    Raises:
        OSError: no such file.
    """
    stat = path.stat()
    return f"{path} {stat.st_mtime_ns} {stat.st_size}"


def checkpoint_entries() -> list[str]:
    return checkpoints.entries(folder_files(checkpoints.FOLDER))


def checkpoint_path(entry: str) -> Path:
    """Only what the combo lists is opened: no other path can be asked for.

    Raises:
        FileError: no such entry.
    """
    path = checkpoints.built_in().get(entry) or folder_file(checkpoints.FOLDER, entry)
    if path is None:
        raise checkpoints.missing(entry, folder_files(checkpoints.FOLDER), folders(checkpoints.FOLDER))
    return path


class Sat3dNetwork(nn.Module):
    """The network as the host's memory management sees it: it wants to write attributes, ``device`` among them."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.device = next(network.parameters()).device


def hand_to_host(network: nn.Module) -> ModelPatcher:
    """From now on the host decides where this network is and when it must make room. Not under inference mode."""
    return ModelPatcher(Sat3dNetwork(network), management.get_torch_device(), management.unet_offload_device())


def bring(patcher: ModelPatcher, working_bytes: int = 0) -> nn.Module:
    """The network on the device, with ``working_bytes`` free beside it as far as the host can.

    Moved outside inference mode: weights moved inside could never be optimised through again.
    """
    with torch.inference_mode(False):
        management.load_models_gpu([patcher], memory_required=working_bytes, force_full_load=True)
        # With --novram the host leaves everything behind that has no layers of its own kind.
        return patcher.model.network.to(patcher.load_device)


@dataclass(frozen=True, eq=False)
class HostModel:
    """A generator whose memory belongs to the host. What ``EG3D_MODEL`` carries."""

    name: str
    loaded: LoadedGenerator
    patcher: ModelPatcher

    @property
    def network(self) -> StyleGenerator:
        """The network wherever it is now; :meth:`ready` brings it to the device."""
        return self.loaded.network

    def ready(self, working_bytes: int = 0) -> StyleGenerator:
        """See :func:`bring`."""
        return bring(self.patcher, working_bytes)

    def check(self, latent: Latent) -> None:
        """Raises LayoutError for a latent of another architecture; warns about one of other weights."""
        latent.check_layout(self.network.layout)
        self.warn_of_other_weights(latent)

    def warn_of_other_weights(self, latent: Latent) -> None:
        """A face of another checkpoint is allowed, since fine-tuned networks share a style space; but said."""
        if latent.generator_fingerprint != self.loaded.fingerprint:
            log.warning(
                "SAT3D: the face was made by another checkpoint of the same architecture than %s; it may look "
                "different here.",
                self.name,
            )

    def render_options(self, neural_resolution: int | None = None) -> RenderOptions:
        """Options for this machine: chunks by free memory, half precision where the host would use it."""
        device = self.patcher.load_device
        if device.type == "cpu":
            return RenderOptions(neural_resolution)
        dtype = torch.float16 if management.should_use_fp16(device) else torch.float32
        rays = memory.rays_that_fit(management.get_free_memory(device), self.network.config)
        return RenderOptions(neural_resolution, superresolution_dtype=dtype, rays_per_chunk=rays)


def load_model(entry: str, report: "Report") -> HostModel:
    """Read a checkpoint and hand its memory to the host. The network is made outside inference mode."""
    path = checkpoint_path(entry)
    with torch.inference_mode(False):
        loaded = load_generator(path, report)
        return HostModel(entry, loaded, hand_to_host(loaded.network))


class Report:
    """Progress of one node run, with an optional live preview; raises the host's interrupt when the user cancels."""

    def __init__(self, node, total: int = 1):
        self.bar = comfy.utils.ProgressBar(total, node_id=node.hidden.unique_id)

    def __call__(self, done: int, total: int, picture: Tensor | None = None) -> None:
        """``picture``: ``[B, 3, H, W]``, -1..1; its first is shown."""
        management.throw_exception_if_processing_interrupted()
        preview = None if picture is None else ("JPEG", images.to_preview(picture), _PREVIEW_SIDE)
        self.bar.update_absolute(done, total, preview)


@contextmanager
def cancellable(network: nn.Module) -> Iterator[None]:
    """Inside, cancel takes effect at the next layer or chunk of rays, not only between pictures."""

    def check(*_):
        management.throw_exception_if_processing_interrupted()

    hooks = [module.register_forward_pre_hook(check) for module in network.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def warn(message: str | None) -> None:
    """Say something in the host's console, if there is something to say."""
    if message:
        log.warning("SAT3D: %s", message)


def keep(tensor: Tensor) -> Tensor:
    """A node's output, where the host keeps outputs."""
    return tensor.to(management.intermediate_device())
