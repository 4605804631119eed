"""Option groups of kinds and systems as one command line: `--columns.time`, `--hosts.stamp`, whoever brings them."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import tyro

from lcjax.errors import ConfigError


def merged(groups: Iterable[Mapping[str, type]]) -> dict[str, type]:
    """All groups by name.

    Raises:
      ConfigError: two that differ have one name.
    """
    found: dict[str, type] = {}
    for name, kind in ((name, kind) for group in groups for name, kind in group.items()):
        if found.setdefault(name, kind) is not kind:
            raise ConfigError(f"two option groups are called '{name}': uninstall the package that brings the second")
    return found


def parse(
    base: type, groups: Mapping[str, type], argv: list[str], prog: str, flat: bool = False
) -> tuple[Any, dict[str, Any]]:
    """The options of a command: its own (`base`, a dataclass) and the groups, by name.

    Args:
      flat: the groups' options without the group's name before them.
    """
    own = (("options", Annotated[base, tyro.conf.arg(name="")], dataclasses.MISSING),)
    fields: list[Any] = [(name, kind) for name, kind, _ in own]
    for name, kind in groups.items():
        annotated = Annotated[kind, tyro.conf.arg(name="")] if flat else kind
        fields.append((name, annotated, dataclasses.field(default_factory=kind)))
    whole = dataclasses.make_dataclass("Options", fields, frozen=True)
    whole.__doc__ = base.__doc__
    parsed = tyro.cli(whole, args=argv, prog=prog)
    return parsed.options, {name: getattr(parsed, name) for name in groups}


def of(groups: Mapping[str, type], chosen: Mapping[str, Any], model: str, flat: bool = False) -> dict[str, Any]:
    """The groups that a model understands.

    Args:
      groups: those it understands. chosen: all of them, as the user set them.

    Raises:
      ConfigError: an option of another group was set.
    """
    for name, options in chosen.items():
        changed = _changed(options)
        if name not in groups and changed:
            flag = f"--{changed}" if flat else f"--{name}.{changed}"
            raise ConfigError(
                f"'{model}' has no option {flag.replace('_', '-')}: it is for models of another kind, leave it out"
            )
    return {name: options for name, options in chosen.items() if name in groups}


def _changed(options: Any) -> str | None:
    """The first option that is not as it is by default."""
    usual = type(options)()
    return next(
        (f.name for f in dataclasses.fields(options) if getattr(options, f.name) != getattr(usual, f.name)), None
    )
