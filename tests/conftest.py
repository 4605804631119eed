"""Fixtures every room uses: where the recorded originals and the real survey files are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _shared(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or ROOT.parent / "shared" / default)


@pytest.fixture(scope="session")
def golden_root() -> Path:
    """Arrays recorded from the original implementations (`$LCJAX_GOLDEN`)."""
    root = _shared("LCJAX_GOLDEN", "golden")
    if not root.is_dir():
        pytest.skip(f"recorded originals are not at hand ({root}; set LCJAX_GOLDEN)")
    return root


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Real survey files (`$LCJAX_DATA`)."""
    root = _shared("LCJAX_DATA", "data")
    if not root.is_dir():
        pytest.skip(f"real survey files are not at hand ({root}; set LCJAX_DATA)")
    return root
