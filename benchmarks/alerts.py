"""Alerts a second from bytes to class probabilities, whole and by stage, here and by the usual path; what a night needs.

    python -m benchmarks alerts [--alerts FILES...] [--model W] [--stages network]

Stages run on one core of this machine, timed by the processor seconds they take (so that others on the machine disturb
little), and those of the device also on the accelerator if there is one, timed by the clock. The whole path also runs on all
cores, as `lcjax predict` does, timed by the clock: there the load of the machine counts. The usual path is re-created from the
published service (AJ 162, 231): fastavro per message, `astropy.io.fits` per stamp, numpy per alert,
coordinates by `astropy.coordinates`, the published graph in TensorFlow on batches of 50. Both paths answer the same alerts
with the same weights, and the answers are compared.

Without fastavro, or with `--stages network`, only what runs on the device is timed, on noise: neither TensorFlow nor any
package for packets is needed then. What is not installed leaves a dash.
"""

import concurrent.futures
import dataclasses
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from benchmarks.harness import Rate, in_turns, print_table, write_json

_WARM_UP = 2
_FOR_USUAL = ("fastavro", "astropy", "tensorflow")


@dataclasses.dataclass(frozen=True)
class Options:
    """Alerts a second, stage by stage."""

    alerts: tuple[Path, ...] = ()
    """ZTF packets (Avro files or folders); default: the real ones of `$LCJAX_DATA`, else made-up ones."""
    rubin: tuple[Path, ...] = ()
    """Rubin packets (Confluent-framed, schemas beside, or folders of them); default: those of `$LCJAX_DATA`, else none."""
    model: str | None = None
    """Workdir or weights folder of a classifier of ZTF stamps; default: the published network with random weights."""
    stages: Literal["all", "network"] = "all"
    """`network`: only what runs on the device, on noise."""
    count: int = 512
    """Alerts of a round; fewer packets are used again."""
    seconds: float = 3.0
    """Time of each case in each turn."""
    turns: int = 5
    pin: bool = True
    """Stages stay on one core."""
    batch_size: int | None = None
    """Alerts computed at once; default: 64 on a CPU, 1024 on an accelerator."""
    hosts: bool = True
    """Also time the hosts of `delight` (random weights)."""
    all_cores: bool = True
    """Also time the whole path on all cores."""
    reference: bool = True
    """Also time the usual path."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/alerts.json)."""


def main(argv: list[str]) -> int:
    """Times all cases in turns."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks alerts")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # two processes share the accelerator
    everyone = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if options.pin and everyone:  # before any library starts its threads
        os.sched_setaffinity(0, {max(everyone)})
    from benchmarks.alert_packets import can_read_avro

    packets = options.stages == "all" and can_read_avro()
    if options.stages == "all" and not packets:
        print("packets are left out: fastavro is not installed, so the network is timed on noise")
    rates, usual, more = _time(options, packets)
    if packets and options.all_cores:
        more["all_cores"] = _all_cores(options, everyone)
    record = _report(rates, usual, more)
    print(f"written: {write_json('alerts', {'settings': options, **record}, options.out)}")
    return 0


Rates = dict[str, dict[str, dict[str, Rate]]]
"""Device -> survey -> stage -> rate; the CPU is one core."""


def _time(options: Options, packets: bool) -> tuple[Rates, dict[str, Rate], dict[str, Any]]:
    """Rates of all stages and of the usual path's, and what else is to be told."""
    from benchmarks.alert_stages import NETWORK, PREPARE, WHOLE

    rates: Rates = {}
    usual: dict[str, Rate] = {}
    more: dict[str, Any] = {}
    import jax

    for device in _devices():
        on_cpu = device.platform == "cpu"
        with jax.default_device(device):
            cases, about = _cases(options, packets, options.batch_size or (64 if on_cpu else 1024))
            if not on_cpu:  # the rest is the host's and was timed before
                kept = (PREPARE, NETWORK, WHOLE, "hosts")
                cases = {key: case for key, case in cases.items() if key[1] in kept}
            clock = time.process_time if on_cpu else time.perf_counter
            timed = {key: _timed(case.call, case.units, options, clock) for key, case in cases.items()}
            if on_cpu and packets:
                more["alerts"] = about
                if options.reference and (reference := _reference(options)):
                    timed |= {("usual", n): _timed(*case, options, clock) for n, case in reference["cases"].items()}
                    more["largest_difference"] = reference["largest_difference"]
            for (survey, stage), rate in in_turns(timed, options.turns).items():
                if survey == "usual":
                    usual[stage] = rate
                else:
                    name = "one core" if on_cpu else device.device_kind
                    rates.setdefault(name, {}).setdefault(survey, {})[stage] = rate
    return rates, usual, more


def _devices() -> list[Any]:
    """The CPU, and the first accelerator if there is one."""
    import jax

    other = [d for d in jax.devices() if d.platform != "cpu"][:1]
    return [jax.devices("cpu")[0], *other]


def _cases(options: Options, packets: bool, size: int) -> tuple[dict[tuple[str, str], Any], list[str]]:
    """(survey, stage) -> case, and sentences about the packets."""
    from benchmarks import alert_packets, alert_stages

    models = {"ZTF": ztf_model(options.model), "Rubin": rubin_model()}
    if not packets:
        batches = {survey: [alert_packets.arrays(model.task, size)] for survey, model in models.items()}
        found = {s: alert_stages.network_cases(models[s], b, size) for s, b in batches.items()}
        return {(s, stage): case for s, stages in found.items() for stage, case in stages.items()}, []
    sources = [alert_packets.ztf_packets(options.alerts), alert_packets.rubin_packets(options.rubin)]
    cases, about, alerts = {}, [], []
    for source in [s for s in sources if s]:
        stages = alert_stages.Stages(models[source.survey], source.taken(options.count), size)
        cases |= {(source.survey, stage): case for stage, case in stages.cases().items()}
        about.append(source.about)
        alerts = alerts or stages.alerts
    for table in alert_packets.rubin_tables(options.rubin):
        cases["Rubin", f"Parquet to alert ({table.name})"] = alert_stages.table_case(table)
    if options.hosts and importlib.util.find_spec("sep"):
        cases["ZTF", "hosts"] = alert_stages.host_case(host_model(), alerts, options.batch_size)
    return cases, about


def ztf_model(name: str | None) -> Any:
    """A loaded classifier; without a name the published network with random weights."""
    from lcjax.models.stamp_classifier_config import StampModelConfig
    from lcjax.systems.loading import load
    from lcjax.systems.stamp_classifier.config import StampExperiment

    return load(name) if name else _random(StampExperiment(model=StampModelConfig(parity=True)))


def rubin_model() -> Any:
    """The multi-scale network on three scales of Rubin's stamps of 30 pixels (four scales need 63)."""
    from lcjax.systems import PRESETS

    experiment: Any = PRESETS["multiscale-stamps"]()
    inputs = dataclasses.replace(experiment.inputs, levels=3)
    return _random(dataclasses.replace(experiment, inputs=inputs), stamp_size=30)


def host_model() -> Any:
    """DELIGHT as published, random weights."""
    from lcjax.systems import PRESETS

    return _random(PRESETS["delight"]())


def _random(experiment: Any, stamp_size: int | None = None) -> Any:
    import jax

    from lcjax.inference.loaded import Loaded
    from lcjax.systems import build_task

    task = build_task(experiment)
    spec = dict(task.batch_spec)
    if stamp_size:
        rows, _, _, channels = spec["stamps"].shape
        spec["stamps"] = jax.ShapeDtypeStruct((rows, stamp_size, stamp_size, channels), spec["stamps"].dtype)
        task = dataclasses.replace(task, batch_spec=spec)
    batch = {k: np.zeros(v.shape, v.dtype) for k, v in spec.items()}
    return Loaded(experiment, task, jax.jit(task.init)(jax.random.key(0), batch), Path(experiment.system))


def _reference(options: Options) -> dict[str, Any] | None:
    """Cases of the usual path by our stages' names, and how far its answers are from ours; None: something is missing."""
    from benchmarks import alert_packets, alert_stages
    from benchmarks.alerts_reference import ReferencePath

    missing = [name for name in _FOR_USUAL if not importlib.util.find_spec(name)]
    if missing:
        print(f"the usual path is left out: {', '.join(missing)} not installed")
        return None
    loaded = ztf_model(options.model)
    packets = alert_packets.ztf_packets(options.alerts).taken(options.count)
    path = ReferencePath(loaded)
    stages = alert_stages.Stages(loaded, packets, options.batch_size or 64)
    names = loaded.experiment.inputs.class_names
    ours = np.array([[row[n] for n in names] for row in stages.whole()], np.float32)
    return {
        "cases": {name: (call, len(packets.messages)) for name, call in path.cases(packets.messages).items()},
        "largest_difference": float(np.abs(ours - path.probabilities(packets.messages)).max()),
    }


def _timed(case: Callable[[], Any], units: int, options: Options, clock: Callable[[], float]) -> Callable[[], float]:
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


def _all_cores(options: Options, cores: set[int]) -> dict[str, Any]:
    """Device -> rate of the whole path with all cores, in processes of their own."""
    import jax

    found = {}
    for platform in dict.fromkeys(["cpu", jax.default_backend()]):
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
            found[platform] = pool.submit(_whole_on, platform, options, cores).result()
    return found


def _whole_on(platform: str, options: Options, cores: set[int]) -> dict[str, float]:
    """Survey -> alerts a second of the whole path; runs in a process that has not started jax."""
    os.environ["JAX_PLATFORMS"] = "cpu" if platform == "cpu" else ""
    if cores:
        os.sched_setaffinity(0, cores)
    from benchmarks import alert_packets, alert_stages
    from data_pipelines.processes import Processes, usual_count

    size = options.batch_size or (64 if platform == "cpu" else 1024)
    found = {"decoders": usual_count()}
    sources = [alert_packets.ztf_packets(options.alerts), alert_packets.rubin_packets(options.rubin)]
    for source in [s for s in sources if s]:
        model = ztf_model(options.model) if source.survey == "ZTF" else rubin_model()
        stages = alert_stages.Stages(model, source.taken(max(options.count, 4 * size)), size)
        with Processes(usual_count()) as processes:
            call = _timed(lambda s=stages, p=processes: s.whole(p), len(stages.alerts), options, time.perf_counter)
            found[source.survey] = max(call() for _ in range(options.turns))
    return found


def _report(rates: Rates, usual: Mapping[str, Rate], more: dict[str, Any]) -> dict[str, Any]:
    """Prints the tables; returns what is to be written."""
    from benchmarks.alert_night import night
    from benchmarks.alert_stages import STAMPS, WHOLE
    from benchmarks.alerts_reference import BATCH

    for sentence in more.get("alerts", ()):
        print(sentence)
    for device, surveys in rates.items():
        for survey, stages in surveys.items():
            beside = usual if (device, survey) == ("one core", "ZTF") else {}
            rows = [_row(name, r, beside.get(name)) for name, r in stages.items()]
            print_table(f"{survey}, alerts a second, {device} (usual path: batches of {BATCH})", rows)
    if usual:
        ours = rates["one core"]["ZTF"]
        more["times_as_fast"] = ours[WHOLE].median / usual[WHOLE].median
        more["stamps_times_as_fast"] = ours[STAMPS].median / usual[STAMPS].median
        print(
            f"end to end {more['times_as_fast']:.1f} times as fast, stamps {more['stamps_times_as_fast']:.1f} times; "
            f"largest difference {more['largest_difference']:.1e}"
        )
    for platform, whole in more.get("all_cores", {}).items():
        rows = [{"survey": s, "bytes to probabilities, alerts/s": r} for s, r in whole.items() if s != "decoders"]
        print_table(f"all cores and {whole['decoders']} decoders, {platform}, best turn by the clock", rows)
    medians = {d: {s: {n: r.median for n, r in st.items()} for s, st in found.items()} for d, found in rates.items()}
    nights = night(medians["one core"], next((medians[d] for d in medians if d != "one core"), {}))
    print_table("nights (median rates; processes of one consumer group share the partitions)", nights)
    return {"stages": rates, "usual": usual, "nights": nights, **more}


def _row(name: str, r: Rate, usual: Rate | None) -> dict[str, Any]:
    rate = {"alerts/s": r.median, "lowest": r.low, "highest": r.high, "ms/alert": 1e3 / r.median}
    return {"stage": name, **rate, "usual path": usual.median if usual else None}
