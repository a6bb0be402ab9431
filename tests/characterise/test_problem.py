"""How the voltage of a sweep is taken to run between its samples."""

import jax.numpy as jnp
import numpy as np

from ohmprop.characterise._problem import _bend


def bend(t, v):
    return np.asarray(_bend(jnp.diff(jnp.asarray(t, float)), jnp.diff(jnp.asarray(v, float))))


def test_a_sine_is_bent_as_its_second_derivative_at_uneven_times_too():
    t = np.cumsum(np.random.default_rng(0).uniform(0.005, 0.01, 300))
    v = np.sin(2 * np.pi * t)
    middle = (t[1:] + t[:-1]) / 2
    wanted = -((2 * np.pi) ** 2) * np.sin(2 * np.pi * middle) * np.diff(t) ** 2
    np.testing.assert_allclose(bend(t, v)[1:-1], wanted[1:-1], atol=4e-4)
    assert np.abs(wanted).max() > 3e-3


def test_corners_steps_and_jumps_are_not_rounded():
    triangle = [0, 1, 2, 3, 2, 1, 0, -1, -2, -1, 0]
    stairs, jump = [0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 1], [0, 1, 2, 3, 3, -3, -2, -1, 0, 1, 2]
    even = np.arange(11)
    at_once = np.array([0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9])
    assert not bend(even, triangle).any() and not bend(at_once, jump).any()
    np.testing.assert_allclose(bend(even, stairs) * np.diff(stairs), 0)
