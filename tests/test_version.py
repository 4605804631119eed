"""One version: of the package, of the citation, and as the command line says it."""

import re
from pathlib import Path

import lcjax
from lcjax import version

ROOT = Path(__file__).resolve().parent.parent


def test_one_version_everywhere(capsys):
    number = version.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", number) and lcjax.__version__ == number
    assert f"\nversion: {number}\n" in (ROOT / "CITATION.cff").read_text()
    assert "version = attr: lcjax.version.__version__" in (ROOT / "setup.cfg").read_text()
