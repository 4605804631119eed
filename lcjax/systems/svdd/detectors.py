"""One interface for every detector: fit, score, save, load. Scaler, feature names and centres stay with it."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
import safetensors
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as format_safetensors

from lcjax.errors import ConfigError, DataError, WeightsError
from lcjax.files import new_folder
from lcjax.pretrained.weights_folder import flat_names
from lcjax.schema import parsed
from lcjax.systems.svdd import classic
from lcjax.systems.svdd.config import SvddExperiment
from lcjax.systems.svdd.core import build_core
from lcjax.systems.svdd.ensemble import Members
from lcjax.systems.svdd.fitting import NETWORKS, FitSettings, fit_networks
from lcjax.systems.svdd.rows import FeatureRows
from lcjax.systems.svdd.scaler import Scaler, check_names, fit_scaler, scale, table_rows
from lcjax.systems.svdd.starting import held_back
from lcjax.typing import PyTree

CLASSIC: Mapping[str, tuple[Callable, Callable]] = {
    "isolation_forest": (classic.fit_forest, classic.forest_score),
    "one_class_svm": (classic.fit_svm, classic.svm_score),
    "ecod": (classic.fit_ecod, classic.ecod_score),
}
"""Name -> (fit(scaled features, seed) -> arrays, score(arrays, scaled features))."""
DETECTORS = (*NETWORKS, *CLASSIC)
_SETTINGS, _ARRAYS = "detector.json", "detector.safetensors"


@dataclasses.dataclass(frozen=True)
class Detector:
    """A fitted detector."""

    name: str
    experiment: SvddExperiment
    """Its settings; `inputs` has features, classes and scaling."""
    scaler: Scaler
    arrays: PyTree
    """`params`, `batch_stats`, `centres` of a network; plain arrays of the others."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """In the order of the columns of `score`."""
        return self.experiment.inputs.feature_names

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Raw features (N, F) as the detector sees them.

        Raises:
          DataError: another number of features.
        """
        if np.ndim(features) != 2 or np.shape(features)[1] != len(self.feature_names):
            raise DataError(
                f"features of shape {np.shape(features)}: the detector takes (rows, {len(self.feature_names)})"
            )
        run = jax.jit(scale, static_argnums=0)
        return np.asarray(run(self.experiment.inputs.scaling, self.scaler["table"], np.asarray(features, np.float32)))

    def score(self, features: np.ndarray) -> np.ndarray:
        """Anomaly scores, higher is more unusual: (N, F) raw features, NaN where missing -> (N,)."""
        ready = self.scaled(features)
        if self.name in CLASSIC:
            return CLASSIC[self.name][1](self.arrays, ready)
        core = build_core(self.experiment)
        network = {name: self.arrays[name] for name in ("params", "batch_stats")}
        return np.asarray(jax.jit(core.outputs)(network, ready, self.arrays["centres"])["anomaly_score"])

    def score_table(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scores of a table of named columns, in any order.

        Raises:
          ConfigError: a feature is missing.
        """
        check_names(self.feature_names, list(columns), "this table")
        return self.score(np.stack([np.asarray(columns[name]) for name in self.feature_names], axis=1))

    def save(self, folder: Path | str) -> None:
        """Writes `detector.json` and `detector.safetensors` into a new or empty folder.

        Raises:
          StorageError: the folder holds something, or cannot be written.
        """
        settings = {"detector": self.name, "experiment": json.loads(json.dumps(dataclasses.asdict(self.experiment)))}
        with new_folder(Path(folder), "choose another folder") as temporary:
            (temporary / _SETTINGS).write_text(json.dumps(settings, indent=1))
            arrays = {"scaler": self.scaler, "detector": self.arrays}
            (temporary / _ARRAYS).write_bytes(format_safetensors(flat_names(arrays)))


def load_detector(folder: Path | str) -> Detector:
    """What `save` wrote.

    Raises:
      WeightsError: nothing sound is there.
    """
    folder = Path(folder)
    try:
        settings = json.loads((folder / _SETTINGS).read_text())
        flat = parse_safetensors((folder / _ARRAYS).read_bytes())
        name, found = settings["detector"], parsed(SvddExperiment, settings["experiment"])
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise WeightsError(f"'{folder}' holds no sound detector ({type(error).__name__}): save it again") from error
    if name not in DETECTORS:
        raise WeightsError(f"'{folder}' holds a detector '{name}', which this version does not know")
    tree: dict = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = value
    return Detector(name, found, tree["scaler"], tree["detector"])


def fit_detector(
    name: str,
    features: np.ndarray,
    label: np.ndarray,
    feature_names: Sequence[str],
    class_names: Sequence[str],
    experiment: SvddExperiment | None = None,
    settings: FitSettings | None = None,
    validation: np.ndarray | None = None,
    seed: int = 0,
) -> Detector:
    """Fits one detector on the known objects of a table.

    Args:
      name: of `DETECTORS`. features: (N, F), NaN where missing. label: (N,) int, -1 for rows to leave out.
      validation: (N,) bool, rows that say when training stops; None: a tenth of each class.

    Raises:
      ConfigError: no such detector. DataError: a class with fewer than two objects. MissingExtraError: no scikit-learn.
    """
    if name not in DETECTORS:
        raise ConfigError(f"there is no detector '{name}': use {', '.join(DETECTORS)}")
    label = np.asarray(label, np.int32)
    FeatureRows(features, label, np.arange(len(label)), feature_names, class_names).check_classes()
    experiment = experiment or SvddExperiment()
    inputs = dataclasses.replace(experiment.inputs, feature_names=tuple(feature_names), class_names=tuple(class_names))
    if inputs.scaling == "quantile":
        inputs = dataclasses.replace(inputs, quantiles=table_rows(inputs, label))
    kind = name if name in NETWORKS else experiment.detector
    experiment = dataclasses.replace(experiment, inputs=inputs, detector=kind)  # type: ignore[arg-type]
    scaler = fit_scaler(inputs, features, label)
    empty = Detector(name, experiment, scaler, {})
    ready = empty.scaled(features)
    if name in CLASSIC:
        return dataclasses.replace(empty, arrays=CLASSIC[name][0](ready[label >= 0], seed))
    held = held_back(label, seed) if validation is None else np.asarray(validation, bool)
    members = Members(np.zeros(1, int), label[None], (~held & (label >= 0))[None], held[None], np.array([seed]))
    fitted = fit_networks([name], experiment, ready[None], members, len(class_names), settings or FitSettings())[name]
    variables, centres = fitted.member(0)
    return dataclasses.replace(empty, arrays={**variables, "centres": centres})
