"""The nodes' half of the rehearsal: a host's model folders with the files in them, and the shipped workflows."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

from tests.rehearsal.official_files import ARCHITECTURE, CLIP, PARSER, PICKLE
from tests.rehearsal.readme import ROOT

MASKS = "face.safetensors"
FOLDERS = {PICKLE: "eg3d", CLIP: "open_clip", PARSER: "sat3d_parsers", MASKS: "sat3d_masks"}  # where each file belongs


def put_files(folder: Path, models: Path) -> None:
    """Copies of the files in ``folder``, where the notes of the workflows say that they belong."""
    for name, kind in FOLDERS.items():
        (models / kind).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, models / kind / name)


def read_prompt(name: str) -> dict:
    """What the page sends to the host for a shipped workflow."""
    return json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))


def official() -> dict:
    return read_prompt("7 Official FFHQ")


def official_edited(attribute: str = "beard") -> dict:
    """*7 Official FFHQ* with what its note says for moving attributes: Load Attribute Masks, connected to Transfer
    Attribute; the second of two people gives."""
    prompt = official()
    model = ["2", 0]
    prompt["20"] = {"class_type": "SAT3DLoadMasks", "inputs": {"masks_file": MASKS}}
    person = {"model": model, "seed": 7, "truncation": 0.7, "batch_size": 1}
    prompt["21"] = {"class_type": "SAT3DSampleFace", "inputs": person}
    edit = {"model": model, "source": ["5", 0], "reference": ["21", 0], "masks": ["20", 0], "attribute": attribute}
    prompt["22"] = {"class_type": "SAT3DTransfer", "inputs": {**edit, "intensity": 1.0}}
    for number in ("6", "7"):
        prompt[number]["inputs"]["latent"] = ["22", 0]
    return prompt


def learning() -> dict:
    """*7b Learn masks* with the choices that its note asks for."""
    prompt = read_prompt("7b Learn masks")
    chosen = {"domain": "face", "clip": CLIP, "architecture": ARCHITECTURE, "parser": PARSER}
    prompt["2"]["inputs"]["checkpoint"] = PICKLE
    prompt["3"]["inputs"] |= chosen
    for number in ("4", "5"):
        prompt[number]["inputs"]["truncation"] = 0.7
    return prompt


def complaints(prompt: dict, nodes: dict) -> list[str]:
    """What the nodes say of their widgets before anything runs, as the host asks them; nothing if all is well."""
    found = []
    for node in prompt.values():
        check = getattr(nodes.get(node["class_type"]), "validate_inputs", None)
        if check is not None:
            names = inspect.signature(check).parameters
            typed = {key: value for key, value in node["inputs"].items() if not isinstance(value, list)}
            found.append(check(**{key: value for key, value in typed.items() if key in names}))
    return [answer for answer in found if answer is not True]
