"""What a command says beside its output: of its data, such as what a model of magnitudes does without among fluxes."""

from rich.console import Console
from rich.markup import escape


def warn(text: str, console: Console | None = None) -> None:
    """Prints a sentence that the user should not overlook; `console`: one that shows more than that."""
    (console or Console(stderr=True)).print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Prints a sentence of what is being done."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def note(text: str, console: Console | None = None) -> None:
    """Prints a sentence; `console`: one that shows more than that."""
    (console or Console(stderr=True)).print(f"[dim]{escape(text)}[/]", highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """Prints a sentence of what the command found or made, where its output goes."""
    Console().print(escape(text), highlight=False, soft_wrap=True)
