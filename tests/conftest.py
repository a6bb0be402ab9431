"""Shared test set-up: float64, quick compilation, a location for the optional reference data.

Compiling is most of what the tests cost, and takes half as long without XLA's fusion emitters.
Programs that tests start in processes of their own compile as they do for users. So does everything
with XLA_FLAGS=--xla_cpu_use_fusion_emitters=true, for the last of two equal flags counts.
"""

import gc
import os
from pathlib import Path

_FLAGS = os.environ.get("XLA_FLAGS")
os.environ["XLA_FLAGS"] = f"--xla_cpu_use_fusion_emitters=false {_FLAGS or ''}"

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.devices()  # reads the flags, once for all
if _FLAGS is None:
    del os.environ["XLA_FLAGS"]
else:
    os.environ["XLA_FLAGS"] = _FLAGS

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
