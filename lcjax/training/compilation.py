"""The persistent compile cache: a second run of the same program starts at once."""

import os
from pathlib import Path

import jax


def enable_compile_cache() -> None:
    """Points jax at the user's cache folder unless a cache is configured already (`JAX_COMPILATION_CACHE_DIR`).

    `LCJAX_CACHE` moves it; an unwritable folder turns it off.
    """
    if jax.config.jax_compilation_cache_dir or os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return
    base = os.environ.get("LCJAX_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lcjax"
    folder = Path(base) / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
