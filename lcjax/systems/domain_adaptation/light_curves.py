"""Adaptation between surveys of light curves: data, settings that follow from data and encoder, scores of stars, answers."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcjax.errors import ConfigError
from lcjax.inference.output import BandOptions, StarOutputs
from lcjax.systems.base import Answers, Data, Options, Simulated, Work
from lcjax.systems.domain_adaptation import curve_presets
from lcjax.systems.domain_adaptation.config import (
    CurveAdaptationExperiment,
    start_notes,
    streams_of,
    trunk_note,
    with_trunk_factor,
)
from lcjax.systems.domain_pairs.config import PairInputsConfig
from lcjax.systems.domain_pairs.system import PairData, PairSystem
from lcjax.systems.encoder_origin import OriginConfig, encoder_task, for_predictions, preset_origin, trained_origin

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores
    from lcjax.inference.loaded import Loaded
    from lcjax.training.task import Task
    from lcjax.typing import PyTree

_SURVEYS, _STARS = ("asas3", "crts_sss"), 800
_CLASSES = ("RRab=1", "RRc=1", "EW=1", "EA=1")
_SMALL = "astromer2-small"


class LightCurveAdaptationSystem(PairSystem):
    """Methods of real/bogus adaptation on light curves, with an encoder as the base network."""

    name = "light_curve_adaptation"
    kind = "light_curves"
    experiment = CurveAdaptationExperiment
    presets = {  # noqa: RUF012
        "light-curve-base": curve_presets.light_curve_base,
        "light-curve-ent": curve_presets.light_curve_ent,
        "light-curve-fine-tuning": curve_presets.light_curve_fine_tuning,
        "light-curve-mme": curve_presets.light_curve_mme,
        "light-curve-s-plus-t": curve_presets.light_curve_s_plus_t,
    }
    predict_options = {"classes": StarOutputs, "bands": BandOptions}  # noqa: RUF012
    embedding_options = {"classes": StarOutputs(embedding=True)}  # noqa: RUF012

    def streams(self, experiment: CurveAdaptationExperiment) -> tuple[str, ...]:
        """Those of the method; without shots the target is unlabelled alone, where the method can learn so."""
        return streams_of(experiment)

    def build_task(self, experiment: CurveAdaptationExperiment) -> "Task":
        """Encoder, dense layers, cosine classifier; one or two updates a step."""
        from lcjax.systems.domain_adaptation.curve_network import build_task

        return build_task(experiment)

    def for_predictions(self, experiment: CurveAdaptationExperiment) -> CurveAdaptationExperiment:
        """With the encoder as its own system wants it for predictions."""
        return dataclasses.replace(experiment, origin=for_predictions(experiment.origin))

    def stand_in(self, experiment: CurveAdaptationExperiment) -> CurveAdaptationExperiment:
        """With a small encoder."""
        return with_origin(dataclasses.replace(experiment, architecture=_SMALL))

    # --- data
    def source_settings(self, experiment: CurveAdaptationExperiment, training: bool) -> dict[str, Any]:
        """Windows of one length, so that streams can be put together."""
        return super().source_settings(experiment, training) | {"window": with_origin(experiment).window}

    def adapt(self, experiment: CurveAdaptationExperiment, data: PairData) -> CurveAdaptationExperiment:
        """Sets the classes, the encoder's settings and hash, how fast it learns, and the length of windows."""
        experiment = with_origin(experiment)
        inputs = PairInputsConfig(class_names=tuple(data.class_names))
        origin = experiment.origin
        if experiment.encoder:
            from lcjax.pretrained.weights_folder import arrays_sha256
            from lcjax.systems.loading import load

            origin = dataclasses.replace(origin, sha256=arrays_sha256(load(experiment.encoder).variables))
        trained = bool(experiment.encoder or experiment.training.initial_weights)
        experiment = dataclasses.replace(experiment, inputs=inputs, origin=origin)
        return with_trunk_factor(experiment, trained) if experiment.train_encoder else experiment

    def notes(self, experiment: CurveAdaptationExperiment, data: Data) -> list[str]:
        """How fast the encoder learns, and what a fine-tuning lacks."""
        return [*super().notes(experiment, data), *start_notes(experiment)]

    def on_data(self, loaded: "Loaded", data: PairData) -> "Loaded":
        """The model as it is: all light curves will do."""
        return loaded

    def simulated(
        self, experiment: CurveAdaptationExperiment
    ) -> tuple[CurveAdaptationExperiment, Mapping[str, Simulated]]:
        """Four classes of stars as one survey sees them and as another does; a small encoder unless one is said."""
        made = {
            f"sim_{name}": Simulated(
                "simulated", _STARS, {"simulation": {"surveys": (name,), "classes": _CLASSES, "label_noise": 0.0}}
            )
            for name in _SURVEYS
        }
        if not (experiment.encoder or experiment.architecture):
            experiment = dataclasses.replace(experiment, architecture=_SMALL)
        if experiment.domains.target:
            return experiment, made
        domains = dataclasses.replace(experiment.domains, source=("sim_asas3",), target=("sim_crts_sss",))
        return dataclasses.replace(experiment, domains=domains), made

    # --- training
    def initial_variables(
        self, experiment: CurveAdaptationExperiment, given: "Loaded | None" = None
    ) -> "PyTree | None":
        """The weights of the encoder, or of a whole model to go on from."""
        from lcjax.systems.loading import load

        whole = super().initial_variables(experiment, given)
        if whole is not None or not experiment.encoder:
            return whole
        variables = load(experiment.encoder).variables
        return {**variables, "params": {"encoder": variables["params"]}}

    # --- judged and asked
    def evaluate(self, loaded: "Loaded", data: Data, options: Options) -> "Scores":
        """Balanced accuracy of stars, on source and target."""
        from lcjax.systems.domain_pairs.evaluation import evaluate

        return evaluate(loaded, data, self.next_steps(loaded.folder), "light curves", trunk_note(loaded.experiment))  # type: ignore[arg-type]

    def request(self, loaded: "Loaded", options: Options) -> dict[str, Any]:
        """The bands of a star together, where they are pooled."""
        from lcjax.inference.bands import bands_wanted

        return bands_wanted(options)

    def answers(self, loaded: "Loaded", work: Work) -> Answers:
        """Class probabilities of light curves."""
        from lcjax.inference.curve_classes import ClassAnswers

        output: StarOutputs = work.options.get("classes") or StarOutputs()
        bands: BandOptions = work.options.get("bands") or BandOptions()
        names = loaded.experiment.inputs.class_names  # type: ignore[attr-defined]
        return ClassAnswers(loaded, names, embedding=output.embedding, batch_size=work.batch_size, pool=bands.pool)

    def next_steps(self, model: str | Path, preset: str = "") -> str:
        """Scores on both surveys, answers, adaptation from here."""
        return f"""
lcjax evaluate {model} --data D                          # balanced accuracy on source and target
lcjax predict {model} STARS.parquet --out F.parquet      # class probabilities of your stars
lcjax train light-curve-mme --encoder E --data D --domains.target T --training.initial-weights {model} --workdir W2"""


def with_origin(experiment: CurveAdaptationExperiment) -> CurveAdaptationExperiment:
    """The experiment with its encoder's settings, and windows as the encoder takes them.

    Raises:
      ConfigError: no encoder is named, or two, or random weights that nothing would train. WeightsError: there is no such encoder.
    """
    origin = experiment.origin if experiment.origin.system else _named(experiment)
    task = encoder_task(origin)
    longest = task.batch_spec["mask"].shape[1]
    length = longest if task.full_length else min(longest, experiment.window.length)
    window = dataclasses.replace(experiment.window, length=length, buckets=())
    return dataclasses.replace(experiment, origin=origin, window=window)


def _named(experiment: CurveAdaptationExperiment) -> OriginConfig:
    if bool(experiment.encoder) == bool(experiment.architecture):
        raise ConfigError(
            "adaptation of light curves needs one encoder: give --encoder W (a workdir or a published name, see lcjax weights list), "
            "or --architecture PRESET for one with random weights"
        )
    if experiment.encoder:
        return trained_origin(experiment.encoder)
    if not experiment.train_encoder:
        raise ConfigError("an encoder with random weights must be trained: leave out --no-train-encoder")
    return preset_origin(experiment.architecture)
