"""What a system offers. A room of `lcjax.systems` has its systems as `SYSTEMS`; others come by the entry points `lcjax.systems`.

A system says what it learns from (a kind of data, by name), how it is trained (`Task`), how it is judged (`Scores`), what it
answers (rows of a table) and whose published weights it takes. It sees arrays: `data_pipelines` is joined to it only by the
command line.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from lcjax.configs import Experiment
from lcjax.errors import ConfigError
from lcjax.inference.answers import Answers, ParallelMap
from lcjax.inference.answers import Row as Row  # for the rooms, beside what they fill in
from lcjax.systems.published_weights import Published, WeightsImporter

if TYPE_CHECKING:
    import numpy as np

    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.training.task import Task
    from lcjax.typing import PyTree

Options = Mapping[str, Any]
"""Name of an option group -> its dataclass, filled in by the user."""


class Data(Protocol):
    """One split of prepared data, as a system sees it: a source of batches that knows its classes."""

    fingerprint: str
    class_names: tuple[str, ...]
    n_objects: int

    @property
    def labels(self) -> "np.ndarray":
        """(R,) int32, class of every record, -1 unknown."""

    def describe(self) -> dict[str, Any]:
        """What `config.json` says about the data: counts and classes."""

    def train_batches(
        self, epoch: int = 0, batch: int = 0
    ) -> Iterator[tuple[tuple[int, int], dict[str, "np.ndarray"]]]:
        """As `lcjax.training.source.Source`."""

    def evaluation_batches(self) -> Iterator[dict[str, "np.ndarray"]]:
        """As `lcjax.training.source.Source`."""


@dataclass(frozen=True)
class Work:
    """How a model is put to work."""

    options: Options
    """The user's, by the names of `System.predict_options` and of its kind of data."""
    tools: Mapping[str, Callable[..., Any]]
    """What the kind of data does on the host (`Kind.tools`)."""
    parallel_map: ParallelMap = map
    """Applies a function to items, in order, perhaps in several processes."""
    batch_size: int | None = None
    """Items of every compiled batch; None: by device."""


@dataclass(frozen=True)
class Simulated:
    """A dataset that is simulated where a run is given no data."""

    builder: str
    """Of `lcjax data prepare`."""
    n_objects: int
    options: Mapping[str, Mapping[str, Any]]
    """Option group -> what is set in it."""


class System(ABC):
    """One trainable system."""

    name: str
    """As `config.json` calls it."""
    kind: str
    """Kind of data it learns from and answers."""
    experiment: type[Experiment]
    """Its settings."""
    presets: Mapping[str, Callable[[], Experiment]]
    """Name -> function that returns settings; the docstring holds paper, command and expected score."""
    predict_options: ClassVar[Mapping[str, type]] = {}
    """Option group of `lcjax predict` -> dataclass, besides those of its kind."""
    embedding_options: ClassVar[Options] = {}
    """Groups of `predict_options`, filled in, under which answers have a column `embedding`, where they do not always have it."""
    evaluate_options: ClassVar[Mapping[str, type]] = {}
    """Option group of `lcjax evaluate` -> dataclass."""

    @abstractmethod
    def build_task(self, experiment: Experiment) -> "Task":
        """The Task of an experiment.

        Raises:
          ConfigError: settings that do not fit each other.
        """

    def settings_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The settings in the content of a `config.json`; what those of earlier versions lacked is added where it is known."""
        return record["experiment"]

    def for_predictions(self, experiment: Experiment) -> Experiment:
        """The settings under which answers are computed: float32, on any device."""
        return experiment

    def stand_in(self, experiment: Experiment) -> Experiment:
        """The settings with stand-ins for what a run takes from its data and options: enough to build a task and trace it."""
        return experiment

    # --- data
    def source_settings(self, experiment: Experiment, training: bool) -> dict[str, Any]:
        """What the kind of data must know to open a split for this system: windows, columns, balance."""
        return {}

    def matched(
        self, experiment: Experiment, data: Data, training: bool, say: Callable[[str], None] = lambda text: None
    ) -> Data:
        """The data in this system's terms, such as classes numbered as the model has them.

        Args:
          say: told what is set aside and what takes long, then or when the data is read.
        """
        return data

    def adapt(self, experiment: Experiment, data: Data) -> Experiment:
        """The settings that follow from the training data.

        Raises:
          ConfigError: the data does not fit.
        """
        return experiment

    def on_data(self, loaded: "Loaded", data: Data) -> "Loaded":
        """A trained model reading this data's columns.

        Raises:
          ConfigError: the data does not fit.
        """
        return loaded

    def notes(self, experiment: Experiment, data: Data) -> list[str]:
        """Sentences about the training data as this system takes it, said before training."""
        return []

    def can_score(self, data: Data) -> bool:
        """Whether a split holds anything to score."""
        return True

    # --- training
    def initial_variables(self, experiment: Experiment, given: "Loaded | None" = None) -> "PyTree | None":
        """Weights that a run begins with, all or some of the model's; None: random ones.

        Args:
          given: the model that `--training.initial-weights` names.

        Raises:
          ConfigError: they tell the same classes apart, numbered otherwise, so that each output would begin as another class.
        """
        if given is None:
            return None
        theirs = given.task.meaning.get("class_names", [])
        own = self.build_task(experiment).meaning.get("class_names", []) if theirs else []
        if list(theirs) != list(own) and sorted(theirs) == sorted(own):
            raise ConfigError(
                f"the weights of --training.initial-weights '{experiment.training.initial_weights}' have the classes {', '.join(theirs)} in this order, and this run has "
                f"{', '.join(own)}: name the classes in the order of the weights, or begin with other weights"
            )
        return given.variables

    def simulated(self, experiment: Experiment) -> tuple[Experiment, "Mapping[str, Simulated]"]:
        """What a run without data learns from: its settings, and datasets by name; none: it needs data."""
        return experiment, {}

    def starting_variables(
        self,
        experiment: Experiment,
        data: Data,
        given: "Loaded | None" = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> "PyTree | None":
        """What a new run begins with, where it depends on the training data too; not asked for where a run goes on.

        Args:
          given: as for `initial_variables`. say: told what takes long.
        """
        del say
        del data
        return self.initial_variables(experiment, given)

    def run_as(self, experiment: Experiment) -> Experiment:
        """The experiment that is run: another system's where this one only prepares a run of that."""
        return experiment

    # --- judged and asked
    @abstractmethod
    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Scores on held-out objects.

        Args:
          options: by the names of `evaluate_options`.
        """

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """What the model takes of every item, in its kind's words."""
        return {}

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """The model at work on items of its kind; by default records in, outputs out."""
        from lcjax.systems.record_answers import RecordAnswers

        return RecordAnswers(loaded, self.kind.replace("_", " "), work.batch_size)

    # --- published weights
    def importers(self) -> Mapping[str, WeightsImporter]:
        """Family of published weights, as `lcjax weights import` calls it -> its importer."""
        return {}

    def published(self) -> Iterable[Published]:
        """Published weights that can be fetched by name."""
        return ()

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Shell commands to try after training or evaluating a model, one a line."""
        return f"""
lcjax evaluate {model} --data D
lcjax predict {model} FILES... --out F.parquet
lcjax export {model} OUT"""
