"""Tiny networks, domains and arguments with which masks are learned in seconds."""

import json
from pathlib import Path

import torch

from sat3d.clip import OwnClip
from sat3d.clip.built_in_clip import KIND as CLIP
from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.parsing.parser import KIND as PARSER
from sat3d.parsing.parser import HeadParser, ParserConfig
from tests.training.tiny_generators import labelled_config, random_network
from tests.training.tiny_networks import SMALL_CLIP
from training.common.distributed import Processes
from training.common.settings import parse
from training.masks import command
from training.masks.settings import MaskSettings

ROOT = Path(__file__).resolve().parents[3]


def write_files(folder: Path) -> Path:
    """A tiny generator, a flat one, CLIP, parser and two domains, as files."""
    tiny = labelled_config()
    save_checkpoint(folder / "generator.safetensors", tiny, random_network(tiny).state_dict(), {"licence": "free"})
    torch.manual_seed(1)
    save_network(folder / "clip.safetensors", CLIP, OwnClip(SMALL_CLIP))
    save_network(folder / "parser.safetensors", PARSER, HeadParser(ParserConfig(64, (8, 8, 8), (0, 1, 1))))
    content = json.loads((ROOT / "sat3d" / "domains" / "synthheads.json").read_text(encoding="utf-8"))
    kept = ("beard", "eyeglasses", "hairstyle")
    content["attributes"] = {name: content["attributes"][name] for name in kept}
    content["regions"] = {name: content["regions"][name] for name in kept}
    # The parser knows nothing, and eyes and hair colour are left out.
    del content["sampling"]["at_least"], content["covers"], content["hidden"], content["kept"]
    (folder / "heads.json").write_text(json.dumps(content), encoding="utf-8")
    for key in ("parser", "regions", "preselection"):
        del content[key]
    (folder / "unparsed.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def arguments(files: Path, out: Path, *more: str, domain: str = "heads.json") -> list[str]:
    fixed = ["--generator", files / "generator.safetensors", "--clip-weights", files / "clip.safetensors",
             "--parser", files / "parser.safetensors", "--domain", files / domain, "--out", out, "--device", "cpu",
             "--recipe", "paper", "--judged", 0, "--pairs", 10, "--start-faces", 2, "--threads", 1,
             "--neural-resolution", 16, "--precision", "float32"]  # fmt: skip
    return [str(part) for part in fixed] + list(more)


def make_trainer(files: Path, out: Path, *more: str, domain: str = "heads.json", generator: Path | None = None):
    settings = parse(MaskSettings, arguments(files, out, *more, domain=domain))
    loaded = command.load_generator(generator or settings.generator)
    studio = command.make_studio(settings, loaded, torch.device("cpu"))
    engine = command.prepare(settings, studio, loaded, Processes(torch.device("cpu")))
    if settings.resume:
        engine.resume()
    engine.begin()
    return engine


def losses_of(trainer, steps: int) -> list[float]:
    return [trainer.step()["loss"].item() for _ in range(steps)]
