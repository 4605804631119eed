"""Splits of prepared data, opened as a system wants them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import jax

from lcjax.configs import Experiment
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Data
from lcjax.systems.training import Opened


class Source(Data, Protocol):
    """A split that has something to say."""

    def remarks(self) -> Iterable[str]:
        """What the user should know of the data."""


class DataKind(Protocol):
    """A kind of data, such as `data_pipelines.kinds.Kind`."""

    @property
    def evaluation_rows(self) -> int:
        """Of a batch that is scored."""

    def open_source(self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any) -> Source:
        """One split of prepared datasets."""


def held_out_data(
    loaded: Loaded,
    kind: DataKind,
    data: Sequence[Path],
    split: str,
    say: Callable[[str], None],
    reader: str = "auto",
) -> tuple[Loaded, Data]:
    """The model reading this data, and one split of it in the model's terms.

    Args:
      kind: of the data. say: told what the data has to say. reader: of records.

    Raises:
      DataError: no such data. ConfigError: data that the model cannot take.
    """
    system = find_system(loaded.experiment.system)
    settings = system.source_settings(loaded.experiment, training=False)
    source = kind.open_source(data, split, kind.evaluation_rows, reader=reader, **settings)
    _say(source, say)
    loaded = system.on_data(loaded, source)
    return loaded, system.matched(loaded.experiment, source, training=False, say=say)


def training_splits(
    kind: DataKind,
    data: Sequence[Path],
    say: Callable[[str], None],
    settings: Mapping[str, Any],
    of_split: Mapping[str, Mapping[str, Any]],
    say_of_all: bool = False,
) -> Opened:
    """Opens splits to train on, the part of this process of several.

    Args:
      say: told what the training split has to say; of every split with `say_of_all`.
      settings: of the kind's sources. of_split: those of one split alone.
    """

    def opened(split: str, experiment: Experiment) -> Data:
        training, wanted = split == "train", experiment.training
        system = find_system(experiment.system)
        source = kind.open_source(
            data,
            split,
            wanted.batch_size,
            seed=wanted.seed,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            **settings,
            **of_split.get(split, {}),
            **system.source_settings(experiment, training),
        )
        if training or say_of_all:
            _say(source, say)
        return source

    return opened


def _say(source: Source, say: Callable[[str], None]) -> None:
    for text in source.remarks():
        say(text)
