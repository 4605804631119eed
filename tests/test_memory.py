"""Freed memory stays with the process, unless the user wants otherwise."""

import os
import subprocess
import sys

import pytest

CODE = """
import resource, threading
from lcjax.memory import keep_freed_memory
kept = keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    for _ in range(10):
        block = bytearray(96 << 20)  # more than the heap of a thread's arena holds
        block[::4096] = b"x" * (len(block) // 4096)
        del block
if {threaded}:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(threaded=False, **environment):
    """Whether memory is kept, and the page faults of ten blocks of 96 MB."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "LCJAX_KEEP", "GLIBC_TUN"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(threaded=threaded)],
        capture_output=True,
        text=True,
        env=clean | environment,
        timeout=60,
    )
    kept, count = done.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
@pytest.mark.parametrize("threaded", [False, True])
def test_blocks_are_mapped_once(threaded):
    kept, count = faults(threaded)
    if not kept:
        pytest.skip("this C library cannot be told to keep memory")
    switched_off, usual = faults(threaded, LCJAX_KEEP_MEMORY="0")
    assert not switched_off
    assert count < usual / 4


@pytest.mark.parametrize("name", ["LCJAX_KEEP_MEMORY", "MALLOC_ARENA_MAX"])
def test_the_user_has_the_last_word(name):
    assert faults(**{name: "0" if name.startswith("LCJAX") else "2"})[0] is False
