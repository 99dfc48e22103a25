"""Mutate network files at random and see that the reader only ever loads them or refuses them in words.

    python -m training.tools.fuzz_foreign tests/golden/foreign --count 10000 --seed 0

Prints how often each outcome was seen, the slowest file and the highest peak of Python and numpy memory. Exit code 1
if anything else happened: another exception, a forbidden action (process, import, code, file written, socket), or a
file that took more CPU time than --max-seconds.
"""

import pickletools
import random
import re
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from training.common.console import script
from sat3d.errors import FileError, Sat3dError
from sat3d.generators.official import read_network
from training.common.settings import Settings

_OPCODES = bytes(ord(op.code) for op in pickletools.opcodes)
_PLAIN = b"KMJGN\x88\x89\x8a\x8c)h"
_VALUES = (
    b"K\x00",
    b"K\x01",
    b"K\x04",
    b"M\xff\xff",
    b"J\xff\xff\xff\xff",
    b"J\xff\xff\xff\x7f",
    b"N",
    b"\x88",
    b"\x89",
    b"\x8a\x09" + b"\xff" * 8 + b"\x00",
    b"\x8a\xff" + b"\x7f" * 255,
    b"G\x7f\xf0" + bytes(6),
    b"G\x7f\xf8" + bytes(6),
    b"G\x7f\xef" + b"\xff" * 6,
    b"G\xbf\xf0" + bytes(6),
    b"\x8c\x00",
    b"\x8c\x04auto",
    b"C\x00",
    b"}",
    b"]",
    b")",
)
_FORBIDDEN = (
    "os.",
    "subprocess.",
    "pty.",
    "socket.",
    "ctypes.",
    "shutil.",
    "urllib.",
    "webbrowser.",
    "marshal.",
    "pickle.",
    "exec",
    "compile",
    "import",
    "code.",
    "function.",
    "tempfile.",
    "glob.",
)


class Watch:
    """Records what the interpreter is asked to do while armed (``sys.addaudithook``; a hook cannot be removed)."""

    def __init__(self):
        self.armed, self.seen = False, []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if not self.armed:
            return
        writes = event == "open" and set(str(arguments[1] or "r")) & set("wax+")
        if event.startswith(_FORBIDDEN) or writes:
            self.seen.append(f"{event} {arguments!r:.120}")

    def __enter__(self):
        self.armed, self.seen = True, []
        return self

    def __exit__(self, *_):
        self.armed = False


def flip(rng: random.Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def delete(rng: random.Random, data: bytes, _: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + _length(rng) :]


def insert(rng: random.Random, data: bytes, _: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(_length(rng)) + data[start:]


def duplicate(rng: random.Random, data: bytes, _: bytes) -> bytes:
    start, length = rng.randrange(len(data)), _length(rng)
    return data[:start] + data[start : start + length] * rng.choice((2, 3, 50)) + data[start + length :]


def truncate(rng: random.Random, data: bytes, _: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def swap_opcode(rng: random.Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        changed[rng.choice(opcode_positions(data))] = rng.choice(_OPCODES)
    return bytes(changed)


def edit_program(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Remove, repeat, exchange or borrow whole instructions, so that the rest stays a well-formed pickle."""
    program, donor = instructions(data), instructions(other)
    for _ in range(rng.randint(1, 4)):
        here, there = rng.randrange(len(program)), rng.randrange(len(program))
        replacement = rng.choice(([], [program[here]] * 2, [program[there]], [rng.choice(donor), program[here]]))
        program[here : here + 1] = replacement
        program = program or [b"."]
    return b"".join(program)


def change_value(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Replace numbers, flags and strings by others: the program stays as it was, what it describes does not."""
    program = instructions(data)
    plain = [index for index, instruction in enumerate(program) if instruction[:1] in _PLAIN]
    for index in rng.sample(plain, min(len(plain), rng.randint(1, 6))):
        program[index] = rng.choice((*_VALUES, program[rng.choice(plain)]))
    return b"".join(program)


def instructions(data: bytes) -> list[bytes]:
    starts = opcode_positions(data)[1:] or [0]
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def splice(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def _length(rng: random.Random) -> int:
    return rng.choice((1, 2, 4, 8, 40, 400))


_positions: dict[bytes, list[int]] = {}


def opcode_positions(data: bytes) -> list[int]:
    """Where the opcodes of a pickle are, as far as it can be followed; at least its beginning."""
    if data not in _positions:
        found = _positions[data] = [0]
        with suppress(Exception):  # a damaged seed file: pickletools raises many kinds
            for _, _, position in pickletools.genops(data):
                found.append(position)
    return _positions[data]


MUTATIONS: list[Callable[[random.Random, bytes, bytes], bytes]] = [
    flip,
    delete,
    insert,
    duplicate,
    truncate,
    swap_opcode,
    edit_program,
    change_value,
    splice,
]


def mutate(rng: random.Random, seeds: list[bytes]) -> tuple[str, bytes]:
    """``(name of the mutation, bytes)``."""
    mutation = rng.choice(MUTATIONS)
    data = mutation(rng, rng.choice(seeds), rng.choice(seeds))
    if rng.random() < 0.8 and data[2:3] == b"\x95":  # an honest frame length, or most changes are found by it alone
        data = data[:3] + bytes(8) + data[11:]
    return mutation.__name__, data


@dataclass
class Summary:
    outcomes: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    peak_bytes: int = 0


def try_file(path: Path, watch: Watch, summary: Summary, label: str, max_seconds: float) -> None:
    """Read one file and book what happened."""
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.process_time()
    with watch:
        outcome, failed = _outcome(path)
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1] - before
    summary.outcomes[outcome] += 1
    summary.slowest_seconds = max(summary.slowest_seconds, seconds)
    summary.peak_bytes = max(summary.peak_bytes, peak)
    if failed or watch.seen or seconds > max_seconds:
        summary.failures.append(f"{label}: {outcome}, {seconds:.2f} s, actions {watch.seen[:3]}")


def _outcome(path: Path) -> tuple[str, bool]:
    try:
        read_network(path)
    except Sat3dError as error:
        what = re.sub("[0-9]+", "#", error.what)
        return f"{type(error).__name__}: {what[:90]}", False
    except Exception as error:  # what the fuzzer is looking for
        return f"UNEXPECTED {type(error).__name__}: {str(error)[:90]}", True
    return "loaded", False


def fuzz(seeds: list[bytes], count: int, seed: int, folder: Path, max_seconds: float = 10.0) -> Summary:
    """Try ``count`` mutations; a file that fails stays in ``folder``."""
    rng, watch, summary, path = random.Random(seed), Watch(), Summary(), folder / "mutated.pkl"
    path.write_bytes(seeds[0])
    _outcome(path)  # imports that numpy and torch do at the first call are not the file's doing
    tracemalloc.start()
    for index in range(count):
        name, data = mutate(rng, seeds)
        path.write_bytes(data)
        failed_before = len(summary.failures)
        try_file(path, watch, summary, f"#{index} {name}", max_seconds)
        if len(summary.failures) > failed_before:
            path.replace(folder / f"failure_{index}.pkl")
    tracemalloc.stop()
    return summary


def _networks_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".pkl", ".pt", ".pth"))


@dataclass(frozen=True, kw_only=True)
class FuzzForeign(Settings):
    inputs: tyro.conf.Positional[tuple[Path, ...]]  # pickles and files of torch.save, or folders of them
    count: int = 10000
    seed: int = 0
    max_seconds: float = 10.0


@script(FuzzForeign)
def main(settings: FuzzForeign) -> int:
    files = [file for path in settings.inputs for file in (_networks_in(path) if path.is_dir() else [path])]
    if not files or not all(file.is_file() for file in files):
        raise FileError("There are no such pickles", settings.inputs, "files, or folders of them", "check the names")
    folder = Path(tempfile.mkdtemp(prefix="fuzz_foreign_"))
    summary = fuzz([file.read_bytes() for file in files], settings.count, settings.seed, folder, settings.max_seconds)
    report(summary, folder)
    return 1 if summary.failures else 0


def report(summary: Summary, folder: Path) -> None:
    for outcome, count in summary.outcomes.most_common():
        print(f"{count:7d}  {outcome}")
    print(f"slowest {summary.slowest_seconds:.2f} s of CPU, peak memory {summary.peak_bytes / 1e6:.1f} MB")
    for failure in summary.failures[:20]:
        print("FAILURE", failure)
    if summary.failures:
        print(f"the failing files are in {folder}")


if __name__ == "__main__":
    sys.exit(main())
