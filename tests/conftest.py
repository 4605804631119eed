"""Fixtures every room uses: where the recorded originals and the real survey files are; and how the suite compiles."""

import atexit
import contextlib
import ctypes
import gc
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOM = 2.5e9
"""Bytes of a worker beyond which compiled programs are dropped after a test file."""


def _remove(folder: str, owner: int) -> None:
    """Of the process that made it, not of its copies by fork."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


# Most of the suite's time is compilation of programs that then run for milliseconds: they are compiled in haste
# (JAX_DISABLE_MOST_OPTIMIZATIONS=0 compiles as users do), and one that some test, worker or process has compiled is not
# compiled again. Set before jax is imported; processes that tests start inherit both.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="lcjax-compiled-")
    atexit.register(_remove, os.environ["JAX_COMPILATION_CACHE_DIR"], os.getpid())
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
# Commands that tests call in their own process must not make it keep all memory it ever had.
os.environ.setdefault("LCJAX_KEEP_MEMORY", "0")
os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # of the workers: what the compiler's threads free is used again

EARLY = ("tests/plugins/", "tests/chaos/", "tests/distributed/", "tests/parity/", "tests/benchmarks/", "tests/cli/")
"""Files of few long tests: begun last, one worker would wait for the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order within a file stays."""
    items.sort(key=lambda item: next((i for i, name in enumerate(EARLY) if item.nodeid.startswith(name)), len(EARLY)))


@pytest.fixture(scope="module", autouse=True)
def _programs_of_one_file():
    """A worker does not keep every program of every file."""
    yield
    if "jax" in sys.modules and _resident() > ROOM:
        sys.modules["jax"].clear_caches()
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)


def _resident() -> float:
    """Bytes of memory of this process now, where the system tells."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else 0.0


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
