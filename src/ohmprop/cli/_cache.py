"""Where compiled programs are kept between commands."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The compilation cache: $OHMPROP_CACHE, else the platform's folder for caches."""
    given = os.environ.get("OHMPROP_CACHE")
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("ohmprop", appauthor=False)) / "jax"


def prepare_jax(dtype: str = "float64") -> None:
    """Set JAX up for one command: precision, and the persistent compilation cache."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import jax

    jax.config.update("jax_enable_x64", dtype == "float64")
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
