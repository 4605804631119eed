"""`lcjax weights list | download | import`: published weights, checked and turned into ours."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from lcjax.files import cache_folder
from lcjax.pretrained.download import Progress
from lcjax.systems.catalogue import catalogue, published
from lcjax.systems.fetching import fetch


def main(argv: list[str]) -> int:
    """Runs one of the subcommands."""
    tyro.extras.subcommand_cli_from_dict(
        {"list": list_weights, "download": download_weights, "import": import_published},
        args=argv,
        prog="lcjax weights",
        description="Published weights: list, download by name, import files you have.",
    )
    return 0


def list_weights() -> None:
    """Shows the published weights this version knows by name, and where they come from."""
    console = Console()
    for entry in catalogue().values():
        hashes = [f"{file} {digest}" for file, digest in (*entry.sha256, *entry.contents_sha256)]
        hashes += [f"of the arrays {entry.arrays_sha256}"] if entry.arrays_sha256 else []
        cached = (cache_folder() / "weights" / entry.name / "config.json").exists()
        rows = {
            "system": [entry.family],
            "what": [entry.description],
            "paper": [entry.paper],
            "licence": [entry.licence],
            "size": [f"{entry.download_bytes / 1e6:.1f} MB" if entry.download_bytes else "unknown"],
            "source": list(entry.urls) or [f"the package {entry.package}, where you have installed it"],
            "sha256": hashes or (["unknown: recorded at the first download, with a warning"] if entry.urls else ["-"]),
            "in cache": ["yes" if cached else "no"],
        }
        console.print(f"[bold cyan]{entry.name}[/]")
        for key, values in rows.items():
            for i, value in enumerate(values):
                console.print(f"  [dim]{'' if i else key:<9}[/]{escape(value)}", highlight=False, soft_wrap=True)
        console.print()
    console.print(
        "[dim]lcjax predict NAME FILE --out F.parquet  downloads on first use; "
        "lcjax weights import SYSTEM SRC --out DIR  takes files you have[/]",
        soft_wrap=True,
    )


def download_weights(name: Annotated[str, tyro.conf.Positional]) -> None:
    """Downloads published weights to the cache, checks and imports them.

    Args:
      name: a name that  lcjax weights list  shows.
    """
    published(name)
    console = Console(stderr=True)
    with download_progress(console, name) as progress:
        folder = fetch(name, lambda text: console.print(f"[yellow]{escape(text)}[/]", soft_wrap=True), progress)
    Console().print(f"{name} is ready in {folder}", highlight=False, soft_wrap=True)


@contextlib.contextmanager
def download_progress(console: Console, name: str) -> Iterator[Progress]:
    """A progress bar that appears with the first byte."""
    from rich import progress as bars

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


def import_published(
    system: Annotated[str, tyro.conf.Positional],
    source: Annotated[Path, tyro.conf.Positional],
    out: Path | None = None,
    num_heads: int | None = None,
) -> None:
    """Turns a published checkpoint into a weights folder for  lcjax predict, evaluate, export  and fine-tuning.

    Reads TensorFlow checkpoints without TensorFlow. Unknown or missing variables, wrong shapes and settings that
    contradict the arrays are refused.

    Args:
      system: family of weights: astromer1, astromer2, alerce-stamps, delight, or one that an installed package brings.
      source: the checkpoint's folder (with its settings file) or prefix, a file of named arrays (.npz), or for delight the
        .h5 file, the wheel, or the word astro-delight where that package is installed.
      out: new or empty folder; an earlier import there is replaced. Default: the cache, where the system's name finds
        it (lcjax predict alerce-stamps ...).
      num_heads: attention heads, only where no settings file tells.
    """
    from lcjax.pretrained.weights_folder import ARRAYS, check_free, write_weights
    from lcjax.systems.importing import import_weights, imported_here

    by_name = out is None
    out = imported_here(system) if out is None else out
    check_free(out)
    imported = import_weights(system, source, num_heads=num_heads)
    write_weights(out, imported)
    console = Console()
    settings = imported.settings_file.name if imported.settings_file else "none found"
    rows = {
        "system": f"{system}, exactly as published (parity)",
        "read from": f"{imported.source} (settings: {settings})",
        "parameters": f"{imported.parameters:,}",
        **imported.rows,
        "left out": _shortened(imported.ignored),
        "written": f"{out / 'config.json'}, {ARRAYS}, best/",
    }
    for key, value in rows.items():
        console.print(f"{key:<11} {escape(str(value))}", highlight=False, soft_wrap=True)
    for note in imported.notes:
        console.print(f"[yellow]note[/]        {escape(note)}", highlight=False, soft_wrap=True)
    console.print(
        f"[dim]next: lcjax predict {system if by_name else out} FILES --out predictions.parquet[/]",
        highlight=False,
        soft_wrap=True,
    )


def _shortened(names: list[str], most: int = 6) -> str:
    """Names in a row, the first ones if they are many.

    >>> _shortened(["a", "b", "c"], 2), _shortened([])
    ('a, b and 1 more (config.json has all)', 'nothing')
    """
    more = f" and {len(names) - most} more (config.json has all)" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more
