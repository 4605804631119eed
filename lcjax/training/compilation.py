"""The persistent compile cache: a second run of the same program starts at once."""

import os

import jax

from lcjax.files import cache_folder


def enable_compile_cache() -> None:
    """Points jax at the user's cache folder unless one is configured already (`JAX_COMPILATION_CACHE_DIR`).

    `LCJAX_CACHE` moves it; an unwritable folder turns it off. Programs that compile in under half a second are not
    kept, unless `JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS` says otherwise.
    """
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    if jax.config.jax_compilation_cache_dir or os.environ.get("JAX_COMPILATION_CACHE_DIR"):  # type: ignore[attr-defined]
        return
    folder = cache_folder() / "jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
