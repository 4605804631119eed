"""What a terminal shows of a download: nothing before the first byte, then name and size."""

import io

from rich.console import Console

from lcjax.pretrained.download_bar import download_bar


def test_a_bar_comes_with_the_first_byte():
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80)
    with download_bar(console, "astromer1-macho") as progress:
        assert "astromer1" not in shown.getvalue()
        progress(1_000, 4_000)
        progress(4_000, 4_000)
    assert "astromer1-macho" in shown.getvalue() and "4.0/4.0 kB" in shown.getvalue()


def test_no_bar_where_there_is_no_terminal():
    shown = io.StringIO()
    with download_bar(Console(file=shown), "n") as progress:
        progress(1, None)
    assert shown.getvalue().strip() == ""
