"""Optimisers against hand-written loops and Optax."""

import inspect
import math
import re

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ohmprop._core import BadInput
from ohmprop.learning import ebana_adam, make_optimiser
from ohmprop.learning._optimisers import _ALIASES, _OPTAX

RNG = np.random.default_rng(5)
GRADIENTS = [(RNG.normal(size=(2, 3)), 1e-3 * RNG.normal(size=(4,))) for _ in range(8)]


def updates(optimiser):
    params = tuple(jnp.ones_like(jnp.asarray(g)) for g in GRADIENTS[0])
    state, result = optimiser.init(params), []
    for gradient in GRADIENTS:
        step, state = optimiser.update(tuple(map(jnp.asarray, gradient)), state, params)
        result.append(step)
    return result


@pytest.mark.parametrize("decay", [0.5, 0.9])
def test_ebana_adam_is_the_seeds_loop(decay):
    found = updates(make_optimiser("ebana_adam", decay=decay))
    m, s = [0.0, 0.0], [0.0, 0.0]
    for k, gradient in enumerate(GRADIENTS, 1):
        for i, g in enumerate(gradient):
            m[i] = (decay * m[i] + (1 - decay) * g) / (1 - decay**k)
            s[i] = (decay * s[i] + (1 - decay) * g**2) / (1 - decay**k)
            wanted = -m[i] / (np.sqrt(s[i]) + 1e-8)
            np.testing.assert_allclose(found[k - 1][i], wanted, rtol=1e-12)


def test_ebana_adam_differs_from_adam_after_the_first_step():
    seed, adam = updates(ebana_adam()), updates(make_optimiser("adam", b1=0.5, b2=0.5))
    np.testing.assert_allclose(seed[0][0], adam[0][0], rtol=1e-12)
    assert np.abs(seed[2][0] / adam[2][0] - 1).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "options", "reference"),
    [
        ("adam", {}, optax.adam(1.0)),
        ("adam", {"b1": 0.8}, optax.adam(1.0, b1=0.8)),
        ("sgd", {}, optax.sgd(1.0)),
        ("momentum", {}, optax.sgd(1.0, momentum=0.9)),
        ("momentum", {"momentum": 0.5}, optax.sgd(1.0, momentum=0.5)),
        ("rmsprop", {}, optax.rmsprop(1.0)),
    ],
)
def test_names_are_optax_at_unit_rate(name, options, reference):
    for found, wanted in zip(updates(make_optimiser(name, **options)), updates(reference),
                             strict=True):  # fmt: skip
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_unknown_names_and_options_are_bad_input():
    with pytest.raises(BadInput, match="adam"):
        make_optimiser("adamm")
    with pytest.raises(BadInput, match="sgd has no such option"):
        make_optimiser("sgd", decay=0.5)
    with pytest.raises(BadInput, match="It has none"):
        make_optimiser("sign_sgd", b1=0.5)


@pytest.mark.parametrize(
    ("name", "option", "close"),
    [
        ("adam", "beta", "b1"), ("ebana_adam", "decey", "decay"), ("adamw", "weightdecay",
        "weight_decay"), ("momentum", "momentun", "momentum"), ("adam", "learning_rate", ""),
        ("adam", "mu_dtype", ""), ("adamw", "mask", ""), ("ebana_adam", "b1", "eps"),
    ],
)  # fmt: skip
def test_an_unknown_option_names_the_valid_ones(name, option, close):
    with pytest.raises(BadInput, match=f"learning.optimiser.{option}: {name}.*Known: .*{close}"):
        make_optimiser(name, **{option: 0.5})


@pytest.mark.parametrize("option", ["weightdecay", "epss"])
def test_a_misspelt_option_names_the_nearest(option):
    nearest = {"weightdecay": "weight_decay", "epss": "eps"}[option]
    with pytest.raises(BadInput, match=f"Did you mean '{nearest}'"):
        make_optimiser("adamw", **{option: 0.1})


NAMES = ["ebana_adam", "momentum", *_OPTAX]
REFUSED = {
    "b1": [-3, 1, 1.5], "b2": [-0.1, 1.0], "decay": [-1e-9, 1.0, 2], "momentum": [2, -0.5, 1],
    "eps": [-1, 0.0], "threshold": [0], "eps_root": [-1e-9], "weight_decay": [-1e-4],
    "initial_scale": [-1.0], "initial_accumulator_value": [-0.1],
}  # fmt: skip
NEVER = [math.nan, math.inf, -math.inf, "0.9", None, True, [0.9], 1j]  # for any number
ACCEPTED = {"b1": [0, 0.5], "b2": [0.99], "decay": [0.0, 0.9], "momentum": [0, 0.9], "eps": [1e-6],
            "threshold": [5], "eps_root": [0, 1e-9], "weight_decay": [0.0, 1e-3],
            "initial_scale": [0.0, 1], "initial_accumulator_value": [0.0, 0.1]}  # fmt: skip


def options_of(name):
    factory = ebana_adam if name == "ebana_adam" else getattr(optax, _ALIASES.get(name, (name,))[0])
    return set(inspect.signature(factory).parameters) - {
        "learning_rate", "mask", "mu_dtype", "accumulator_dtype",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_every_optimiser_has_a_range(name):
    for option in options_of(name):
        flag = option not in REFUSED
        good = [True, False] if flag else ACCEPTED[option]
        bad = [1, 0.0, "yes", None] if flag else REFUSED[option] + NEVER
        for value in good:
            make_optimiser(name, **{option: value})
        for value in bad:
            where = re.escape(f"learning.optimiser.{option}: expected ")
            found = re.escape(f"found {value!r}. Leave it out for ")
            with pytest.raises(BadInput, match=f"{where}.*{found}"):
                make_optimiser(name, **{option: value})


def test_options_at_the_ends_of_their_ranges_give_finite_steps():
    for name, option in (("adam", "b1"), ("ebana_adam", "decay"), ("sgd", "momentum"),
                         ("adagrad", "initial_accumulator_value")):  # fmt: skip
        for step in updates(make_optimiser(name, **{option: 0})):
            assert all(np.isfinite(s).all() for s in step)
