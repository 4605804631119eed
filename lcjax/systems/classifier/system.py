"""What the systems share that classify stamps of alerts: data in the model's classes, scores, answers."""

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lcjax.errors import ConfigError
from lcjax.systems.base import Answers, Data, Options, System, Work
from lcjax.systems.classifier.config import ClassifierExperiment, StampInputs
from lcjax.systems.classifier.service_rules import ServiceRules
from lcjax.systems.classifier.stamp_data import StampData
from lcjax.systems.classifier.surveys import UNKNOWN, surveys_given_away

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded


class StampSystem(System):
    """A classifier of stamps; its experiment has `inputs` (`StampInputs`), `objective` and `health`."""

    kind = "alerts"
    predict_options = {"rules": ServiceRules}  # noqa: RUF012

    @abstractmethod
    def fitted(self, experiment: ClassifierExperiment, inputs: StampInputs, data: StampData) -> StampInputs:
        """The inputs with what they must know of the training alerts: columns, means and spreads."""

    def settings_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """With the surveys, where they were not noted yet."""
        settings = record["experiment"]
        if "surveys" in settings.get("inputs", {}):
            return settings
        return {**settings, "inputs": {**settings.get("inputs", {}), "surveys": list(surveys_given_away(record))}}

    # --- data
    def source_settings(self, experiment: ClassifierExperiment, training: bool) -> dict[str, Any]:
        """The columns that the features are made from, and the balance of classes in training."""
        from lcjax.transforms.stamp_features import columns_of

        inputs = experiment.inputs
        columns = tuple(sorted(columns_of(inputs.used_features)))
        balance = inputs.balance if training and inputs.balance != "none" else None
        return {"metadata_names": columns, "balance": balance}

    def matched(
        self,
        experiment: ClassifierExperiment,
        data: StampData,
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> StampData:
        """Labels numbered as the model's classes; in evaluation, classes that it does not have count as unlabelled."""
        inputs = experiment.inputs
        return data.relabelled(self._classes(inputs, data) if training else tuple(inputs.class_names))

    def _classes(self, inputs: StampInputs, data: Data) -> tuple[str, ...]:
        """The preset's classes where they hold all classes of the data, else those of the data."""
        known = {name.lower() for name in inputs.class_names}
        fits = {name.lower() for name in data.class_names} <= known
        return tuple(inputs.class_names if fits else data.class_names)

    def adapt(self, experiment: ClassifierExperiment, data: StampData) -> ClassifierExperiment:
        """Sets the classes, the surveys, the order of the metadata columns and what else follows from the training alerts.

        Raises:
          ConfigError: the data has no classes.
        """
        if not len(data.class_names):
            raise ConfigError("this data has no labels: prepare it with  lcjax data prepare ... --labels  first")
        names = self._classes(experiment.inputs, data)
        inputs = dataclasses.replace(experiment.inputs, class_names=names, surveys=tuple(data.surveys))
        return dataclasses.replace(experiment, inputs=self.fitted(experiment, inputs, data))  # type: ignore[call-arg]

    def on_data(self, loaded: "Loaded", data: StampData) -> "Loaded":
        """The model reading this data's columns."""
        inputs = dataclasses.replace(loaded.experiment.inputs, metadata_names=tuple(data.metadata_names))  # type: ignore[attr-defined]
        experiment = dataclasses.replace(loaded.experiment, inputs=inputs)  # type: ignore[call-arg]
        return loaded.replace(experiment=experiment, task=self.build_task(experiment))

    def can_score(self, data: Data) -> bool:
        """Whether any alert has a label."""
        return bool((data.labels >= 0).any())

    # --- judged and asked
    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Accuracy, macro F1 and recalls, with and without image, metadata, sky position and history."""
        from lcjax.systems.classifier.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder))

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """Metadata of the network, what the service's rules look at, and the surveys the network knows.

        Raises:
          ConfigError: these are not known, and the user does not say that any will do.
        """
        from lcjax.systems.classifier.prediction import RULE_COLUMNS

        inputs, alerts = loaded.experiment.inputs, options.get("alerts")  # type: ignore[attr-defined]
        if UNKNOWN in inputs.surveys and not (alerts and alerts.any_survey):
            raise ConfigError(
                f"'{loaded.folder}' was trained before its settings said whose alerts it learned from, and they do not give it away: "
                "say --alerts.any-survey if these are such alerts, or train again"
            )
        return {"metadata": inputs.metadata_names, "columns": RULE_COLUMNS, "surveys": inputs.surveys}

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Class probabilities of alerts."""
        from lcjax.systems.classifier.prediction import StampAnswers

        return StampAnswers.of(loaded, work.options.get("rules"), work.batch_size)
