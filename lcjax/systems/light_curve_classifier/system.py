"""The system: data as it takes them, settings that follow from data and encoder, weights to begin with, scores, answers."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcjax.errors import ConfigError
from lcjax.inference.output import BandOptions, StarOutputs
from lcjax.models.light_curve_head_config import MEAN_HEADS
from lcjax.systems.base import Answers, Data, Options, System, Work
from lcjax.systems.light_curve_classifier import presets
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment

if TYPE_CHECKING:
    from lcjax.configs import Experiment
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.systems.light_curve_classifier.subset import LabelledData, Subset
    from lcjax.training.task import Task
    from lcjax.typing import PyTree


def keeps_encoded(experiment: LightCurveClassifierExperiment) -> bool:
    """Whether a frozen encoder, which has no dropout then, sees every window once and never again.

    Heads that read one vector a layer are given those of all stars; heads that read every point, only those of a few stars.
    """
    classes = experiment.learns == "classes"
    fits = experiment.head.kind in MEAN_HEADS or experiment.samples_per_class is not None
    return classes and not experiment.raw and experiment.frozen and fits


def in_memory(experiment: LightCurveClassifierExperiment) -> bool:
    """Whether the windows of training are held in memory: a few stars, or one vector a layer for every window."""
    import jax

    if experiment.samples_per_class is None:
        return keeps_encoded(experiment) and jax.process_count() == 1
    if jax.process_count() > 1:
        raise ConfigError(
            "a few stars of every class are held in memory and learned from by one process, as several would only wait for each "
            "other: leave out --processes, or learn from all stars with --samples-per-class None"
        )
    return True


class LightCurveClassifierSystem(System):
    """Classes of light curves by a head on any encoder, or without one."""

    name = "light_curve_classifier"
    kind = "light_curves"
    experiment = LightCurveClassifierExperiment
    presets: Mapping[str, Any] = presets.PRESETS
    predict_options = {"classes": StarOutputs, "bands": BandOptions}  # noqa: RUF012
    embedding_options = {"classes": StarOutputs(embedding=True)}  # noqa: RUF012

    def build_task(self, experiment: LightCurveClassifierExperiment) -> "Task":
        """Encoder and head."""
        from lcjax.systems.light_curve_classifier.task import build_task

        return build_task(experiment)

    def for_predictions(self, experiment: LightCurveClassifierExperiment) -> LightCurveClassifierExperiment:
        """With the encoder as its own system wants it for predictions."""
        from lcjax.systems.encoder_origin import for_predictions

        return dataclasses.replace(experiment, origin=for_predictions(experiment.origin))

    def stand_in(self, experiment: LightCurveClassifierExperiment) -> "Experiment":
        """With two classes, and a small encoder where one must be named."""
        from lcjax.systems.light_curve_classifier.encoder import with_origin

        named = experiment.raw or experiment.architecture
        encoder = {} if named else {"architecture": "astromer2-small", "train_encoder": "all"}
        return self.run_as(with_origin(dataclasses.replace(experiment, class_names=("a", "b"), **encoder)))

    # --- data
    def source_settings(self, experiment: LightCurveClassifierExperiment, training: bool) -> dict[str, Any]:
        """Windows no longer than the encoder's; those held in memory are cut once.

        Raises:
          ConfigError: random windows of stars that are held in memory, or no such encoder.
        """
        from lcjax.systems.light_curve_classifier.encoder import capped, origin_of

        origin = experiment.origin if experiment.origin.system else origin_of(experiment)
        window = capped(experiment, origin).window
        if training and in_memory(experiment):
            if window.mode == "random":
                raise ConfigError(
                    "--window.mode random draws new windows every round, and those of a few stars, or under a frozen encoder, "
                    "are cut once: use sequential or published"
                )
            window = dataclasses.replace(window, evaluation_mode=window.mode, buckets=())
        return {"window": window}

    def matched(
        self,
        experiment: LightCurveClassifierExperiment,
        data: "LabelledData",
        training: bool,
        say: Callable[[str], None] = lambda text: None,
    ) -> Data:
        """The windows of the stars that are drawn, or all of them; labels by the classes of the model."""
        from lcjax.systems.light_curve_classifier import subset

        if not training:
            return data.relabelled(experiment.class_names)
        whole = experiment.samples_per_class is None
        if whole and experiment.learns == "reconstruction":
            return data
        first = data.split == "train"
        if whole and not in_memory(experiment):
            stars = subset.labelled_stars(data)
            names = subset.classes_of(experiment, stars)[0] if first else experiment.class_names
            return data.relabelled(names)
        drawn = (subset.draw_training if first else subset.draw_validation)(experiment, data)
        return self._windows(experiment, data, drawn)

    def _windows(self, experiment: LightCurveClassifierExperiment, data: "LabelledData", drawn: "Subset") -> Data:
        from lcjax.systems.light_curve_classifier.encoder import encoder_variables, origin_of, with_origin
        from lcjax.systems.light_curve_classifier.task import frozen_encoder
        from lcjax.systems.light_curve_classifier.windows import DrawnWindows

        ready, encode = with_origin(experiment, origin_of(experiment)), None
        if keeps_encoded(experiment):
            encode = frozen_encoder(ready, encoder_variables(experiment))
        window, training = ready.window, experiment.training
        settings = dataclasses.asdict(window)
        return DrawnWindows(data, drawn, window.length, training.batch_size, training.seed, encode, settings)

    def adapt(self, experiment: LightCurveClassifierExperiment, data: "LabelledData") -> LightCurveClassifierExperiment:
        """Sets the classes, the encoder's settings and hash, and the length of windows.

        Raises:
          ConfigError: there are fewer than two classes, or no such encoder.
        """
        from lcjax.systems.light_curve_classifier.encoder import with_origin
        from lcjax.systems.light_curve_classifier.subset import classes_of, labelled_stars

        names: tuple[str, ...] = ()
        if experiment.samples_per_class is not None or in_memory(experiment):
            names = tuple(data.class_names)
        elif experiment.learns == "classes":
            names = classes_of(experiment, labelled_stars(data))[0]
        return dataclasses.replace(with_origin(experiment), class_names=names)

    def notes(self, experiment: LightCurveClassifierExperiment, data: Data) -> list[str]:
        """How many stars of which classes are learned from, which classes are left out, and that windows could be longer."""
        from lcjax.systems.light_curve_classifier.encoder import encoder_experiment, other_stars
        from lcjax.systems.light_curve_classifier.windows import DrawnWindows

        longest = (
            0 if experiment.raw or not experiment.origin.system else encoder_experiment(experiment.origin).window.length
        )
        length = experiment.window.length
        longer = f"windows of {length} points, and this encoder knows {longest}: --window.length {longest} shows it more at once"
        windows = [longer] if length < longest else []
        if not isinstance(data, DrawnWindows):
            return windows
        drawn = data.subset
        counts = {name: len(ids) for name, ids in drawn.ids().items()}
        said = [
            f"learning from {data.n_objects:,} stars: " + ", ".join(f"{n} {c}" for c, n in counts.items()),
            *windows,
        ]
        if drawn.left_out:
            few = ", ".join(f"{name} ({count})" for name, count in drawn.left_out.items())
            said.append(f"classes left out for having fewer than {experiment.samples_per_class} training stars: {few}")
        if drawn.stars.contradictory:
            said.append(f"stars left out because their records have different classes: {drawn.stars.contradictory:,}")
        return [*said, *other_stars(experiment, drawn)]

    def can_score(self, data: Data) -> bool:
        """Whether any window has a label."""
        return bool((data.labels >= 0).any())

    # --- training
    def initial_variables(
        self, experiment: LightCurveClassifierExperiment, given: "Loaded | None" = None
    ) -> "PyTree | None":
        """The weights of the encoder, or of a whole classifier to go on from; a frozen encoder is always the one given."""
        from lcjax.systems.light_curve_classifier.encoder import encoder_variables, joined, parted

        whole, variables = super().initial_variables(experiment, given), encoder_variables(experiment)
        if experiment.learns == "reconstruction" or variables is None:
            return variables if whole is None else whole
        if whole is None or not experiment.frozen:
            return joined(variables, None) if whole is None else whole
        return joined(variables, parted(whole)[1])

    def run_as(self, experiment: LightCurveClassifierExperiment) -> "Experiment":
        """Reconstruction is the encoder's own pretraining, so that the workdir is one of its system."""
        from lcjax.systems.encoder_origin import encoder_experiment

        if experiment.learns == "classes":
            return experiment
        inner = encoder_experiment(experiment.origin)
        start = experiment.training.initial_weights or experiment.encoder or None
        training = dataclasses.replace(experiment.training, initial_weights=start)
        window = dataclasses.replace(inner.window, mode=experiment.window.mode)
        return dataclasses.replace(inner, optimizer=experiment.optimizer, training=training, window=window)

    # --- judged and asked
    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Accuracy, macro F1 and recalls of whole stars, and of single windows as published."""
        from lcjax.systems.light_curve_classifier.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder))

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """The bands of a star together, where they are pooled."""
        from lcjax.inference.bands import bands_wanted

        return bands_wanted(options)

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Class probabilities of light curves."""
        from lcjax.inference.curve_classes import ClassAnswers

        output: StarOutputs = work.options.get("classes") or StarOutputs()
        bands: BandOptions = work.options.get("bands") or BandOptions()
        experiment: Any = loaded.experiment
        more = output.embedding, work.batch_size, bands.pool
        return ClassAnswers(loaded, experiment.class_names, experiment.pooling, *more)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores, probabilities, other draws; of an encoder that went on learning, the head."""
        if preset == "few-shot-reconstruction":
            return f"""
lcjax train few-shot --encoder {model} --data D --workdir C   # a head on it; the same --samples-per-class, --classes, --seed"""
        preset = preset or "few-shot"
        own = self.presets[preset]() if preset in self.presets else None
        encoder = "" if own and (own.raw or own.architecture) else " --encoder E"
        return f"""
lcjax evaluate {model} --data D                        # scores on other prepared data
lcjax predict {model} STARS.parquet --out F.parquet    # class probabilities of your stars
lcjax train {preset}{encoder} --data D --subset.fold 1 --workdir W2   # other labelled stars
lcjax presets                                          # published configurations"""
