"""Answers of a network of several modalities: one row an object."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.inference.predictor import Row as InputRow
from lcjax.systems.astrom3.config import AstroM3Experiment
from lcjax.systems.astrom3.fitting import said_grid, same_grid
from lcjax.systems.astrom3.image_encoder import images_of, unlike
from lcjax.systems.astrom3.network_inputs import SERIES
from lcjax.systems.base import Row
from lcjax.systems.record_answers import AnswersByRecord


class MultimodalAnswers(AnswersByRecord):
    """`object_id`, embeddings of every modality and of all, and which are there; or class probabilities."""

    unit = "objects"

    def __init__(self, loaded: Loaded, predictor: Predictor, schema: pa.Schema) -> None:
        """As `of` makes it."""
        self.schema, self.predictor = schema, predictor
        self._experiment: AstroM3Experiment = loaded.experiment  # type: ignore[assignment]
        self._spec = loaded.task.batch_spec

    @classmethod
    def of(cls, loaded: Loaded, batch_size: int | None = None) -> "MultimodalAnswers":
        """Compiles nothing yet.

        Raises:
          ConfigError: the weights are of a network that does not know what its columns are.
        """
        experiment: AstroM3Experiment = loaded.experiment  # type: ignore[assignment]
        predictor: Predictor = Predictor(
            loaded.task.predict, loaded.variables, usual_batch_size(batch_size, 32, 512, cls.unit)
        )
        outputs = jax.eval_shape(loaded.task.predict, loaded.variables, loaded.task.batch_spec)
        fields = [("object_id", pa.string()), ("label", pa.string())]
        for name, value in outputs.items():
            if name == "probabilities":
                fields += [("predicted", pa.string())]
                fields += [(f"probability_{c}", pa.float32()) for c in _names(experiment, value.shape[1])]
            elif name.startswith("has_"):
                fields.append((name, pa.bool_()))
            else:
                fields.append((name, pa.list_(pa.float32())))
        return cls(loaded, predictor, pa.schema(fields))

    def row(self, record: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> Row:
        """Embeddings, null of what is missing, or probabilities."""
        label = record["label"] if isinstance(record["label"], str) else None
        row: Row = {"object_id": record["object_id"], "label": label}
        for name, value in outputs.items():
            if name == "probabilities":
                names = _names(self._experiment, len(value))
                row |= {f"probability_{c}": float(p) for c, p in zip(names, value, strict=True)}
                row["predicted"] = names[int(np.argmax(value))]
            elif name.startswith("has_"):
                row[name] = bool(value > 0)
            else:
                there = f"has_{name.removeprefix('embedding_')}"
                row[name] = None if there in outputs and not outputs[there] > 0 else value
        return row

    def input_row(self, record: Mapping[str, Any]) -> InputRow | Rejection:
        """The modalities that it has; none of an object without any of the network's."""
        try:
            return record_row(record, self._experiment)
        except (DataError, ConfigError) as error:
            return Rejection(record["object_id"], str(error), "")


def _names(experiment: AstroM3Experiment, count: int) -> tuple[str, ...]:
    """Of the classes; numbers where the weights do not tell."""
    names = experiment.inputs.class_names
    return names if len(names) == count else tuple(f"class_{i}" for i in range(count))


def record_row(record: Mapping[str, Any], experiment: AstroM3Experiment) -> InputRow:
    """A record as one row of the network's batch: the crop from the middle, padded; the numbers in their order.

    Raises:
      DataError: it has none of the modalities, or a spectrum of another length. ConfigError: its numbers are standardised and
        those of the model are not, or the other way round.
    """
    config, inputs = experiment.model, experiment.inputs
    length, samples = config.photometry.length, config.spectra.length
    count = len(record["time"])
    start = max(count - length, 0) // 2
    row: InputRow = {}
    for name in SERIES:
        part = np.asarray(record[name], np.float32)[start : start + length]
        row[name] = np.pad(part, (0, length - len(part)))
    row["mask"] = np.arange(length) < min(count, length)
    width = len(record["spectrum"])
    if width not in (0, samples) and "spectra" in config.modalities:
        raise DataError(f"a spectrum of {width} samples, and the model takes {samples}")
    own = tuple(float(record.get(name, np.nan)) for name in ("spectrum_start", "spectrum_step"))
    if width == samples and "spectra" in config.modalities and not same_grid(inputs.spectrum_grid, own):
        raise DataError(
            f"a spectrum {said_grid(own)}, and the model learned from those {said_grid(inputs.spectrum_grid)}: give the "
            "--multimodal.spectrum-grid of its training data"
        )
    for name in ("spectrum", "spectrum_error"):
        fits = width == samples
        row[name] = np.asarray(record[name], np.float32) if fits else np.zeros(samples, np.float32)
    row["spectrum_mask"] = np.full(samples, width == samples)
    mean = ("flux_mean",) if inputs.light_curves == "magnitudes" else ()
    row |= {name: np.float32(record[name]) for name in ("log_spread", "years", "spectrum_log_spread", *mean)}
    columns = inputs.data_columns or (*inputs.photometry_columns, *inputs.metadata_columns)
    numbers = record.get("metadata", {})
    row["metadata"] = np.array([numbers.get(name, np.nan) for name in columns], np.float32)
    row["standardised"] = np.int32(record["standardised"])
    if columns and bool(record["standardised"]) == bool(inputs.mean):
        said = "standardised already" if record["standardised"] else "not standardised"
        raise ConfigError(f"its catalogue numbers are {said}, and the model learned from others")
    images = _images(record, experiment)
    row |= images
    own = [name for name in columns if name in inputs.metadata_columns]
    there = {
        **{name: bool(images[f"{name}_mask"]) for name in images_of(experiment)},
        "photometry": count > 0,
        "spectra": width == samples,
        "metadata": any(np.isfinite(numbers.get(name, np.nan)) for name in own),
    }
    if not any(there[name] for name in config.modalities):
        raise DataError(f"none of the model's modalities ({', '.join(config.modalities)})")
    return row


def _images(record: Mapping[str, Any], experiment: AstroM3Experiment) -> InputRow:
    """The images of a record, zeros of those that it lacks.

    Raises:
      DataError: one is not like those of the training.
    """
    row: InputRow = {}
    for name, config in images_of(experiment).items():
        pixels = np.asarray(record.get(name, np.zeros((0, 0, 0))), np.float32)
        top = float(record.get(f"{name}_full_scale", np.nan))
        names = tuple(filter(None, str(record.get(f"{name}_channel_names", "")).split(",")))
        if pixels.size and (reason := unlike(config, pixels.shape, names, top)):
            raise DataError(f"its {name} images {reason}")
        row[name] = pixels if pixels.size else np.zeros((*config.size, config.channels), np.float32)
        row |= {f"{name}_mask": np.bool_(pixels.size > 0), f"{name}_full_scale": np.float32(top)}
    return row
