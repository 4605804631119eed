"""`lcjax presets`: every published configuration we know, straight from the docstrings of the preset functions."""

import dataclasses
import inspect
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lcjax.errors import ConfigError
from lcjax.systems import PRESETS


@dataclasses.dataclass(frozen=True)
class PresetsOptions:
    """Lists the presets; with a name, shows one whole: docstring and every setting."""

    name: Annotated[str | None, tyro.conf.Positional] = None
    """Preset to show whole."""


def main(argv: list[str]) -> int:
    """Prints the list, or one preset."""
    options = tyro.cli(PresetsOptions, args=argv, prog="lcjax presets")
    console = Console()
    if options.name is None:
        table = Table("preset", "what it is", box=None, pad_edge=False, header_style="bold")
        for name, preset in PRESETS.items():
            table.add_row(f"[cyan]{name}[/]", escape(inspect.getdoc(preset) or "").split("\n\n")[0].replace("\n", " "))
        console.print(table)
        console.print("\n[dim]lcjax presets NAME  shows one whole;  lcjax train NAME --data D --workdir W  runs it[/]")
        return 0
    preset = find_preset(options.name)
    console.print(f"[bold cyan]{options.name}[/]\n{escape(inspect.getdoc(preset) or '')}\n")
    for key, value in flatten(dataclasses.asdict(preset())):
        console.print(f"  [dim]--{key.replace('_', '-')}[/] {escape(str(value))}", highlight=False)
    return 0


def find_preset(name: str):
    """The preset function of that name.

    Raises:
      ConfigError: no such preset; names the nearest one.
    """
    import difflib

    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "see  lcjax presets"
    raise ConfigError(f"there is no preset '{name}': {hint}")


def flatten(tree: dict, prefix: str = "") -> list[tuple[str, object]]:
    """Nested settings as dotted names.

    >>> flatten({"model": {"width": 8}, "system": "x"})
    [('model.width', 8), ('system', 'x')]
    """
    rows: list[tuple[str, object]] = []
    for key, value in tree.items():
        rows += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows
