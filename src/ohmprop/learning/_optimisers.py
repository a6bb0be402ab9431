"""Optimisers: Optax's, and the seed's own Adam."""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from .._core import BadInput, nearest

_OPTAX = (
    "sgd adam adamw nadam rmsprop adagrad lion radam adabelief yogi lamb adamax amsgrad sign_sgd"
    " novograd"
).split()
_ALIASES = {"momentum": ("sgd", {"momentum": 0.9})}


class EbanaAdamState(NamedTuple):
    """Step count and the moments, stored after their bias correction."""

    count: jax.Array
    m: optax.Updates
    s: optax.Updates


def ebana_adam(decay: float = 0.5, eps: float = 1e-8) -> optax.GradientTransformation:
    """The seed's Adam, which stores its bias-corrected moments: not Adam, and named so.

    m <- (decay m + (1 - decay) g)/(1 - decay^k), s likewise with g^2; update -m/(sqrt(s) + eps).
    Steps 2 to 5 are up to 15 % too long at decay 0.5. Source: ebana-with-memristors,
    optimizers.py. Kingma and Ba's correction, which is not stored, is `adam`.
    """

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return EbanaAdamState(jnp.zeros([], jnp.int32), zeros, jax.tree.map(jnp.copy, zeros))

    def update(updates, state, params=None):
        del params
        count = state.count + 1
        dtype = jax.tree.leaves(updates)[0].dtype
        correction = 1 - jnp.asarray(decay, dtype) ** count.astype(dtype)
        m = jax.tree.map(lambda m, g: (decay * m + (1 - decay) * g) / correction, state.m, updates)
        s = jax.tree.map(
            lambda s, g: (decay * s + (1 - decay) * g * g) / correction, state.s, updates
        )
        steps = jax.tree.map(lambda m, s: -m / (jnp.sqrt(s) + eps), m, s)
        return steps, EbanaAdamState(count, m, s)

    return optax.GradientTransformation(init, update)


@lru_cache(maxsize=64)
def _make(name: str, options: tuple) -> optax.GradientTransformation:
    if name == "ebana_adam":
        return ebana_adam(**dict(options))
    factory, defaults = _ALIASES.get(name, (name, {}))
    return getattr(optax, factory)(1.0, **{**defaults, **dict(options)})


def make_optimiser(name: str, **options) -> optax.GradientTransformation:
    """`sgd`, `momentum`, `adam`, `ebana_adam`, or any Optax alias, at unit learning rate.

    The trainer multiplies the result by each crossbar's rate.
    """
    known = {"ebana_adam", *_ALIASES, *_OPTAX}
    if name not in known:
        raise BadInput(f"learning.optimiser: no optimiser named {name!r}.{nearest(name, known)}")
    try:
        return _make(name, tuple(sorted(options.items())))
    except TypeError as error:
        raise BadInput(f"learning.optimiser: {name} does not take these options: {error}") from None
