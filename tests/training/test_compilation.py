"""Where compiled programs are kept, and who has the last word."""

import jax
import pytest

from lcjax.training.compilation import enable_compile_cache

_FOLDER, _SECONDS = "jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"


@pytest.fixture(autouse=True)
def unset(monkeypatch, tmp_path):
    """As if nothing were configured; afterwards as before."""
    before = {name: getattr(jax.config, name) for name in (_FOLDER, _SECONDS)}
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
    jax.config.update(_FOLDER, None)
    jax.config.update(_SECONDS, 1.0)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_programs_go_to_the_cache_folder(tmp_path):
    enable_compile_cache()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "cache" / "jax")
    assert (tmp_path / "cache" / "jax").is_dir()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0.5


def test_what_is_configured_already_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "3")
    enable_compile_cache()
    assert jax.config.jax_compilation_cache_dir is None and not (tmp_path / "cache").exists()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 1.0
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    jax.config.update(_FOLDER, "chosen")
    enable_compile_cache()
    assert jax.config.jax_compilation_cache_dir == "chosen"


def test_an_unwritable_folder_turns_it_off(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "file"))
    enable_compile_cache()
    assert jax.config.jax_compilation_cache_dir is None
