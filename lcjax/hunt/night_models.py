"""The models of a night: those that are given, and the demonstration where none is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lcjax.errors import ConfigError
from lcjax.hunt import demonstration as demo
from lcjax.hunt.answering import class_number
from lcjax.hunt.candidates import Classifier
from lcjax.hunt.models import AlertOptions, DelightFinder, HostOptions, MakeEntries, MakeField, StampClassifier
from lcjax.hunt.opening import home
from lcjax.hunt.settings import HuntOptions
from lcjax.systems.loading import load
from lcjax.training.compilation import enable_compile_cache


def given_classifiers(
    options: HuntOptions, alerts: AlertOptions, make_entries: MakeEntries[AlertOptions], say: Callable[[str], None]
) -> list[StampClassifier]:
    """Those of `--model`.

    Args:
      alerts, make_entries: see `StampClassifier`. say: told of downloads.

    Raises:
      ConfigError, WeightsError: no such models, or none that can rank a night.
    """
    if len(set(options.model)) < len(options.model):
        raise ConfigError("a model is given twice: give each --model once")
    enable_compile_cache()
    size = options.batch_size
    given = [StampClassifier(name, load(name, say=say), alerts, make_entries, size) for name in options.model]
    check_hunted(given, options.hunted)
    return given


def given_finder(
    options: HuntOptions,
    hosts: HostOptions,
    make_field: MakeField,
    tools: Mapping[str, Callable[..., Any]],
    say: Callable[[str], None],
) -> DelightFinder | None:
    """That of `--host-model`; see `DelightFinder`."""
    name = options.host_model
    return DelightFinder(name, load(name, say=say), hosts, make_field, tools) if name else None


def demonstration(
    data: demo.SimulatedStamps, alerts: AlertOptions, make_entries: MakeEntries[AlertOptions]
) -> list[StampClassifier]:
    """The network of the demonstration, trained on `data` where it has not been."""
    loaded = demo.demonstration_model(home() / demo.NAME, data)
    return [StampClassifier(demo.NAME, loaded, alerts, make_entries)]


def check_hunted(classifiers: Sequence[Classifier], hunted: str) -> None:
    """Raises ConfigError: the model that ranks has no class of that name."""
    if classifiers and class_number(classifiers[0].class_names, hunted) is None:
        first = classifiers[0]
        raise ConfigError(
            f"'{first.name}' has no class '{hunted}' to rank by: give one of {', '.join(first.class_names)} to --hunted"
        )
