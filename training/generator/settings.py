"""What the command of the generator's training can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from training.common.settings import Flag, Maybe, Range, Seed, Settings, Threads

BUILT_IN = Path("built-in")


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings(Settings):
    """Of a whole training."""

    preset: str = "cpu"  # cpu, small (128 px), gpu, small-gpu or tiny (a trial in seconds)
    data: tuple[Path, ...]  # data sets of one domain
    supervision: Literal["pictures"] = "pictures"  # what is known of them: pictures, cameras and depth
    out: Path  # folder of the training
    minutes: Annotated[Maybe[float], Range(1e-6)] = None
    """of training steps, over all runs (cpu 480, small 90, gpu 9, small-gpu 5)"""
    steps: Annotated[Maybe[int], Range(1)] = None  # train so many steps instead of minutes
    start: Maybe[Path] = None
    """a folder with the generator, encoder and first codes of a training on the same data, to begin with"""
    first_stage: Maybe[str] = None  # leave out the stages before this one (points, render, sharpen)
    resume: Flag = False  # go on where the training in --out stopped
    seed: Seed = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Threads = None  # processor threads (all)
    cache: Maybe[Path] = None  # where the decoded data go (DATA/packed)
    save_minutes: Annotated[float, Range(0)] = 2.0  # between checkpoints
    score_minutes: Annotated[float, Range(0)] = 20.0  # between scores and sheets
    child_of: Maybe[Path] = None
    """fine-tune this generator (or "built-in") on the data, its style space and low blocks frozen; what differs goes
    into OUT/child.safetensors"""
    child_encoder: Maybe[Path] = None
    """the parent's encoder, which finds codes of the data's heads (the built-in one)"""
    free_from: Annotated[int, Range(4, 1024)] = 64  # a child's blocks of this resolution and above learn
    child_patch: Annotated[int, Range(8, 256)] = 32  # rays a side of the pictures that a child learns from
    stop_after_steps: Annotated[Maybe[int], Range(0)] = None  # stop early, as if interrupted
