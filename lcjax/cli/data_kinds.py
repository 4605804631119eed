"""Which kind of data a system learns from, and the module that opens, adapts to, evaluates and reports that kind.

Every module here has:

* `open_source(experiment, data, split, reader, **more) -> Source`: one split for training or evaluation.
* `adapt(experiment, source) -> Experiment`: settings that follow from the data (column order, classes).
* `can_score(source) -> bool`: whether a split holds anything to score (labels, where scores need them).
* `describe_data(source) -> dict`: what `config.json` says about the data.
* `evaluate(loaded, data, options) -> None`: what `lcjax evaluate` does.
* `evaluate_and_report(workdir, data, reader) -> Path | None`: scores and the HTML page after training.
* `what_next(preset, workdir) -> str`: commands shown at the end of training.
"""

import importlib
from typing import Any

KINDS = {
    "light_curves": "lcjax.cli.light_curve_runs",
    "stamps": "lcjax.cli.stamp_runs",
    "host_fields": "lcjax.cli.host_runs",
}
"""Kind of data -> module."""

_KIND_OF_SYSTEM = {
    "stamp_classifier": "stamps",
    "multiscale_stamps": "stamps",
    "delight": "host_fields",
}
"""Systems that learn from something else than light curves."""


def kind_of(system: str) -> str:
    """The kind of data a system learns from.

    >>> kind_of("astromer2"), kind_of("stamp_classifier")
    ('light_curves', 'stamps')
    """
    return _KIND_OF_SYSTEM.get(system, "light_curves")


def runs_of(system: str) -> Any:
    """The module of the kind of data a system learns from."""
    return importlib.import_module(KINDS[kind_of(system)])
