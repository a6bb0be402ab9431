"""Shared test set-up: float64 everywhere, and a location for the optional reference data."""

import gc
import os
from pathlib import Path

import equinox as eqx
import jax
import pytest

jax.config.update("jax_enable_x64", True)

_ROOT = Path(__file__).resolve().parent.parent
_SHARED = Path(os.environ.get("OHMPROP_SHARED", _ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference data beside the checkout; tests that need it skip without it."""
    if not (_SHARED / "reference").is_dir():
        pytest.skip("reference data not present beside the checkout")
    return _SHARED


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
