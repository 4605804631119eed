"""What a command says beside its output: of its data, such as what a model of magnitudes does without among fluxes."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape


def warn(text: str) -> None:
    """Prints a sentence that the user should not overlook."""
    Console(stderr=True).print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Prints a sentence of what is being done."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def note(text: str) -> None:
    """Prints a sentence."""
    Console(stderr=True).print(f"[dim]{escape(text)}[/]", highlight=False, soft_wrap=True)


def say_remarks(remarks: Iterable[str]) -> None:
    """Prints what a source of batches says of its data, a line each."""
    for text in remarks:
        warn(text)
