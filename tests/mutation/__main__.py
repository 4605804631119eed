"""Mutation testing: does any test notice when one place of a module is changed?

    pip install -e '.[test,mutation]'
    python -m tests.mutation                                   # a sample of every module below, in some minutes
    python -m tests.mutation lcjax/losses/reconstruction.py --all

Each mutant runs against the tests of its module alone (TESTS) and the doctests in it. Survivors are listed in `--out`:
changes that no test saw. Those in `equivalent.json` change nothing that can be seen, with the reason, and are counted apart.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.mutation import trial
from tests.mutation.mutants import Mutant, all_mutants, difference, sample

TESTS = {
    "lcjax/transforms/delight.py": ["tests/transforms/test_delight.py"],
    "lcjax/transforms/dihedral.py": ["tests/transforms/test_dihedral.py"],
    "lcjax/transforms/flux_rings.py": ["tests/transforms/test_flux_rings.py"],
    "lcjax/transforms/masking.py": ["tests/transforms/test_masking.py"],
    "lcjax/transforms/multiscale.py": ["tests/transforms/test_multiscale.py"],
    "lcjax/transforms/positional.py": ["tests/transforms/test_positional.py"],
    "lcjax/transforms/ranks.py": ["tests/transforms/test_multiscale.py"],
    "lcjax/transforms/scaling.py": ["tests/transforms/test_scaling.py"],
    "lcjax/transforms/stamp_features.py": ["tests/transforms/test_stamps.py"],
    "lcjax/transforms/stamps.py": ["tests/transforms/test_stamps.py", "tests/transforms/test_scaling.py"],
    "lcjax/transforms/windows.py": ["tests/transforms/test_windows.py"],
    "lcjax/losses/classification.py": ["tests/losses/test_classification.py"],
    "lcjax/losses/host_mixture.py": ["tests/losses/test_host_mixture.py"],
    "lcjax/losses/reconstruction.py": ["tests/losses/test_reconstruction.py"],
    "lcjax/training/step.py": ["tests/training/test_step.py", "tests/training/test_updates.py"],
    "data_pipelines/kinds/light_curves/cleaning.py": ["tests/data_pipelines/kinds/light_curves/test_cleaning.py"],
}
"""Module -> its tests."""
EQUIVALENT = Path(__file__).with_name("equivalent.json")
SLOWEST = 3600.0
"""Seconds of a trial on the clock, however busy the machine; CPU seconds are bounded by ten times those of the tests."""


def main(arguments: list[str]) -> int:
    """Runs the mutants; 1 when any survives, 2 when the tests fail without one."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="of TESTS (default: all)")
    parser.add_argument("--sample", type=int, default=12, help="mutants of a module (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="every mutant, which takes hours")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("mutation_survivors.json"))
    options = parser.parse_args(arguments)
    unknown = [name for name in options.modules if name not in TESTS]
    if unknown:
        parser.error(f"no tests are named for '{unknown[0]}': the modules are {', '.join(TESTS)}")
    trial.preload()
    known = json.loads(EQUIVALENT.read_text())
    counts, survivors = Counter(), []
    for name in options.modules or TESTS:
        found = _run_module(name, options)
        if found is None:
            print(f"{name}: its tests fail without any mutant", file=sys.stderr)
            return 2
        for outcome, mutant, change in found:
            reason = known.get(name, {}).get(" => ".join(change))
            if outcome == "survived" and reason:
                outcome = "equivalent"
            counts[outcome] += 1
            if outcome == "survived":
                survivors.append({"module": name, "line": mutant.place[0], "before": change[0], "after": change[1]})
                print(f"  survived: {name}:{mutant.place[0]}\n    - {change[0]}\n    + {change[1]}", flush=True)
        options.out.write_text(json.dumps({"counts": counts, "survivors": survivors}, indent=1, ensure_ascii=False))
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()), f"-> {options.out}")
    return 1 if survivors else 0


def _run_module(name: str, options: argparse.Namespace) -> list[tuple[str, Mutant, tuple[str, str]]] | None:
    """Outcome of every mutant of a module; None where the tests fail as they are."""
    source, tests = Path(name).read_text(), TESTS[name]
    begin = time.monotonic()
    if _wait({trial.start(Path(name), source, tests, 3600): None})[None] != "survived":
        return None
    seconds = time.monotonic() - begin
    every = all_mutants(source)
    chosen = every if options.all else sample(every, options.sample, options.seed)
    print(f"{name}: {len(chosen)} of {len(every)} mutants, tests take {seconds:.0f} s", flush=True)
    outcomes, running = {}, {}
    for mutant in chosen:
        if len(running) == options.workers:
            outcomes |= _wait(running)
        child = trial.start(Path(name), mutant.code(source), tests, int(10 * seconds + 20))
        running[child] = mutant
    while running:
        outcomes |= _wait(running)
    return [(outcomes[mutant], mutant, difference(source, mutant.code(source))) for mutant in chosen]


def _wait(running: dict[int, Mutant | None]) -> dict[Mutant | None, str]:
    """Waits until a trial has finished and takes it off the list."""
    deadline = time.monotonic() + SLOWEST
    while True:
        for child, mutant in list(running.items()):
            outcome = trial.finished(child, deadline)
            if outcome:
                del running[child]
                return {mutant: outcome}
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
