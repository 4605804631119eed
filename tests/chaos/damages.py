"""Damages files of every format at random and reads them; whatever comes must be an answer or a sentence.

    python -m tests.chaos.damages --count 10000 --seed 0 [--what alerts] [--out damages.json]

An outcome is `right` (the answer is that of the sound file), `named` (an error of lcjax, or what is wrong is set aside and
told), `other` (other values of a format that cannot tell), or a DEFECT: any other exception, a crash, more than 5 s of work
or 1 GiB, another answer where checksums should have told, rows lost without a word. A damage is found again by the seed,
the format and its number. Exits 1 if there is a defect.
"""

import argparse
import collections
import json
import multiprocessing
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import LcjaxError
from tests.chaos.damage_formats import Answer, Format, formats
from tests.chaos.damaging import damaged

OUTCOMES = ("right", "named", "other", "DEFECT")
SECONDS, BYTES, SILENCE = 5.0, 1 << 30, 60.0
ROOM = 4 << 30
"""Of addresses above those of the sound file's reading: more is refused to it."""


Table = Callable[[], dict[str, Format]]


class TooSlowError(BaseException):
    """Five seconds of work; no `except Exception` may take it."""


def judge(format_: Format, sound: Answer, found: Answer, folder: Path, sealed: bool) -> tuple[str, str]:
    """Outcome and reason of a reading that ended."""
    if found.items == sound.items and found.rows == sound.rows:
        return ("DEFECT", "a change was not noticed") if format_.detects else ("right", "")
    if sealed and format_.seals:
        return "other", ""
    due = sound.rows if format_.rows is None else format_.rows(folder)
    if (format_.rows is not None or found.said == sound.said) and found.rows < due:
        return "DEFECT", f"{found.rows} rows of {due} without a word"
    if found.said > sound.said:
        return "named", "set aside"
    if format_.guarded and not sealed:
        return "DEFECT", "another answer without a word"
    return "other", ""


def attempt(format_: Format, sound: Answer, folder: Path, sealed: bool) -> tuple[str, str]:
    """Reads a damaged folder; outcome and reason, of a defect with its traceback."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = judge(format_, sound, format_.read(folder), folder, sealed)
    except LcjaxError as error:
        outcome = "named", f"{type(error).__name__}: {error}"
        if "\n" in str(error).strip() and not format_.detects:
            outcome = "DEFECT", f"more than a sentence: {error}"
    except TooSlowError:
        outcome = "DEFECT", f"more than {SECONDS:g} s of work: {traceback.format_exc(limit=-3)}"
    except BaseException:
        outcome = "DEFECT", traceback.format_exc(limit=-8)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return ("DEFECT", f"{grown:,} bytes of memory") if grown > BYTES else outcome


def damage(folder: Path, format_: Format, seed: int, name: str, number: int) -> tuple[str, bool]:
    """Damages one file of a folder; what was done, and whether checksums were made to agree."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    small = [path for path in files if path.suffix == ".json"]
    chosen = small if small and rng.random() < 0.4 else files
    path = chosen[int(rng.integers(len(chosen)))]
    data, sealed = damaged(path.name, path.read_bytes(), rng, (format_.seals or {}).get(path.name))
    path.write_bytes(data)
    return str(path.relative_to(folder)), sealed


def outcomes(name: str, numbers: range, seed: int, scratch: Path, table: Table = formats) -> Iterator[dict[str, Any]]:
    """What became of each damage of one format, in this process."""
    signal.signal(signal.SIGPROF, _too_slow)
    format_, sound_folder = table()[name], scratch / "sound"
    shutil.rmtree(sound_folder, ignore_errors=True)
    sound_folder.mkdir(parents=True)
    format_.make(sound_folder)
    sound = format_.read(sound_folder)
    for number in numbers:
        folder = scratch / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sound_folder, folder)
        file, sealed = damage(folder, format_, seed, name, number)
        yield {"number": number, "file": file, "sealed": sealed, "outcome": "begun"}
        outcome, why = attempt(format_, sound, folder, sealed)
        yield {"number": number, "file": file, "sealed": sealed, "outcome": outcome, "why": why}


def _too_slow(number: int, frame: object) -> None:
    raise TooSlowError


def _work(name: str, numbers: range, seed: int, scratch: Path, pipe: Connection, table: Table = formats) -> None:
    first = True
    for row in outcomes(name, numbers, seed, scratch, table):
        if first:  # all is imported and the sound file was read
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
            first = False
        pipe.send(row)


def campaign(name: str, count: int, seed: int, scratch: Path, table: Table = formats) -> list[dict[str, Any]]:
    """All damages of one format, in a process beside that may crash or hang; it is then started again after the damage."""
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        here, there = multiprocessing.Pipe(duplex=False)
        work = (name, range(len(rows), count), seed, scratch, there, table)
        process = multiprocessing.get_context("spawn").Process(target=_work, args=work)
        process.start()
        there.close()
        begun = None
        try:
            while len(rows) < count:
                if not here.poll(SILENCE if begun else 300):
                    raise TimeoutError(f"no word in {SILENCE:g} s")
                begun = here.recv()
                if begun["outcome"] != "begun":
                    rows.append(begun)
        except (EOFError, TimeoutError) as error:
            process.kill()
            process.join()
            if begun is None:
                raise RuntimeError(f"the sound file of '{name}' cannot be read") from error
            rows.append(begun | {"outcome": "DEFECT", "why": f"{error or 'crash'}; exit code {process.exitcode}"})
        process.join(10)
    return rows


def main() -> int:
    """Runs the campaign, prints a table and the defects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="damages in all, shared equally by the formats")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--what", default="", help="only formats whose names hold this")
    parser.add_argument("--out", type=Path, help="JSON file of counts and defects")
    asked = parser.parse_args()
    names = [name for name in formats() if asked.what in name]
    if not names:
        parser.error(f"no format is called '{asked.what}': there are {', '.join(formats())}")
    each, result = -(-asked.count // len(names)), {}
    print(f"{'format':<28}" + "".join(f"{outcome:>8}" for outcome in OUTCOMES), flush=True)
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            rows = campaign(name, each, asked.seed, Path(scratch))
        counts = collections.Counter(row["outcome"] for row in rows)
        print(f"{name:<28}" + "".join(f"{counts[outcome]:>8}" for outcome in OUTCOMES), flush=True)
        result[name] = {"counts": counts, "defects": [row for row in rows if row["outcome"] == "DEFECT"]}
        if asked.out:
            asked.out.write_text(json.dumps({"seed": asked.seed, "formats": result}, indent=1))
    defects = [(name, row) for name, entry in result.items() for row in entry["defects"]]
    total = sum((entry["counts"] for entry in result.values()), collections.Counter())
    print(f"{f'all {total.total():,}':<28}" + "".join(f"{total[outcome]:>8}" for outcome in OUTCOMES))
    alike: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, row in defects:
        alike.setdefault((name, re.sub(r"[\d'].*", "", row["why"].strip().splitlines()[-1])), []).append(row)
    for (name, _), rows in alike.items():
        print(f"\n{name}: {len(rows)} like damage {rows[0]['number']}, of {rows[0]['file']}: {rows[0]['why'].strip()}")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
