"""What a terminal shows of a download."""

import contextlib
from collections.abc import Iterator

from rich import progress as bars
from rich.console import Console

from lcjax.pretrained.download import Progress


@contextlib.contextmanager
def download_bar(console: Console, name: str) -> Iterator[Progress]:
    """A progress bar that appears with the first byte."""
    with bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as display:
        task: list[bars.TaskID] = []

        def update(done: int, total: int | None) -> None:
            if not task:
                task.append(display.add_task(name, total=total))
            display.update(task[0], completed=done, total=total)

        yield update
