"""Options of `lcjax data prepare` by group: those of a dataset's kind filled in, those of other kinds refused if changed."""

import dataclasses

from data_pipelines.kinds import find_kind, kinds
from data_pipelines.kinds.reading import PrepareSettings
from lcjax.errors import ConfigError


def option_groups() -> dict[str, type]:
    """Every option group of the kinds of data that there are -> its dataclass."""
    return {name: group for kind in kinds().values() for name, group in kind.prepare_options.items()}


def complete_options(settings: PrepareSettings, kind: str, dataset: str) -> PrepareSettings:
    """The settings with all option groups of the kind, as given or with their defaults, and no others.

    Raises:
      ConfigError: a group that does not exist, or something set in a group that the kind does not understand.
    """
    understood, known = find_kind(kind).prepare_options, option_groups()
    takes = ", ".join(f"--{name}" for name in understood) or "none"
    options = {name: group() for name, group in understood.items()}
    for name, given in settings.options.items():
        if name not in known:
            raise ConfigError(f"there are no options '{name}': dataset '{dataset}' takes {takes}")
        if given is None:
            continue
        if name in understood:
            options[name] = given
        elif changed := _changed(given, known[name]()):
            raise ConfigError(
                f"dataset '{dataset}' has no use for --{name}.{changed.replace('_', '-')}: its options are {takes}"
            )
    return dataclasses.replace(settings, options=options)


def _changed(given: object, usual: object) -> str | None:
    """The first field that is not as usual."""
    names = [field.name for field in dataclasses.fields(usual)]  # type: ignore[arg-type]
    return next((name for name in names if getattr(given, name) != getattr(usual, name)), None)
