"""Optimisers against hand-written loops and Optax."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ohmprop._core import BadInput
from ohmprop.learning import ebana_adam, make_optimiser

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
    with pytest.raises(BadInput, match="sgd"):
        make_optimiser("sgd", decay=0.5)
