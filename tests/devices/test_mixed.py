"""Several models behind one: the chosen one answers, however the choice is mapped."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices
from ohmprop.devices import AbstractMemristor, Mixed

NAMES = ("linear", "vteam", "yakopcic")
MODELS = tuple(devices.make(name) for name in NAMES)
PLACES = jnp.asarray([0.1, 0.45, 0.8])  # states, as fractions of the span
VOLTS = jnp.asarray([1.0, -0.7, 2.0])


def answers(device: AbstractMemristor) -> dict[str, Any]:
    """What a device says of three states; pulses move it by about a hundredth of its span."""
    span = device.upper - device.lower
    x = device.lower + PLACES * span
    rate = device.rate(VOLTS, x)
    t = 0.01 * span / jnp.maximum(jnp.abs(rate), 1e-3 * span)
    g = device.conductance(x)
    return {
        "r_on": device.r_on,
        "r_off": device.r_off,
        "polarity": jnp.asarray(device.polarity),
        "lower": device.lower,
        "upper": device.upper,
        "conductance": g,
        "state": device.state(1.1 * g),
        "current": device.current(VOLTS, x),
        "rate": rate,
        "euler": device.euler(x, VOLTS, t),
        "pulse": device.pulse(x, VOLTS, t),
    }


def of_choice(index: jax.Array) -> dict[str, Any]:
    return answers(Mixed(models=MODELS, index=index))  # pyright: ignore[reportCallIssue]


@pytest.fixture(scope="module")
def wanted() -> list[dict[str, Any]]:
    """The answers of each model by itself."""
    return jax.jit(lambda models: [answers(m) for m in models])(MODELS)


WAYS = {
    "one at a time": lambda index: [jax.jit(of_choice)(k) for k in index],
    "side by side": jax.jit(jax.vmap(of_choice)),
    "one after another": jax.jit(lambda index: jax.lax.map(of_choice, index)),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_method_is_that_of_the_chosen_model(wanted, way):
    order = jnp.asarray([2, 0, 1])
    found = WAYS[way](order)
    for place, k in enumerate(order):
        own = found[place] if isinstance(found, list) else {n: v[place] for n, v in found.items()}
        assert own.keys() == wanted[k].keys()
        for name, value in own.items():
            np.testing.assert_allclose(
                value, wanted[k][name], rtol=1e-12, err_msg=f"{NAMES[k]}.{name}"
            )


def test_the_models_differ_in_every_answer(wanted):
    """Else the comparison above would not tell one model from another."""
    for name in wanted[0]:
        if name not in ("r_on", "r_off", "lower"):
            assert len({np.asarray(own[name]).tobytes() for own in wanted}) > 1, name
    for own in wanted:  # and pulses do something
        span = own["upper"] - own["lower"]
        assert np.max(np.abs(own["pulse"] - own["lower"] - PLACES * span)) > 0.005 * span


def test_parameters_may_vary_with_the_choice():
    first, second = (
        [devices.make("linear", r_off=r_off), devices.make("vteam", r_on=r_on)]
        for r_off, r_on in ((1e3, 20.0), (1e4, 50.0))
    )
    models = jax.tree.map(lambda *leaves: jnp.stack(leaves), tuple(first), tuple(second))
    for index, wanted in (([0, 1], (first[0], second[1])), ([1, 0], (first[1], second[0]))):
        fleet = Mixed(models=models, index=jnp.asarray(index))  # pyright: ignore[reportCallIssue]
        found = jax.vmap(lambda device: (device.r_on, device.r_off))(fleet)
        np.testing.assert_array_equal(found, [[m.r_on for m in wanted], [m.r_off for m in wanted]])


def test_gradients_through_a_mapped_choice_are_those_of_the_chosen_model():
    def slope(device: AbstractMemristor) -> jax.Array:
        x = device.lower + PLACES * (device.upper - device.lower)
        return jax.grad(lambda x: jnp.sum(device.conductance(x)))(x)

    index = jnp.arange(len(MODELS))
    found = jax.jit(jax.vmap(lambda k: slope(Mixed(models=MODELS, index=k))))(index)  # pyright: ignore[reportCallIssue]
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, [slope(model) for model in MODELS], rtol=1e-12)
