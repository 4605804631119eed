"""What `lcjax data` prints: what became of raw files, and what is in a dataset. The kinds of data give the words."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.prepare import Prepared


def print_prepared(done: "Prepared", console: Console) -> None:
    """Counts, files set aside, and where the dataset is."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, text in done.rows().items():
        table.add_row(name, escape(text))
    console.print(table, highlight=False)
    for reason in done.report.bad_files.values():  # paths are kept whole, to be copied and searched
        console.print(f"[red]file set aside[/]  {escape(reason)}", highlight=False, soft_wrap=True)
    console.print(f"[bold]written to[/]  {escape(str(done.manifest.folder))}", highlight=False, soft_wrap=True)
    if done.report.rejected:
        where = escape(str(done.manifest.folder / "rejected.parquet"))
        console.print(f"names and reasons: {where}", highlight=False, soft_wrap=True)


def print_description(description: "Description", console: Console) -> None:
    """Records of each class, facts, and quantiles of every quantity."""
    from data_pipelines.kinds.description import QUANTILES

    manifest = description.manifest
    sizes = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in description.sizes.items())
    bands = ", ".join(b or "(unnamed)" for b in manifest.bands)
    console.print(f"\n[bold cyan]{manifest.name}[/] {manifest.version}: {sizes}, bands {bands}", highlight=False)
    counts = Table("class", *description.counts, box=None, header_style="bold")
    for label in sorted({name for split in description.counts.values() for name in split}):
        cells = [f"{split.get(label, 0):,}" for split in description.counts.values()]
        counts.add_row(escape(label) or "(unlabelled)", *cells)
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, said in description.facts.items():
        facts.add_row(f" [bold]{name}[/]", escape(said))
    numbers = Table("", *(f"{q} %" for q in QUANTILES), box=None, header_style="bold")
    for key, name in description.quantities.items():
        numbers.add_row(escape(name), *(f"{v:.4g}" for v in description.quantiles[key]))
    for table in (counts, facts, numbers):
        console.print(table)
