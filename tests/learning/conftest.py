"""These networks are tiny: compiling them costs far more than running them unoptimised."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def quick_compilation():
    """XLA without its costly passes, for this folder only.

    Not of scope "package": in a folder without an __init__.py that lasts to the end of the run.
    """
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
