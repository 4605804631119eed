"""Trained systems as the page asks them: stamp classifiers with probabilities and gradients, host finders.

How a candidate becomes what a network takes is handed in, because it is the business of the kind of data.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError, Rejection
from lcjax.hunt.candidates import Candidate, Host
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Work
from lcjax.systems.classifier.prediction import Entry, StampAnswers
from lcjax.systems.delight.examination import Field
from lcjax.typing import PyTree

AlertOptions = TypeVar("AlertOptions")
"""What the kind of data lets a user say of alerts; handed on as it is."""
MakeEntries = Callable[[Mapping[str, Any], AlertOptions], Callable[[Candidate], Entry | Rejection]]
"""(what a network takes of alerts, the user's options of alerts) -> makes entries of candidates."""


MakeField = Callable[[Candidate, str], Field | Rejection]
"""(candidate, name of a cutout) -> the field, or a `Rejection`."""


class HostOptions(Protocol):
    """What is asked of here of the user's options of hosts."""

    @property
    def stamp(self) -> str:
        """The cutout to look in."""


class StampClassifier(Generic[AlertOptions]):
    """A classifier of stamps."""

    def __init__(
        self,
        name: str,
        loaded: Loaded,
        options: AlertOptions,
        make_entries: MakeEntries[AlertOptions],
        batch_size: int | None = None,
    ) -> None:
        """Compiles nothing yet.

        Args:
          options: the user's, of alerts. make_entries: such as `data_pipelines.kinds.alerts.candidates.CandidateEntries`.

        Raises:
          ConfigError: this model classifies no alerts.
        """
        system = find_system(loaded.experiment.system)
        if system.kind != "alerts":
            raise ConfigError(
                f"'{name}' is a {system.name}, which classifies no alerts: give a stamp classifier to --model"
            )
        self.name, self._loaded = name, loaded
        self._entry = make_entries(system.request(loaded, {"alerts": options}), options)
        self._answers = StampAnswers.of(loaded, batch_size=batch_size)
        self.class_names = self._answers.class_names

    def classify(self, candidates: Sequence[Candidate]) -> list[np.ndarray | str]:
        """(K,) probabilities of each, or a sentence why there are none."""
        found = self._answers.answer([self._entry(candidate) for candidate in candidates])
        return [one.reason if isinstance(one, Rejection) else self._probabilities(one) for one in found]

    def _probabilities(self, row: dict[str, Any]) -> np.ndarray:
        return np.array([row[f"p_{name}"] if f"p_{name}" in row else row[name] for name in self.class_names])

    def gradient(self, candidate: Candidate, label: int) -> np.ndarray | None:
        """(H, W, 3) of the log-probability with respect to the stamps, times the stamps; None where it cannot answer."""
        entry = self._entry(candidate)
        if isinstance(entry, Rejection):
            return None
        row = {name: np.asarray(value)[None] for name, value in self._answers.row(entry).items()}
        middle = np.nanmedian(entry.stamps, axis=(0, 1), keepdims=True)
        stamps = np.where(np.isfinite(entry.stamps), entry.stamps, middle)
        return np.asarray(self._steepest(stamps, self._loaded.variables, row, label)) * (stamps - middle)

    @functools.cached_property
    def _steepest(self) -> Callable[..., jax.Array]:
        """Compiled once for all candidates."""

        def said(stamps: jax.Array, variables: PyTree, row: dict[str, jax.Array], label: jax.Array) -> jax.Array:
            probabilities = self._loaded.task.predict(variables, {**row, "stamps": stamps[None]})["probabilities"]
            return jnp.log(probabilities[0, label] + 1e-12)

        return jax.jit(jax.grad(said))


class DelightFinder:
    """A host finder over one of the stamps."""

    def __init__(
        self,
        name: str,
        loaded: Loaded,
        hosts: HostOptions,
        make_field: MakeField,
        tools: Mapping[str, Callable[..., Any]],
    ) -> None:
        """Compiles nothing yet.

        Args:
          hosts: the user's options. make_field: of a candidate and the name of a cutout: the field, or a `Rejection`.
          tools: of the kind of data, as in `Work`.

        Raises:
          ConfigError: this model finds no hosts.
        """
        system = find_system(loaded.experiment.system)
        if system.kind != "host_fields":
            raise ConfigError(f"'{name}' is a {system.name}, which finds no hosts: give a delight to --host-model")
        self.name, self.cutout, self._make_field = name, hosts.stamp, make_field
        self._answers = system.answers(loaded, Work({"hosts": hosts}, tools))

    def find(self, candidates: Sequence[Candidate]) -> list[Host | str]:
        """The host of each, or a sentence why there is none."""
        found = self._answers.answer([self._make_field(candidate, self.cutout) for candidate in candidates])
        return [one.reason if isinstance(one, Rejection) else _host(one) for one in found]  # type: ignore[arg-type]


def _host(row: dict[str, Any]) -> Host:
    variants = zip(row.get("variant_x") or (), row.get("variant_y") or (), strict=True)
    return Host(
        **{name: row[name] for name in ("x", "y", "separation", "scatter", "ra", "dec", "semi_major_axis", "method")},
        variants=tuple((float(x), float(y)) for x, y in variants),
    )
