"""Optimisers: Optax's, and the seed's own Adam."""

import inspect
import math
from functools import lru_cache
from numbers import Real
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
_RANGES = {  # of every option a run may set: what is expected, and whether a number is that
    **dict.fromkeys(("b1", "b2", "decay", "momentum"), ("0 <= {} < 1", lambda x: 0 <= x < 1)),
    **dict.fromkeys(("eps", "threshold"), ("a finite {} > 0", lambda x: 0 < x < math.inf)),
    **dict.fromkeys(
        ("eps_root", "weight_decay", "initial_scale", "initial_accumulator_value"),
        ("a finite {} >= 0", lambda x: 0 <= x < math.inf),
    ),
}
_FLAGS = ("nesterov", "centered", "eps_in_sqrt", "bias_correction", "bias_correction_mu",
          "bias_correction_nu")  # fmt: skip


class EbanaAdamState(NamedTuple):
    """Step count and the moments, stored after their bias correction."""

    k: jax.Array
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
        k = state.k + 1
        dtype = jax.tree.leaves(updates)[0].dtype
        correction = 1 - jnp.asarray(decay, dtype) ** k.astype(dtype)
        m = jax.tree.map(lambda m, g: (decay * m + (1 - decay) * g) / correction, state.m, updates)
        s = jax.tree.map(
            lambda s, g: (decay * s + (1 - decay) * g * g) / correction, state.s, updates
        )
        steps = jax.tree.map(lambda m, s: -m / (jnp.sqrt(s) + eps), m, s)
        return steps, EbanaAdamState(k, m, s)

    return optax.GradientTransformation(init, update)


def _factory(name: str):
    """What makes the optimiser, and the options its name sets."""
    if name == "ebana_adam":
        return ebana_adam, {}
    factory, defaults = _ALIASES.get(name, (name, {}))
    return getattr(optax, factory), defaults


@lru_cache(maxsize=64)
def _make(name: str, options: tuple) -> optax.GradientTransformation:
    factory, defaults = _factory(name)
    rate = () if name == "ebana_adam" else (1.0,)
    return factory(*rate, **{**defaults, **dict(options)})


def _check(name: str, option: str, value: object) -> None:
    """Refuse an option the optimiser lacks, and a value out of the option's range."""
    taken = inspect.signature(_factory(name)[0]).parameters
    known = [o for o in (*_RANGES, *_FLAGS) if o in taken]
    where = f"learning.optimiser.{option}"
    if option not in known:
        hint = nearest(option, known) if known else " It has none."
        raise BadInput(f"{where}: {name} has no such option.{hint}")
    if option in _FLAGS:
        expected, fits = "true or false", isinstance(value, bool)
    else:
        expected, within = _RANGES[option]
        fits = isinstance(value, Real) and not isinstance(value, bool) and within(value)
    if not fits:
        default = {k: p.default for k, p in taken.items()} | _factory(name)[1]
        raise BadInput(
            f"{where}: expected {expected.format(option)}, found {value!r}. "
            f"Leave it out for {default[option]}."
        )


def make_optimiser(name: str, **options) -> optax.GradientTransformation:
    """`sgd`, `momentum`, `adam`, `ebana_adam`, or another of Optax's, at unit learning rate.

    The trainer multiplies the result by each crossbar's rate; weight decay acts on conductances
    (S). A `Trainer` takes any other Optax transformation as it is. Raises `BadInput` for a name or
    an option that does not exist, and for an option out of its range.
    """
    known = {"ebana_adam", *_ALIASES, *_OPTAX}
    if name not in known:
        raise BadInput(f"learning.optimiser: no optimiser named {name!r}.{nearest(name, known)}")
    for option, value in options.items():
        _check(name, option, value)
    return _make(name, tuple(sorted(options.items())))
