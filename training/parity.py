"""Compare our networks with stored outputs of the official code, tensor by tensor.

    python training/parity.py DIR

DIR holds cases: ``<case>.pkl`` (official format), ``<case>.safetensors`` (inputs ``in.*`` and outputs) and
``<case>.json`` (meaning, noise floor and largest value of each tensor). Every tensor is reproduced; a line a group
gives the largest error and its limit, the last line ``N passed, M failed``; the exit code is 1 if any failed. A case
that cannot be run counts as one failure, and the others go on.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from training.common.console import script
from sat3d.errors import FileError, Sat3dError
from training.common.settings import Again, Flag, Settings
from training.tools.parity_cases import ParityCase, Result, run_case


@dataclass(frozen=True, kw_only=True)
class Parity(Settings):
    folder: tyro.conf.Positional[Path]  # folder with the cases
    case: Again[str] = ()  # run only this case; repeatable
    verbose: Flag = False  # a line for each tensor


@script(Parity)
def main(settings: Parity) -> int:
    names = {path.stem for suffix in ("json", "safetensors") for path in settings.folder.glob(f"*.{suffix}")}
    if names and settings.case:
        names = set(settings.case)
    if not names:
        wanted = "<case>.pkl, .safetensors and .json side by side"
        raise FileError("There are no cases in the folder", settings.folder, wanted, "check the folder and --case")
    passed = failed = 0
    for name in sorted(names):
        good, bad = _report(name, settings)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _report(name: str, settings: Parity) -> tuple[int, int]:
    print(f"\n{name}")
    try:
        results = run_case(ParityCase.load(settings.folder / name))
    except Sat3dError as error:
        print(f"  FAILED to run: {error}")
        return 0, 1
    if not results:
        print("  FAILED to run: no tensor but inputs is stored")
        return 0, 1
    groups: dict[str, list] = {}
    for result in results:
        groups.setdefault(result.name if settings.verbose else result.name.split(".")[0], []).append(result)
    for group, members in groups.items():
        _print_group(group, members, settings.verbose)
    bad = sum(not r.passed for r in results)
    return len(results) - bad, bad


def _print_group(group: str, members: list[Result], verbose: bool) -> None:
    worst = max(members, key=lambda r: r.badness)
    verdict = "ok" if all(r.passed for r in members) else "FAILED"
    figures = f"error {worst.error:.2e}  limit {worst.limit:.2e}  {verdict}"
    print(f"  {group:<22} {len(members):>3} tensors  worst {worst.name:<40} {figures}")
    for result in members:
        if result.problem:
            print(f"    FAILED {result.name}: {result.problem}")
        elif not result.passed and not verbose:
            print(f"    FAILED {result.name}: error {result.error:.3e} > limit {result.limit:.3e}")


if __name__ == "__main__":
    sys.exit(main())
