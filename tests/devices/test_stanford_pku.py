"""Stanford-PKU RRAM against its printed equations, SciPy's integrator and its random walk."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ohmprop import devices

Q_OVER_K = 1.602176634e-19 / 1.380649e-23  # K/V
NM = 1e-9


def _current(v, g):
    return 1e-3 * np.exp(-g / 0.25e-9) * np.sinh(v / 0.25)


def _rate(v, g, r_th=2100.0, f_min=1.4e9):
    """The nanoHUB model's dg/dt in plain numpy, m/s."""
    temperature = 298 + abs(v * _current(v, g)) * r_th
    gamma = 16 - 0.8 * (g / NM) ** 3
    if gamma * abs(v) / 12e-9 < f_min:
        return 0.0
    beta = Q_OVER_K / temperature
    return -10 * math.exp(-0.6 * beta) * math.sinh(gamma * 0.25 / 12 * v * beta)


def _make(**changed) -> devices.StanfordPKU:
    device = devices.make("stanford_pku", **changed)
    assert isinstance(device, devices.StanfordPKU)
    return device


PULSE = jax.jit(lambda device, g, v, t: device.pulse(g, v, t))
SAMPLE = jax.jit(lambda device, key, g, v, t: device.sample(key, g, v, t))


def test_current_and_derived_scales_are_the_published_ones():
    device = _make()
    assert float(device.I_0) == pytest.approx(1e-3, rel=1e-12)
    assert float(device.g_0) == pytest.approx(0.25e-9, rel=1e-12)
    # 0.2 nm and 0.1 V: 1e-3 e^-0.8 sinh(0.4) = 0.1846 mA; each 0.25 nm divides by e.
    assert float(device.current(0.1, 0.2e-9)) == pytest.approx(1.8456e-4, rel=1e-4)
    assert float(device.r_off / device.r_on) == pytest.approx(math.exp(6), rel=1e-12)
    for v in (-2.0, -0.7, 0.1, 1.4):
        g = np.linspace(0.2e-9, 1.7e-9, 5)
        np.testing.assert_allclose(device.current(v, g), _current(v, g), rtol=1e-12)


@pytest.mark.parametrize("v", [-2.0, -1.3, -1.0, 0.0, 0.9, 1.1, 1.3, 2.0])
def test_rate_is_the_published_one(v):
    g = np.linspace(0.2e-9, 1.7e-9, 13)
    want = [_rate(v, x) for x in g]
    np.testing.assert_allclose(_make().rate(v, g), want, rtol=1e-9)


def test_nothing_moves_below_the_least_field():
    device, g = _make(), np.linspace(0.2e-9, 1.7e-9, 7)
    assert (np.asarray(device.rate(np.array([[-1.04], [0.0], [1.04]]), g)) == 0).all()
    assert (np.asarray(PULSE(device, g, 1.0, 1.0)) == g).all()
    assert float(device.rate(1.06, 0.2e-9)) < 0 < float(device.rate(-1.06, 0.2e-9))


def test_self_heating_speeds_switching_up():
    # Least gap at 1.3 V: i = 1e-3 e^-0.8 sinh(5.2) = 40.7 mA, so T = 298 + 111 K.
    device = _make()
    assert float(device.temperature(1.3, 0.2e-9)) == pytest.approx(298 + 111.2, abs=0.1)
    cold = _make(R_th=0.0)
    ratio = float(device.rate(-1.3, 0.2e-9) / cold.rate(-1.3, 0.2e-9))
    assert ratio == pytest.approx(_rate(-1.3, 0.2e-9) / _rate(-1.3, 0.2e-9, r_th=0), rel=1e-9)
    assert ratio > 5


@pytest.mark.parametrize(("v", "g", "still"), [(1.4, 1.6, 0.3), (-1.2, 0.25, 1.2), (-1.6, 0.5, 1.5),
                                               (1.2, 0.9, 0.3), (2.0, 1.7, 0.3)])  # fmt: skip
def test_pulse_solves_the_rate_equation(v, g, still):
    """To 1e-7 of the span, on the way and past what stops it: a bound, or the least field."""
    device, span = _make(), 1.5e-9

    def reached(_, y):
        return y[0] - still * NM

    reached.terminal = True  # pyright: ignore[reportFunctionMemberAccess]
    whole = solve_ivp(
        lambda _, y: [_rate(v, y[0])], (0, 1e3), [g * NM], events=reached, dense_output=True,
        method="LSODA", rtol=1e-11, atol=1e-20,
    )  # fmt: skip
    t = whole.t_events[0][0] * np.array([0.1, 0.5, 0.9, 0.99])
    want = whole.sol(t)[0]
    np.testing.assert_allclose(
        PULSE(device, np.full(4, g * NM), v, t), want, rtol=0, atol=1e-7 * span
    )
    end = float(PULSE(device, g * NM, v, 1e3 * t[-1]))
    if v > 0:
        assert end == 0.2e-9
    else:  # where gamma |v|/t_ox falls to F_min
        stop = min(1.7, ((16 - 1.4e9 * 12e-9 / -v) / 0.8) ** (1 / 3)) * NM
        assert end == pytest.approx(stop, abs=1e-7 * span)


def test_sample_walks_at_random_about_the_pulse():
    device, n, t = _make(delta_g=1e-3), 20000, 1e-8
    g = jnp.full(n, 1.0e-9)
    drawn = np.asarray(SAMPLE(device, jax.random.key(5), g, -0.9, t))  # below the least field
    heat = 298 + 0.9 * abs(_current(-0.9, 1.0e-9)) * 2100
    delta = 1e-3 / (1 + math.exp((450 - heat) / 500))
    assert drawn.mean() == pytest.approx(1.0e-9, abs=4 * delta * math.sqrt(1e-9 * t / n))
    assert drawn.std() == pytest.approx(delta * math.sqrt(1e-9 * t), rel=0.03)


def test_sample_follows_the_sources_walk_step_by_step():
    """Against the source's scheme, noise redrawn every nanosecond, while the gap opens."""
    v, g0, steps, n = -1.25, 0.5e-9, 50, 4000
    rng, g = np.random.default_rng(1), np.full(n, 0.5e-9)
    rate = np.vectorize(_rate)
    table = np.linspace(0.4e-9, 1.2e-9, 400)
    speed = rate(v, table)
    for _ in range(steps):
        heat = 298 + np.abs(v * _current(v, g)) * 2100
        delta = 2e-4 / (1 + np.exp((450 - heat) / 500))
        g = g + 1e-9 * (np.interp(g, table, speed) + delta * rng.standard_normal(n))
    device = _make(delta_g=2e-4)
    drawn = np.asarray(SAMPLE(device, jax.random.key(2), jnp.full(n, g0), v, steps * 1e-9))
    assert drawn.mean() == pytest.approx(g.mean(), abs=1e-3 * 1.5e-9)
    assert drawn.std() == pytest.approx(g.std(), rel=0.15)


def test_sample_without_voltage_or_noise_is_the_pulse():
    device, g = _make(), jnp.linspace(0.3e-9, 1.6e-9, 4)
    key = jax.random.key(0)
    np.testing.assert_array_equal(SAMPLE(device, key, g, 0.0, 1e-3), g)
    quiet = _make(delta_g=0.0)
    np.testing.assert_array_equal(SAMPLE(quiet, key, g, 1.5, 1e-9), PULSE(quiet, g, 1.5, 1e-9))
    wild = np.asarray(SAMPLE(device, key, g, 0.5, 1.0))
    assert wild.min() >= 0.2e-9 and wild.max() <= 1.7e-9


def test_high_voltages_stay_finite():
    single = jax.tree.map(lambda a: a.astype(jnp.float32), _make())
    for device in (_make(), single):
        g = jnp.asarray([0.2e-9, 1.0e-9, 1.7e-9], device.r_on.dtype)
        for v in (-20.0, 20.0):
            assert bool(jnp.isfinite(device.current(v, g)).all())
            assert bool(jnp.isfinite(device.rate(v, g)).all())
