"""What `lcjax data` prints: what became of raw files, and what is in a dataset. The kinds of data give the words."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from lcjax.evaluation.printing import print_parts
from lcjax.evaluation.scores import Table

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.prepare import Prepared


def print_prepared(done: "Prepared", console: Console) -> None:
    """Counts, files set aside, and where the dataset is."""
    print_parts([Table((), list(done.rows().items()))], console)
    for reason in done.report.bad_files.values():  # paths are kept whole, to be copied and searched
        console.print(f"[red]file set aside[/]  {escape(reason)}", highlight=False, soft_wrap=True)
    console.print(f"[bold]written to[/]  {escape(str(done.manifest.folder))}", highlight=False, soft_wrap=True)
    if done.report.rejected:
        where = escape(str(done.manifest.folder / "rejected.parquet"))
        console.print(f"names and reasons: {where}", highlight=False, soft_wrap=True)


def print_description(description: "Description", console: Console) -> None:
    """Records of each class, facts, and quantiles of every quantity."""
    name = escape(description.manifest.name)
    console.print(f"\n[bold cyan]{name}[/] {escape(description.headline())}", highlight=False)
    print_parts([Table(header, rows) for header, rows in description.tables()], console)
