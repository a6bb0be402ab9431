"""These networks are tiny: compiling them costs far more than running them unoptimised."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="package")
def quick_compilation():
    """XLA without its costly passes, for this folder only."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
