"""What every benchmark shares: the machine it ran on, honest timing, a table, a JSON file.

Cases of one question are best timed in turns (a, b, c, a, b, c, ...), so that a machine that is busy for a while disturbs
them alike. Compare ratios in a run, not numbers of two runs.
"""

import dataclasses
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.files import write_text

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Timing:
    """Seconds per call, over several repeats."""

    median: float
    p95: float
    repeats: int


def measure(call: Callable[[], Any], *, calls: int = 1, repeats: int = 5, warmup: int = 1) -> Timing:
    """Times `calls` calls in a row, `repeats` times, after `warmup` rounds; `call` must wait for its own result.

    >>> measure(lambda: None, repeats=3).repeats
    3
    """
    for _ in range(warmup * calls):
        call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        seconds.append((time.perf_counter() - start) / calls)
    seconds.sort()
    p95 = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
    return Timing(statistics.median(seconds), p95, repeats)


@dataclass(frozen=True)
class Rate:
    """Units a second of one case: median, lowest and highest of the turns."""

    median: float
    low: float
    high: float
    turns: int


def rate(items: Iterator[int], seconds: float, clock: Callable[[], float] | None = None) -> float:
    """Units a second of an iterator that yields how many units each item held, over at least `seconds`.

    Args:
      clock: None: that on the wall; `time.process_time` counts what all threads of this process computed, and not what others on the machine did.

    >>> rate(iter([5, 5]), 0.0) > 0
    True
    """
    clock = clock or time.perf_counter
    begin, units = clock(), 0
    for count in items:
        units += count
        if clock() - begin >= seconds:
            break
    return units / (clock() - begin)


def in_turns(cases: Mapping[str, Callable[[], float]], turns: int = 5) -> dict[str, Rate]:
    """Calls every case once a turn; each call returns its rate.

    >>> in_turns({"a": lambda: 2.0}, turns=3)["a"].median
    2.0
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(turns):
        for name, case in cases.items():
            if sys.stderr.isatty():
                print(f"  turn {turn + 1}/{turns}: {name:<60}", end="\r", file=sys.stderr, flush=True)
            found[name].append(case())
    return {n: Rate(statistics.median(v), min(v), max(v), len(v)) for n, v in found.items()}


def short_names(paths: Sequence[str | Path]) -> dict[str, str]:
    """What a table calls each of several models -> where it is: the last part of its path, or as many as tell it from the others.

    >>> short_names(["runs/a/W", "runs/b/W", "V"])
    {'a/W': 'runs/a/W', 'b/W': 'runs/b/W', 'V': 'V'}
    """
    found: dict[str, str] = {}
    for path in dict.fromkeys(map(str, paths)):
        parts = Path(path).parts
        same = [Path(str(other)).parts for other in paths if str(other) != path]
        last = (n for n in range(1, len(parts)) if parts[-n:] not in {other[-n:] for other in same})
        found["/".join(parts[-next(last, len(parts)) :])] = path
    return found


def machine() -> dict[str, Any]:
    """Where the numbers come from. The load says how far they can be trusted."""
    record = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    import jax

    devices = jax.devices()
    return record | {"jax": jax.__version__, "device": devices[0].device_kind, "devices": len(devices)}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def print_table(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as a table; columns are the keys of the first row."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in rows[0]))
    width = None if Console().is_terminal else 160
    Console(width=width).print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def plain(value: Any) -> Any:
    """Options, results and arrays as JSON can hold them: the one place for every benchmark.

    >>> plain({"out": Path("a.json"), 3: (np.float32(0.5), np.arange(2)), "timing": Timing(1.0, 2.0, 3)})
    {'out': 'a.json', '3': [0.5, [0, 1]], 'timing': {'median': 1.0, 'p95': 2.0, 'repeats': 3}}
    """
    import jax  # not with this module: benchmarks choose their cores first

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return np.asarray(value).tolist()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def write_json(name: str, record: Mapping[str, Any], path: Path | None = None) -> Path:
    """Writes the record, whatever it holds, with the machine's; returns where (default `benchmarks/results/NAME.json`).

    Raises:
      StorageError: it cannot be written.
    """
    path = path or RESULTS / f"{name}.json"
    write_text(path, json.dumps(plain({"benchmark": name, "machine": machine(), **record}), indent=1))
    return path
