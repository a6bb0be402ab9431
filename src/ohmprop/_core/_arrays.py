"""Elementwise arithmetic that stays finite."""

import jax.numpy as jnp
from jaxtyping import Array


def ratio(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is not positive."""
    return jnp.where(b > 0, a / jnp.where(b > 0, b, 1.0), 0.0)
