"""The stages of an alert's way from bytes to an answer, each as a call that can be timed on its own."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.alert_packets import Packets
from data_pipelines.kinds.alerts.entries import StampEntries
from data_pipelines.kinds.host_fields.reading import field_of
from data_pipelines.kinds.host_fields.stack import examine_field
from data_pipelines.processes import Processes
from data_pipelines.sources.alerts import STAMP_NAMES, SchemaSet, StampRules, cut_alerts, decode_packet
from data_pipelines.sources.alerts.avro_container import decode_record, read_containers
from data_pipelines.sources.alerts.cutting import Packets as Piece
from data_pipelines.sources.alerts.cutting import outcomes_of
from data_pipelines.sources.alerts.decoders import Decoders
from data_pipelines.sources.alerts.fits_stamp import decode_stamp
from data_pipelines.sources.alerts.packets import CUTOUTS, HISTORY_FIELDS, as_cutout

AVRO, STAMPS, DECODE, COLUMNS = "Avro, history left out", "FITS, 3 stamps", "packet to alert (both)", "stacks, columns"
PREPARE, NETWORK, WHOLE = "preprocessing on the device", "network", "bytes to probabilities"
RULES = StampRules(need=STAMP_NAMES, size="any", history=False)
HOSTS = 4
"""Fields of a round: a host takes as long as hundreds of classes."""


@dataclass(frozen=True)
class Case:
    """Something to time."""

    call: Callable[[], Any]
    units: int
    """Alerts of a call."""


def network_cases(loaded: Any, batches: Sequence[Mapping[str, np.ndarray]], size: int) -> dict[str, Case]:
    """What runs on the device, on full batches of `size` rows."""
    import jax

    from lcjax.inference.chunks import map_in_chunks

    wait = jax.block_until_ready
    full = [{k: np.resize(v, (size, *v.shape[1:])) for k, v in batch.items()} for batch in batches]
    prepare = jax.jit(loaded.task.extras["prepare"])
    prepared = [wait(prepare(batch)) for batch in full]
    variables = jax.device_put(loaded.variables)
    model = _for_predictions(loaded).model
    network = jax.jit(lambda v, ready: map_in_chunks(lambda part: model.apply(v, part)["logits"], ready))
    units = size * len(full)
    return {
        PREPARE: Case(lambda: [wait(prepare(batch)) for batch in full], units),
        NETWORK: Case(lambda: [wait(network(variables, ready)) for ready in prepared], units),
    }


def _for_predictions(loaded: Any) -> Any:
    """The model as it answers on a CPU: with the cheaper convolutions where it has them."""
    import jax

    from lcjax.systems import build_task
    from lcjax.systems.stamp_classifier.config import StampExperiment

    experiment = loaded.experiment
    if jax.default_backend() != "cpu" or not isinstance(experiment, StampExperiment):
        return loaded
    model = replace(experiment.model, convolution="winograd")
    return loaded.replace(task=build_task(replace(experiment, model=model)))


class Stages:
    """All stages of a classifier on packets; each case handles all packets once."""

    def __init__(self, loaded: Any, packets: Packets, batch_size: int) -> None:
        """Decodes everything once."""
        from lcjax.systems.classifier.prediction import RULE_COLUMNS, StampAnswers

        self.loaded, self.packets, self.size = loaded, packets, batch_size
        self.answers = StampAnswers.of(_for_predictions(loaded), batch_size=batch_size)
        metadata = self.answers.metadata_names
        self.entries = StampEntries(metadata, (*metadata, *RULE_COLUMNS))
        self.alerts = [self._decoded(message) for message in packets.messages]
        self.cutouts = [self._cutouts(message) for message in packets.messages]

    def cases(self) -> dict[str, Case]:
        """Name -> case; those on the device are compiled, the others are Python."""
        units = len(self.packets.messages)
        calls = {
            AVRO: lambda: [self._record(message) for message in self.packets.messages],
            STAMPS: lambda: [[decode_stamp(data) for data in cutouts] for cutouts in self.cutouts],
            DECODE: lambda: [self._decoded(message) for message in self.packets.messages],
            COLUMNS: self.batches,
        }
        return {
            **{name: Case(call, units) for name, call in calls.items()},
            **network_cases(self.loaded, self.batches(), self.size),
            WHOLE: Case(self.whole, units),
        }

    def batches(self) -> list[dict[str, np.ndarray]]:
        """What goes to the device."""
        rows = [self.answers.row(self.entries(alert)) for alert in self.alerts]
        groups = [rows[i : i + self.size] for i in range(0, len(rows), self.size)]
        return [{name: np.stack([row[name] for row in group]) for name in group[0]} for group in groups]

    def whole(self, processes: Processes | None = None) -> list[Any]:
        """Rows of the output table, of packets decoded here or in `processes`."""
        decoders = Decoders(processes or Processes(0), RULES, self.packets.schemas, self.entries)
        pieces = (Piece(message, str(n)) for n, message in enumerate(self.packets.messages))
        return list(self.answers.answer(decoders.map(pieces)))

    def _decoded(self, message: bytes) -> Any:
        return decode_packet(message, self.packets.schemas, rules=RULES)

    def _record(self, message: bytes) -> dict[str, Any]:
        if message[0]:
            return next(iter(read_containers(io.BytesIO(message), HISTORY_FIELDS)))
        schema = self.packets.schemas.schema(int.from_bytes(message[1:5], "big"))
        return decode_record(io.BytesIO(message[5:]), schema, HISTORY_FIELDS)

    def _cutouts(self, message: bytes) -> list[bytes]:
        record = self._record(message)
        return [as_cutout(record[field]) for field in CUTOUTS.values()]


def table_case(path: Path) -> Case:
    """A broker's Parquet table to alerts."""
    decode = lambda: list(outcomes_of(cut_alerts(path, RULES), RULES, SchemaSet()))
    return Case(decode, len(decode()))


def host_case(loaded: Any, alerts: Sequence[Any], batch_size: int | None) -> Case:
    """Stamps to hosts: sources found, the stamp brought to the network's grid, network, answer."""
    from lcjax.systems.delight.prediction import HostAnswers
    from lcjax.systems.delight.predictor import HostPredictor

    answers = HostAnswers(HostPredictor.of(loaded, examine_field, batch_size=batch_size))
    few = [field_of(alert, alert.stamps["template"]) for alert in (alerts[i % len(alerts)] for i in range(HOSTS))]
    return Case(lambda: list(answers.answer(few)), len(few))
