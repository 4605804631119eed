"""Tables and sentences on the terminal: all that commands print of what they found."""

from collections.abc import Iterable

from rich import table as rich_table
from rich.console import Console
from rich.markup import escape

from lcjax.evaluation.scores import Table, Text


def print_parts(parts: Iterable[Table | Text], console: Console | None = None) -> None:
    """Prints them in order; a table without a header has its names in bold. `console`: None: standard output."""
    console = console or Console()
    for part in parts:
        if isinstance(part, Table):
            console.print(_shown(part))
        else:
            mark = "[yellow]warning[/] " if part.style == "warning" else ""
            console.print(mark + escape(part.text), highlight=False, soft_wrap=True)


def _shown(part: Table) -> rich_table.Table:
    columns = [*map(escape, part.header)] if part.header else [rich_table.Column(style="bold"), rich_table.Column()]
    shown = rich_table.Table(
        *columns,
        box=None,
        header_style="bold",
        title=part.title,
        title_justify="left",
        show_header=bool(part.header),
        pad_edge=bool(part.header),
    )
    for row in part.rows:
        shown.add_row(*(escape(str(cell)) for cell in row))
    return shown
