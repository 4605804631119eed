"""`lcjax weights list | download | import`: published weights, checked and turned into ours."""

import functools
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from lcjax.cli.remarks import tell, warn
from lcjax.pretrained.download_bar import download_bar
from lcjax.systems.catalogue import catalogue, published
from lcjax.systems.fetching import fetch
from lcjax.systems.importing import imported_here


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
        console.print(f"[bold cyan]{entry.name}[/]")
        for key, values in entry.rows(imported_here(entry.name)).items():
            for i, value in enumerate(values):
                console.print(f"  [dim]{'' if i else key:<9}[/]{escape(value)}", highlight=False, soft_wrap=True)
        console.print()
    console.print(
        "[dim]lcjax predict NAME FILE --out F.parquet  downloads on first use; "
        "lcjax weights import FAMILY SRC --out DIR  takes files you have[/]",
        soft_wrap=True,
    )


def download_weights(name: Annotated[str, tyro.conf.Positional]) -> None:
    """Downloads published weights to the cache, checks and imports them.

    Args:
      name: a name that  lcjax weights list  shows.
    """
    published(name)
    console = Console(stderr=True)
    with download_bar(console, name) as progress:
        folder = fetch(name, functools.partial(warn, console=console), progress)
    tell(f"{name} is ready in {folder}")


def import_published(
    family: Annotated[str, tyro.conf.Positional],
    source: Annotated[Path, tyro.conf.Positional],
    out: Path | None = None,
    num_heads: int | None = None,
) -> None:
    """Turns a published checkpoint into a weights folder for  lcjax predict, evaluate, export  and fine-tuning.

    Reads TensorFlow checkpoints without TensorFlow. Unknown or missing variables, wrong shapes and settings that
    contradict the arrays are refused.

    Args:
      family: of published weights: astromer1, astromer2, alerce-stamps, delight, or one that an installed package brings.
      source: the checkpoint's folder (with its settings file) or prefix, a file of named arrays (.npz), or for delight the
        .h5 file, the wheel, or the word astro-delight where that package is installed.
      out: new or empty folder; an earlier import there is replaced. Default: the cache, where the family's name finds
        it (lcjax predict alerce-stamps ...).
      num_heads: attention heads, only where no settings file tells.
    """
    from lcjax.pretrained.weights_folder import check_free, write_weights
    from lcjax.systems.importing import import_weights

    by_name = out is None
    out = imported_here(family) if out is None else out
    check_free(out)
    imported = import_weights(family, source, num_heads=num_heads)
    write_weights(out, imported)
    for key, value in imported.summary(family, out).items():
        tell(f"{key:<11} {value}")
    for note in imported.notes:
        tell(f"note        {note}")
    Console().print(
        f"[dim]next: lcjax predict {family if by_name else out} FILES --out predictions.parquet[/]",
        highlight=False,
        soft_wrap=True,
    )
