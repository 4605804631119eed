"""Freed memory stays with the process, unless the user wants otherwise."""

import os
import subprocess
import sys

import pytest

CODE = """
import resource
from lcjax.memory import keep_freed_memory
kept = keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    block = bytearray(32 << 20)
    block[::4096] = b"x" * (len(block) // 4096)
    del block
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**environment):
    """Whether memory is kept, and the page faults of twenty blocks of 32 MB."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "LCJAX_KEEP", "GLIBC_TUN"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=clean | environment, timeout=60
    )
    kept, count = done.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_blocks_are_mapped_once():
    kept, count = faults()
    if not kept:
        pytest.skip("this C library cannot be told to keep memory")
    switched_off, usual = faults(LCJAX_KEEP_MEMORY="0")
    assert not switched_off
    assert count < usual / 4


@pytest.mark.parametrize("name", ["LCJAX_KEEP_MEMORY", "MALLOC_ARENA_MAX"])
def test_the_user_has_the_last_word(name):
    assert faults(**{name: "0" if name.startswith("LCJAX") else "2"})[0] is False
