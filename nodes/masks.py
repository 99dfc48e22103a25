"""SAT3DLoadMasks: attribute masks from a file; and the built-in masks that fit a generator."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from comfy_api.latest import io

from ..sat3d.errors import LayoutError, Sat3dError
from ..sat3d.files.safetensors_io import parse_json, read_header
from ..sat3d.masks import SCHEMAS, AttributeMasks, load_masks
from . import host, model_folders, newer_hosts
from .library import Library, file_stamp
from .types import SAT3D_MASKS

# Of people's faces, in the paper's order; masks for other pictures have others.
FACE_ATTRIBUTES = ("hairstyle", "hair_colour", "eye_region", "expression", "beard", "eyeglasses")
LIBRARY = Library("sat3d_masks", SCHEMAS, "masks", "training/train_masks.py makes masks")


class SAT3DLoadMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DLoadMasks",
            display_name="Load Attribute Masks",
            category="SAT3D/model",
            description="Loads attribute masks: which style channels of a generator carry the beard, which the "
            "glasses, and so on. Needed only for masks other than those that come with the pack.",
            **newer_hosts.found_by("attribute", "mask matrix", "beard", "glasses", "hair"),
            inputs=[
                io.Combo.Input(
                    "masks_file",
                    options=LIBRARY.entries(),
                    tooltip="A file in models/sat3d_masks, or masks that come with the pack. Press R after "
                    "adding files.",
                ),
            ],
            outputs=[
                SAT3D_MASKS.Output("masks", display_name="masks", tooltip="For Transfer Attribute."),
                io.String.Output(
                    "attributes",
                    display_name="attributes",
                    tooltip="The attributes that these masks can move, one per line.",
                ),
                io.String.Output(
                    "info",
                    display_name="info",
                    tooltip="How much of the style each attribute takes, the generator, the licence.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, masks_file: str = "") -> bool | str:
        """Say in words which file is missing, and before anything runs."""
        return LIBRARY.check(masks_file)

    @classmethod
    def fingerprint_inputs(cls, masks_file: str = "", **linked) -> str:
        return LIBRARY.stamp(masks_file)

    @classmethod
    def execute(cls, masks_file: str) -> io.NodeOutput:
        masks = load_masks(LIBRARY.path(masks_file))
        return io.NodeOutput(masks, "\n".join(masks.attributes), describe(masks_file, masks))


def describe(name: str, masks: AttributeMasks) -> str:
    """A few lines for people: each attribute's share of the channels, and where the masks are from."""
    notes, shares = masks.metadata, masks.probabilities().mean(1).tolist()
    lines = [
        f"{attribute}: a subspace of {masks.subspaces[attribute].rank} directions"
        if attribute in masks.subspaces
        else f"{attribute}: {share:.1%}"
        for attribute, share in zip(masks.attributes, shares, strict=False)
    ]
    return "\n".join(
        [
            name,
            f"{masks.logits.shape[1]} style channels, of which belong to",
            *lines,
            f"none of these: {shares[-1]:.1%}",
            f"domain: {notes.get('domain', 'not stated in the file')}",
            f"style layout {masks.layout_fingerprint}, weights {notes.get('generator_fingerprint', 'not stated')}",
            f"licence: {notes.get('licence', 'not stated in the file')}",
        ]
    )


def choose_masks(model: host.HostModel, given: AttributeMasks | None) -> AttributeMasks:
    """``given``, or those of the pack; warns where they were learned on another network of the same layout.

    Raises:
        LayoutError: masks of another layout, or none at hand.
    """
    masks = find_masks(model) if given is None else given
    masks.check_layout(model.network.layout)
    host.warn(masks.warning_for(model.loaded.known_as(masks.metadata.get("generator_fingerprint", ""))))
    return masks


def masks_at_hand(model: host.HostModel) -> AttributeMasks | None:
    """Those of :func:`find_masks`; None: there are none."""
    try:
        return find_masks(model)
    except LayoutError:
        return None


def find_masks(model: host.HostModel) -> AttributeMasks:
    """The masks of the pack for this very network, else for one of the same style layout that draws the same.

    Raises:
        LayoutError: there are none.
    """
    layout = model.network.layout.fingerprint
    found = map(load_masks, LIBRARY.built_in().values())
    fitting = [masks for masks in found if masks.layout_fingerprint == layout and _draws_what_taught(model, masks)]
    if not fitting:
        raise LayoutError(
            "No masks come with the pack for this generator",
            f"{model.name}, style layout {layout}",
            "masks that were learned for it",
            _how_to_get_them(model),
        )
    return min(fitting, key=lambda masks: masks.warning_for(model.loaded.fingerprint) is not None)


def _draws_what_taught(model: host.HostModel, masks: AttributeMasks) -> bool:
    """Networks of one size have one layout, and cars have nothing to do with cats."""
    notes, loaded = masks.metadata, model.loaded
    if notes.get("generator_fingerprint") in (loaded.fingerprint, loaded.parent_fingerprint):
        return True
    drawn, taught = model.network.domain, notes.get("domain")
    return not drawn or not taught or drawn == taught


def _how_to_get_them(model: host.HostModel) -> str:
    if own := own_masks_of(model):
        return f"connect Load Attribute Masks with {' or '.join(own)}, learned for it"
    return (
        "learn them here with Learn Attribute Masks, which takes minutes, or connect Load Attribute Masks with a "
        f"file in models/{LIBRARY.folder} (training/train_masks.py makes finer ones)"
    )


def own_masks_of(model: host.HostModel) -> list[str]:
    """The user's files of masks that were learned on this very network, or on its parent."""
    loaded = model.loaded
    networks = {loaded.fingerprint, loaded.parent_fingerprint} - {""}
    own = ((entry, model_folders.find_file(LIBRARY.folder, entry)) for entry in LIBRARY.own_files())
    return [entry for entry, path in own if path and _notes_now(path).get("generator_fingerprint") in networks]


def list_attributes() -> list[str]:
    """What the combo of attributes lists: those of faces, then whatever else the masks at hand know."""
    files = (model_folders.find_file(LIBRARY.folder, entry) for entry in LIBRARY.own_files())
    found = (name for path in (*LIBRARY.built_in().values(), *files) if path for name in _attributes(path))
    return list(dict.fromkeys([*FACE_ATTRIBUTES, *found]))


def _attributes(path: Path) -> tuple[str, ...]:
    try:
        names = parse_json(_notes_now(path), "attributes", path)
    except Sat3dError:  # explained to whoever loads it
        return ()
    return tuple(filter(lambda name: isinstance(name, str), names)) if isinstance(names, list) else ()


def _notes_now(path: Path) -> Mapping[str, str]:
    """What a file says of itself; nothing where it cannot be read, which is explained to whoever loads it."""
    try:
        return _notes(path, file_stamp(path))
    except (Sat3dError, OSError):
        return {}


@lru_cache(maxsize=256)
def _notes(path: Path, stamp: str) -> Mapping[str, str]:
    # From the header alone, and once for each state of the file: the host asks for combos all the time.
    return read_header(path, SCHEMAS, "masks", LIBRARY.source)
