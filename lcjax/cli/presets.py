"""`lcjax presets`: every published configuration we know, straight from the docstrings of the preset functions."""

import dataclasses
import inspect
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from lcjax.configs import dotted
from lcjax.evaluation.printing import print_parts
from lcjax.evaluation.scores import Table
from lcjax.systems import PRESETS, find_preset


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
        first = lambda preset: (inspect.getdoc(preset) or "").split("\n\n")[0].replace("\n", " ")
        print_parts([Table(("preset", "what it is"), [(name, first(preset)) for name, preset in PRESETS.items()])])
        console.print("\n[dim]lcjax presets NAME  shows one whole;  lcjax train NAME --data D --workdir W  runs it[/]")
        return 0
    preset = find_preset(options.name)
    console.print(f"[bold cyan]{options.name}[/]\n{escape(inspect.getdoc(preset) or '')}\n")
    for key, value in dotted(dataclasses.asdict(preset())):
        console.print(f"  [dim]--{key.replace('_', '-')}[/] {escape(str(value))}", highlight=False)
    return 0
