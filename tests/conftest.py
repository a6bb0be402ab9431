"""Shared test set-up: float64 everywhere, and a location for the optional reference data."""

import os
from pathlib import Path

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
