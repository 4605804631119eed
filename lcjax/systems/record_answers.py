"""Records in, rows of outputs out: how a system answers that needs no rule of its own."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.inference.predictor import Row as InputRow
from lcjax.systems.base import Row

_MADE = {"mask": lambda length, width: np.arange(width) < length, "length": lambda length, width: np.int32(length)}
"""Entries of a batch that no record holds: they follow from the length of its first series."""


class RecordAnswers:
    """One row a record, in the order given: `object_id`, `band` where bands differ, and what the task predicts."""

    constant_columns = ("band",)

    def __init__(self, loaded: Loaded, unit: str, batch_size: int | None = None) -> None:
        """Compiles nothing yet.

        Args:
          loaded: its `task.batch_spec` says what is taken of a record. unit: plural name of records, for messages.
          batch_size: records of every compiled batch; None: 64 on a CPU, 1024 on an accelerator.
        """
        self.unit, self._spec = unit, loaded.task.batch_spec
        self._predictor: Predictor[Mapping[str, Any]] = Predictor(
            loaded.task.predict, loaded.variables, usual_batch_size(batch_size, 64, 1024, unit)
        )
        outputs = jax.eval_shape(loaded.task.predict, loaded.variables, loaded.task.batch_spec)
        self._ranks = {name: len(value.shape) for name, value in outputs.items()}
        columns = [(name, pa.float32() if rank == 1 else pa.list_(pa.float32())) for name, rank in self._ranks.items()]
        self.schema = pa.schema([("object_id", pa.string()), ("band", pa.string()), *columns])

    def answer(self, items: Iterable[Mapping[str, Any] | Rejection]) -> Iterator[Row | Rejection]:
        """Rows by `schema`; rejections are passed on, records that the model cannot take are set aside."""
        for found in self._predictor.answer(map(self._asked, items)):
            if isinstance(found, Rejection):
                yield found
            elif found.refused:
                yield Rejection(found.item["object_id"], str(found.refused), "")
            else:
                values = found.outputs[0]
                shown = {n: float(values[n]) if rank == 1 else values[n].ravel() for n, rank in self._ranks.items()}
                yield {"object_id": found.item["object_id"], "band": found.item["band"], **shown}

    def _asked(self, item: Mapping[str, Any] | Rejection) -> tuple[Mapping[str, Any], list[InputRow]] | Rejection:
        if isinstance(item, Rejection):
            return item
        row: InputRow = {}
        for name, spec in self._spec.items():
            if name not in item and name not in _MADE:
                return Rejection(item["object_id"], f"missing value: {name}", "")
            if name in _MADE:
                width = spec.shape[1] if len(spec.shape) > 1 else 0
                row[name] = np.asarray(_MADE[name](item["length"], width))
                continue
            value = np.asarray(item[name], spec.dtype)
            short = [wanted - has for wanted, has in zip(spec.shape[1:], value.shape, strict=False)]
            if value.ndim != len(spec.shape) - 1 or min(short, default=0) < 0:
                return Rejection(
                    item["object_id"], f"unfit shape: {name} is {value.shape}, the model takes {spec.shape[1:]}", ""
                )
            row[name] = np.pad(value, [(0, n) for n in short]) if short else value
        return item, [row]
