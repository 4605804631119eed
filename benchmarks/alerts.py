"""Alerts a second from bytes to class probabilities, whole and by stage, here and by the usual path; what a Rubin night needs.

    python -m benchmarks alerts [--alerts FILES...] [--model W] [--cores 1]

Everything runs on one core of this machine, timed by the processor seconds it takes (so that others on the machine disturb
little), and the network also on the accelerator if there is one, timed by the clock. The
usual path is re-created from the published service (stamps specification A1, A2, A6): fastavro per message, `astropy.io.fits`
per stamp, numpy per alert, coordinates by `astropy.coordinates`, the published graph in TensorFlow on batches of 50. Both
paths answer the same alerts with the same weights, and the answers are compared.
"""

import copy
import dataclasses
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.harness import Rate, in_turns, print_table, write_json

NIGHT = 10_000_000
"""Alerts of a Rubin night."""
_WARM_UP = 2


@dataclasses.dataclass(frozen=True)
class Options:
    """Alerts a second, stage by stage."""

    alerts: tuple[Path, ...] = ()
    """ZTF packets (Avro files or folders); default: the real ones of `$LCJAX_DATA`, else made-up ones."""
    model: str | None = None
    """Workdir or weights folder of a stamp classifier; default: the published network with random weights."""
    count: int = 512
    """Alerts of a round; fewer packets are used again."""
    seconds: float = 3.0
    """Time of each case in each turn."""
    turns: int = 5
    pin: bool = True
    """Stay on one core."""
    batch_size: int | None = None
    """Alerts computed at once; default: by device."""
    reference: bool = True
    """Also time the usual path (needs TensorFlow for its network)."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/alerts.json)."""


def main(argv: list[str]) -> int:
    """Times all cases in turns."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks alerts")
    if options.pin and hasattr(os, "sched_setaffinity"):  # before any library starts its threads
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import jax

    packets, about = read_packets_of(options)
    print(about)
    loaded = _model(options.model)
    found: dict[str, Rate] = {}
    for device in _devices():
        with jax.default_device(device):
            cases = _Stages(loaded, packets, options.batch_size).cases()
            if device.platform != "cpu":  # the rest is the host's and was timed before
                cases = {f"{name} ({device.device_kind})": cases[name] for name in _ON_DEVICE}
            clock = time.process_time if device.platform == "cpu" else time.perf_counter
            timed = {n: _timed(c, len(packets), options, clock) for n, c in cases.items()}
            found |= in_turns(timed, options.turns)
    rows = [_row(name, r) for name, r in found.items()]
    print_table("lcjax, alerts a second of one core", rows)
    record = {"stages": {n: dataclasses.asdict(r) for n, r in found.items()}, "alerts": about}
    if options.reference:
        record |= _compare(loaded, packets, options, found)
    record["night"] = _night(found)
    print(f"written: {write_json('alerts', {'settings': _plain(options), **record}, options.out)}")
    return 0


def _devices() -> list[Any]:
    """The CPU, and the first accelerator if there is one."""
    import jax

    other = [d for d in jax.devices() if d.platform != "cpu"][:1]
    return [jax.devices("cpu")[0], *other]


def read_packets_of(options: Options) -> tuple[list[bytes], str]:
    """One container of one alert each, `count` of them, and a sentence about them."""
    paths = list(options.alerts)
    default = Path(os.environ.get("LCJAX_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not paths and (default / "ztf_alerts" / "kowalski_avro").is_dir():
        paths = [default / "ztf_alerts" / "kowalski_avro"]
    files = [f for p in paths for f in (sorted(p.rglob("*.avro")) if p.is_dir() else [p])]
    if files:
        data, kind = [f.read_bytes() for f in files], f"{len(files)} real packets"
    else:
        data, kind = _made_up(64), "64 made-up packets"
    size = np.mean([len(d) for d in data]) / 1e3
    return [data[i % len(data)] for i in range(options.count)], f"{kind}, {size:.0f} kB each on average"


def _made_up(count: int) -> list[bytes]:
    """Packets with all columns of the published network and noisy stamps, which compress like real ones."""
    from data_pipelines.datasets.alert_checks import ZTF_SCHEMA, container, packet
    from lcjax.tasks.stamp_classifier_config import RAW_COLUMNS

    schema = copy.deepcopy(ZTF_SCHEMA)
    fields = schema["fields"][2]["type"]["fields"]
    have = {field["name"] for field in fields}
    fields += [{"name": n, "type": ["null", "float"], "default": None} for n in RAW_COLUMNS if n not in have]
    values = dict.fromkeys((n for n in RAW_COLUMNS if n not in have), 1.0)
    return [container([packet(i, candidate=values)], schema=schema) for i in range(count)]


def _model(name: str | None) -> Any:
    """A loaded classifier; without a name the published network with random weights."""
    from lcjax.inference.loading import Loaded, load_system

    if name:
        return load_system(name)
    import jax

    from lcjax.models.stamp_classifier_config import StampModelConfig
    from lcjax.tasks import build_task
    from lcjax.tasks.stamp_classifier_config import StampExperiment

    experiment = StampExperiment(model=StampModelConfig(parity=True))
    task = build_task(experiment)
    batch = {k: np.zeros(v.shape, v.dtype) for k, v in task.batch_spec.items()}
    return Loaded(Path("published"), {}, experiment, task, jax.jit(task.init)(jax.random.key(0), batch))


_ON_DEVICE = ("preprocessing on the device", "network", "bytes to probabilities")


class _Stages:
    """Every stage on its own, and all of them; each case handles all packets once."""

    def __init__(self, loaded: Any, packets: Sequence[bytes], batch_size: int | None) -> None:
        import jax

        from data_pipelines.sources.alerts import STAMP_NAMES, StampRules, decode_packet
        from lcjax.cli.stamp_answers import StampAnswers
        from lcjax.inference.stamps import StampPredictor

        self.packets, self.task = packets, loaded.task
        self.rules = StampRules(need=STAMP_NAMES, history=False)
        self.predictor = StampPredictor.from_loaded(loaded, batch_size)
        self.answers = StampAnswers(self.predictor)
        self.alerts = [decode_packet(data, rules=self.rules) for data in packets]
        self.cutouts = [_cutouts(data) for data in packets]
        size = self.predictor.batch_size
        whole = self.batches()
        self.ready = [{k: np.resize(v, (size, *v.shape[1:])) for k, v in batch.items()} for batch in whole]
        self.prepare = jax.jit(loaded.task.extras["prepare"])
        self.prepared = [jax.block_until_ready(self.prepare(batch)) for batch in self.ready]
        self.variables = jax.device_put(loaded.variables)
        self.network = jax.jit(lambda v, images, features: loaded.task.model.apply(v, images, features)["logits"])

    def cases(self) -> dict[str, Callable[[], Any]]:
        """Name -> call; the first three and the assembly are Python, the others compiled."""
        import jax

        wait = jax.block_until_ready
        return {
            "Avro, history left out": lambda: [_record(data) for data in self.packets],
            "gunzip and FITS, 3 stamps": lambda: [_decode(cutouts) for cutouts in self.cutouts],
            "packet to alert (with the two above)": self._read,
            "stacks and columns": self.batches,
            "preprocessing on the device": lambda: [wait(self.prepare(batch)) for batch in self.ready],
            "network": lambda: [wait(self.network(self.variables, *inputs)) for inputs in self.prepared],
            "bytes to probabilities": self.whole,
        }

    def _read(self) -> None:
        from data_pipelines.sources.alerts import decode_packet

        for data in self.packets:
            decode_packet(data, rules=self.rules)

    def batches(self) -> list[dict[str, np.ndarray]]:
        """What goes to the device."""
        size = self.predictor.batch_size
        entries = [self.answers.enter(alert) for alert in self.alerts]
        return [self.answers.batch(entries[i : i + size]) for i in range(0, len(entries), size)]

    def whole(self) -> list[Any]:
        """Rows of the output table."""
        from data_pipelines.sources.alerts import decode_packet

        return list(self.answers.answer(decode_packet(data, rules=self.rules) for data in self.packets))


def _record(data: bytes) -> dict[str, Any]:
    import io

    from data_pipelines.sources.alerts.avro_container import read_containers
    from data_pipelines.sources.alerts.packets import HISTORY_FIELDS

    return next(iter(read_containers(io.BytesIO(data), HISTORY_FIELDS)))


def _cutouts(data: bytes) -> list[bytes]:
    record = _record(data)
    return [record[f"cutout{name}"]["stampData"] for name in ("Science", "Template", "Difference")]


def _decode(cutouts: Sequence[bytes]) -> None:
    from data_pipelines.sources.alerts.fits_stamp import decode_stamp

    for cutout in cutouts:
        decode_stamp(cutout)


def _timed(
    case: Callable[[], Any], units: int, options: Options, clock: Callable[[], float] = time.process_time
) -> Callable[[], float]:
    """A case as `in_turns` takes it; called a few times before, so that it is compiled."""
    for _ in range(_WARM_UP):
        case()

    def alerts_per_second() -> float:
        begin, done = clock(), 0
        while not done or clock() - begin < options.seconds:
            case()
            done += units
        return done / (clock() - begin)

    return alerts_per_second


def _row(name: str, r: Rate) -> dict[str, Any]:
    return {"stage": name, "alerts/s": r.median, "lowest": r.low, "highest": r.high, "ms/alert": 1e3 / r.median}


def _compare(loaded: Any, packets: Sequence[bytes], options: Options, found: dict[str, Rate]) -> dict[str, Any]:
    """The usual path in turns with ours, and whether both answer the same."""
    from benchmarks.alerts_reference import BATCH, ReferencePath

    reference = ReferencePath(loaded)
    stages = _Stages(loaded, packets, options.batch_size)
    cases = {f"usual path: {n}": _timed(c, len(packets), options) for n, c in reference.cases(packets).items()}
    cases["lcjax: bytes to probabilities"] = _timed(stages.whole, len(packets), options)
    rates = in_turns(cases, options.turns)
    print_table(
        f"the usual path (astropy, batches of {BATCH}), same alerts and weights", [_row(*x) for x in rates.items()]
    )
    whole, ours = rates["usual path: bytes to probabilities"].median, rates["lcjax: bytes to probabilities"].median
    names = loaded.experiment.inputs.class_names
    answers = np.array([[row[n] for n in names] for row in stages.whole()], np.float32)
    difference = float(np.abs(answers - reference.probabilities(packets)).max())
    stamps = found["gunzip and FITS, 3 stamps"].median / rates["usual path: astropy.io.fits, 3 stamps"].median
    print(
        f"end to end {ours / whole:.1f} times as fast, stamps {stamps:.1f} times; largest difference {difference:.1e}"
    )
    return {
        "reference": {n: dataclasses.asdict(r) for n, r in rates.items()},
        "times_as_fast": ours / whole,
        "stamps_times_as_fast": stamps,
        "largest_difference": difference,
    }


def _night(found: dict[str, Rate]) -> dict[str, Any]:
    """Cores, or accelerators with the cores that feed them, for a night's alerts."""
    rows = []
    reading = 1 / found["packet to alert (with the two above)"].median + 1 / found["stacks and columns"].median
    for title, seconds in (("10 hours", 36_000), ("10 minutes", 600)):
        needed = NIGHT / seconds
        rows.append({"10 million alerts in": title, "alerts/s": needed} | _needs(found, needed, reading))
    print_table("a Rubin night (median rates; processes of one consumer group share the partitions)", rows)
    return {row["10 million alerts in"]: row for row in rows}


def _needs(found: dict[str, Rate], needed: float, reading: float) -> dict[str, Any]:
    out: dict[str, Any] = {"cores, CPU only": math.ceil(needed / found["bytes to probabilities"].median)}
    for name, r in found.items():
        if name.startswith("network ("):
            prepare = found[name.replace("network", "preprocessing on the device")]
            on_device = 1 / r.median + 1 / prepare.median
            out |= {
                "accelerators": math.ceil(needed * on_device),
                "cores that read": math.ceil(needed * reading),
            }
    return out


def _plain(options: Options) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(options).items() if k != "alerts"}
