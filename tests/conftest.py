"""Shared test set-up: float64 everywhere, and a location for the optional reference data."""

import gc
import os
from pathlib import Path

import equinox as eqx
import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

jax.config.update("jax_enable_x64", True)

_ROOT = Path(__file__).resolve().parent.parent
_SHARED = Path(os.environ.get("OHMPROP_SHARED", _ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference data beside the checkout; tests that need it skip without it."""
    if not (_SHARED / "reference").is_dir():
        pytest.skip("reference data not present beside the checkout")
    return _SHARED


_SETTINGS = {  # what a command sets in its process
    name: getattr(jax.config, name)
    for name in (
        "jax_enable_x64",
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
}


@pytest.fixture(scope="session", autouse=True)
def _own_programs(tmp_path_factory):
    """Commands keep compiled programs in a folder of this run, not in the user's."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the workers of a run share it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OHMPROP_CACHE", str(folder / "programs"))
        yield


@pytest.fixture(autouse=True)
def _jax_as_it_was():
    """What a command set in this process is undone: no test depends on those before it."""
    yield
    changed = {k: v for k, v in _SETTINGS.items() if getattr(jax.config, k) != v}
    for name, value in changed.items():
        jax.config.update(name, value)
    if changed:
        compilation_cache.reset_cache()


@pytest.fixture(scope="module", autouse=True)
def _room_for_compiled_code():
    """Forget compiled programs before they use up the memory maps a process may have.

    Linux allows 65530; each program takes several, and the compiler crashes where there are none.
    """
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 20_000:
        eqx.clear_caches()
        jax.clear_caches()
        gc.collect()
