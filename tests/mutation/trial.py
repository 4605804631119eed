"""One mutant against its tests, in a process of its own.

The process is forked from one that has imported what takes long (jax, flax, pytest) and no module of ours; the mutant is
given to the importer, so that no file is ever changed.
"""

import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest

OPTIONS = ("-q", "-x", "-o", "addopts=", "--doctest-modules", "--noconftest", "-p", "tests.conftest")
OPTIONS += ("-p", "no:cacheprovider", "-p", "no:randomly")
PRELOADED = ("chex", "flax.linen", "hypothesis.extra.numpy", "jax.numpy", "numpy", "optax")
OUT_OF_TIME = "out of time"


class Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from the given code; also a plugin of pytest, which would read the file itself if it came first."""

    def __init__(self, path: Path, code: str) -> None:
        self.path, self.code, self.name = path, code, ".".join(path.with_suffix("").parts)

    def pytest_configure(self):
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path.resolve(), loader=self)

    def exec_module(self, module):
        exec(compile(self.code, str(self.path), "exec"), module.__dict__)


def preload() -> None:
    """Imports what all trials need; a compilation is read from the cache the second time."""
    import jax

    for name in PRELOADED:
        importlib.import_module(name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def start(path: Path, code: str, tests: list[str], cpu_seconds: int) -> int:
    """Forks a trial of the module at `path` with `code` in its place; returns its process id."""
    child = os.fork()
    if child:
        return child
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        sys.dont_write_bytecode = True
        status = pytest.main([*OPTIONS, str(path), *tests], plugins=[Replaced(path, code)])
    except BaseException:
        status = 1
    os._exit(int(status))


def finished(child: int, deadline: float) -> str | None:
    """`survived`, `killed`, `out of time`, or None while it runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        if time.monotonic() < deadline:
            return None
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return OUT_OF_TIME
    if os.WIFSIGNALED(status):
        return OUT_OF_TIME if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else "killed"
    return "killed" if os.WEXITSTATUS(status) else "survived"
