"""A scheme chosen by a number: its writes are those of the scheme itself, however it is mapped."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop.drive import PAM, PWM, Pulse, Selected

Q = jnp.asarray(np.array([[3e-6, -2e-6], [0.0, 5e-5]]))
SCHEMES = (PWM(2.0), PAM(1e5))


def write(index, polarity: int) -> Pulse:
    pulse = Selected(SCHEMES, index).write(Q, polarity)
    assert isinstance(pulse, Pulse)
    return pulse


WAYS = {
    "one at a time": lambda index, p: [write(k, p) for k in index],
    "side by side": lambda index, p: jax.vmap(lambda k: write(k, p))(index),
    "one after another": lambda index, p: jax.lax.map(lambda k: write(k, p), index),
}


@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize("way", WAYS)
def test_the_write_is_that_of_the_chosen_scheme(way, polarity):
    order = jnp.asarray([1, 0, 1])
    found = WAYS[way](order, polarity)
    for place, k in enumerate(order):
        own = found[place] if isinstance(found, list) else Pulse(*(leaf[place] for leaf in found))
        wanted = SCHEMES[k].write(Q, polarity)
        np.testing.assert_array_equal(own.v, wanted.v)
        np.testing.assert_array_equal(own.t, wanted.t)


def test_runs_with_numbers_of_their_own_keep_them():
    """Two runs by pulse width at 1 V and 2 V, and one by amplitude, in one mapped scheme."""
    wide, tall = PWM(jnp.asarray([1.0, 2.0, 1.0])), PAM(jnp.asarray([1e6, 1e6, 1e5]))
    fleet = Selected((wide, tall), jnp.asarray([0, 0, 1]))
    found = jax.vmap(lambda scheme: scheme.write(Q, 1))(fleet)
    for place, alone in enumerate((PWM(1.0), PWM(2.0), PAM(1e5))):
        wanted = alone.write(Q, 1)
        np.testing.assert_allclose(found.v[place], wanted.v, rtol=1e-15)
        np.testing.assert_allclose(found.t[place], wanted.t, rtol=1e-15)
