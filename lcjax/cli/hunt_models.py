"""Trained systems as `lcjax hunt` asks them: stamp classifiers with probabilities and gradients, host finders."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.alerts.entries import StampEntries, StampEntry
from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.host_fields.options import HostOptions
from data_pipelines.kinds.host_fields.reading import field_of
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, Stamp
from data_pipelines.sources.alerts.fits_stamp import StampError
from data_pipelines.sources.alerts.world import World
from lcjax.errors import ConfigError, Rejection
from lcjax.hunt.candidates import Candidate, Host
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Work


def alert_of(candidate: Candidate) -> Alert:
    """A candidate as readers of packets would give it, without its history."""
    return Alert(
        survey=candidate.survey,
        object_id=candidate.object_id,
        alert_id=candidate.alert_id,
        mjd=candidate.mjd,
        ra=candidate.ra,
        dec=candidate.dec,
        band=candidate.band,
        metadata=dict(candidate.metadata),
        stamps={name: _stamp(cutout) for name, cutout in candidate.cutouts.items()},
        origin=candidate.origin,
    )


def _stamp(cutout: Any) -> Stamp:
    world = None if cutout.world is None else World(*cutout.world[:4], tuple(cutout.world[4:]))
    return Stamp(np.asarray(cutout.pixels), cutout.pixel_scale, world)


class StampClassifier:
    """A classifier of stamps."""

    def __init__(self, name: str, loaded: Loaded, options: AlertOptions, batch_size: int | None = None) -> None:
        """Compiles nothing yet.

        Raises:
          ConfigError: this model classifies no alerts.
        """
        from lcjax.systems.classifier.prediction import StampAnswers

        system = find_system(loaded.experiment.system)
        if system.kind != "alerts":
            raise ConfigError(
                f"'{name}' is a {system.name}, which classifies no alerts: give a stamp classifier to --model"
            )
        self.name, self._loaded = name, loaded
        takes = system.request(loaded, {"alerts": options})
        surveys = () if options.any_survey else tuple(takes["surveys"])
        columns = (*takes["metadata"], *takes["columns"])
        self._entries = StampEntries(tuple(takes["metadata"]), columns, surveys, options.size != "nominal")
        self._rules = options.rules(STAMP_NAMES)
        self._answers = StampAnswers.of(loaded, batch_size=batch_size)
        self.class_names = self._answers.class_names

    def classify(self, candidates: Sequence[Candidate]) -> list[np.ndarray | str]:
        """(K,) probabilities of each, or a sentence why there are none."""
        found = self._answers.answer([self._entry(candidate) for candidate in candidates])
        return [one.reason if isinstance(one, Rejection) else self._probabilities(one) for one in found]

    def _probabilities(self, row: dict[str, Any]) -> np.ndarray:
        return np.array([row[f"p_{name}"] if f"p_{name}" in row else row[name] for name in self.class_names])

    def _entry(self, candidate: Candidate) -> StampEntry | Rejection:
        alert = alert_of(candidate)
        if missing := [name for name in STAMP_NAMES if name not in alert.stamps]:
            return Rejection(alert.object_id, f"missing cutout: {missing[0]}", alert.origin, alert.alert_id)
        try:
            self._rules.check(alert.stamps, alert.survey)
        except StampError as error:
            return Rejection(alert.object_id, str(error), alert.origin, alert.alert_id)
        return self._entries(alert)

    def gradient(self, candidate: Candidate, label: int) -> np.ndarray | None:
        """(H, W, 3) of the log-probability with respect to the stamps, times the stamps; None where it cannot answer."""
        import jax
        import jax.numpy as jnp

        entry = self._entry(candidate)
        if isinstance(entry, Rejection):
            return None
        row = {name: jnp.asarray(value)[None] for name, value in self._answers.row(entry).items()}
        middle = np.nanmedian(entry.stamps, axis=(0, 1), keepdims=True)
        stamps = jnp.asarray(np.where(np.isfinite(entry.stamps), entry.stamps, middle))

        def said(stamps: jax.Array) -> jax.Array:
            batch = {**row, "stamps": stamps[None]}
            probabilities = self._loaded.task.predict(self._loaded.variables, batch)["probabilities"]
            return jnp.log(probabilities[0, label] + 1e-12)

        return np.asarray(jax.jit(jax.grad(said))(stamps) * (stamps - middle))


class DelightFinder:
    """A host finder over one of the stamps."""

    def __init__(self, name: str, loaded: Loaded, hosts: HostOptions) -> None:
        """Compiles nothing yet.

        Raises:
          ConfigError: this model finds no hosts.
        """
        system = find_system(loaded.experiment.system)
        if system.kind != "host_fields":
            raise ConfigError(f"'{name}' is a {system.name}, which finds no hosts: give a delight to --host-model")
        self.name, self.cutout = name, hosts.stamp
        self._answers = system.answers(loaded, Work({"hosts": hosts}, find_kind(system.kind).tools()))

    def find(self, candidates: Sequence[Candidate]) -> list[Host | str]:
        """The host of each, or a sentence why there is none."""
        found = self._answers.answer([self._field(candidate) for candidate in candidates])
        return [one.reason if isinstance(one, Rejection) else _host(one) for one in found]  # type: ignore[arg-type]

    def _field(self, candidate: Candidate) -> Any:
        alert = alert_of(candidate)
        if self.cutout not in alert.stamps:
            return Rejection(alert.object_id, f"missing cutout: {self.cutout}", alert.origin, alert.alert_id)
        return field_of(alert, alert.stamps[self.cutout])


def _host(row: dict[str, Any]) -> Host:
    variants = zip(row.get("variant_x") or (), row.get("variant_y") or (), strict=True)
    return Host(
        **{name: row[name] for name in ("x", "y", "separation", "scatter", "ra", "dec", "semi_major_axis", "method")},
        variants=tuple((float(x), float(y)) for x, y in variants),
    )
