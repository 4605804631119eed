"""Memory that is kept from one training step to the next, on Linux with glibc.

XLA's CPU backend asks for the buffers of a step and gives them back after it. glibc passes large ones on to the kernel, which
unmaps them and clears new pages for the next step: a third of the CPU time of a training step. With these settings freed
memory stays with the process. The price is a larger resident set: the process never shrinks below its peak, and XLA's aligned
buffers of a step may lie two or three times in the heap (its free end is given back from 2 GB on).

One arena is part of it. The buffers of a step (1 GB for 32 windows of Astromer 2) are asked for by a thread of XLA, and in the
arena of a thread, whose heaps hold 64 MB, glibc maps whatever is larger in spite of the other settings.
"""

import ctypes
import os
import sys

SWITCH = "LCJAX_KEEP_MEMORY"
"""Environment variable: 0 leaves the allocator as it is."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_SETTINGS = ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
"""Parameters of `mallopt(3)`: one arena for all threads, no mapping for a large block, no giving back at the end of the heap,
growth in large steps."""


def keep_freed_memory() -> bool:
    """Tells glibc to keep freed memory for this process.

    Call it before the first large allocation and before threads are started (jax starts its own with its first array).

    Returns:
      whether it does: not where the environment says otherwise (`LCJAX_KEEP_MEMORY=0`, or any `MALLOC_...` setting or
      `GLIBC_TUNABLES` of the user's own), nor with another C library.
    """
    own = any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    )
    if os.environ.get(SWITCH, "1") == "0" or own or not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no such function
        return False
    return all(mallopt(ctypes.c_int(name), ctypes.c_int(value)) == 1 for name, value in _SETTINGS)
