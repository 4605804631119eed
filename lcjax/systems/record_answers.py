"""Records in, rows of outputs out: what all systems share that answer so, and how one answers that needs no rule of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.answers import Row
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.inference.predictor import Row as InputRow

_MADE = {"mask": lambda length, width: np.arange(width) < length, "length": lambda length, width: np.int32(length)}
"""Entries of a batch that no record holds: they follow from the length of its first series."""


class AnswersByRecord(ABC):
    """One row a record, in the order given; a room says what is asked of a record and what is made of the outputs."""

    unit: str
    schema: pa.Schema
    constant_columns: tuple[str, ...] = ()
    predictor: Predictor[Mapping[str, Any]]

    def answer(self, items: Iterable[Mapping[str, Any] | Rejection]) -> Iterator[Row | Rejection]:
        """Rows by `schema`; rejections are passed on, records that the model cannot take are set aside."""
        for found in self.predictor.answer(map(self._asked, items)):
            if isinstance(found, Rejection):
                yield found
            elif found.refused:
                yield Rejection(found.item["object_id"], str(found.refused), "")
            else:
                yield self.row(found.item, found.outputs[0])

    def _asked(self, item: Mapping[str, Any] | Rejection) -> tuple[Mapping[str, Any], list[InputRow]] | Rejection:
        if isinstance(item, Rejection):
            return item
        asked = self.input_row(item)
        return asked if isinstance(asked, Rejection) else (item, [asked])

    @abstractmethod
    def input_row(self, record: Mapping[str, Any]) -> InputRow | Rejection:
        """A record as a row of the model's batch, or why there is none."""

    @abstractmethod
    def row(self, record: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> Row | Rejection:
        """What is said of a record."""


class RecordAnswers(AnswersByRecord):
    """One row a record: `object_id`, `band` where bands differ, and what the task predicts."""

    constant_columns = ("band",)

    def __init__(self, loaded: Loaded, unit: str, batch_size: int | None = None) -> None:
        """Compiles nothing yet.

        Args:
          loaded: its `task.batch_spec` says what is taken of a record. unit: plural name of records, for messages.
          batch_size: records of every compiled batch; None: 64 on a CPU, 1024 on an accelerator.
        """
        self.unit, self._spec = unit, loaded.task.batch_spec
        self.predictor = Predictor(loaded.task.predict, loaded.variables, usual_batch_size(batch_size, 64, 1024, unit))
        outputs = jax.eval_shape(loaded.task.predict, loaded.variables, loaded.task.batch_spec)
        self._ranks = {name: len(value.shape) for name, value in outputs.items()}
        columns = [(name, pa.float32() if rank == 1 else pa.list_(pa.float32())) for name, rank in self._ranks.items()]
        self.schema = pa.schema([("object_id", pa.string()), ("band", pa.string()), *columns])

    def row(self, record: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> Row | Rejection:
        """Every output: numbers as numbers, arrays flat."""
        shown = {n: float(outputs[n]) if rank == 1 else outputs[n].ravel() for n, rank in self._ranks.items()}
        return {"object_id": record["object_id"], "band": record["band"], **shown}

    def input_row(self, record: Mapping[str, Any]) -> InputRow | Rejection:
        """What the model's `batch_spec` names, padded to its shapes."""
        row: InputRow = {}
        for name, spec in self._spec.items():
            if name not in record and name not in _MADE:
                return Rejection(record["object_id"], f"missing value: {name}", "")
            if name in _MADE:
                width = spec.shape[1] if len(spec.shape) > 1 else 0
                row[name] = np.asarray(_MADE[name](record["length"], width))
                continue
            value = np.asarray(record[name], spec.dtype)
            short = [wanted - has for wanted, has in zip(spec.shape[1:], value.shape, strict=False)]
            if value.ndim != len(spec.shape) - 1 or min(short, default=0) < 0:
                return Rejection(
                    record["object_id"], f"unfit shape: {name} is {value.shape}, the model takes {spec.shape[1:]}", ""
                )
            row[name] = np.pad(value, [(0, n) for n in short]) if short else value
        return row
