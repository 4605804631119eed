"""What a source of batches says of its data, such as what a model of magnitudes does without among fluxes."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape


def say_remarks(remarks: Iterable[str]) -> None:
    """Prints them beside the output, a line each."""
    for text in remarks:
        Console(stderr=True).print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
