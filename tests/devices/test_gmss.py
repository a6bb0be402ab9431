"""The generalised metastable switch: its current by hand, its pulses, and its statistics."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chi2, kstest

from ohmprop import devices

Q_OVER_K = 1.602176634e-19 / 1.380649e-23  # K/V
# Knowm: g_off, g_on (S), V_on, V_off (V), tau (s), phi, barrier forward and reverse (A, 1/V).
KNOWM = {
    "pd_wo3_w": (4e-6, 2.5e-5, 0.8, 1.0, 0.8e-3, 0.55, 1e-9, 8.5, 2.2e-8, 6.2),
    "gst": (0.12e-3, 1.2e-3, 0.6, 0.9, 0.42e-3, 0.7, 5e-5, 3.0, 5e-5, 3.0),
    "agchalc": (0.91e-3, 8.7e-3, 0.17, 0.22, 0.32e-3, 1.0, 0.0, 0.0, 0.0, 0.0),
    "aginsbte": (10e-3, 40e-3, 0.23, 0.25, 0.15e-3, 1.0, 0.0, 0.0, 0.0, 0.0),
}


def _make(params: str, **changed: float) -> devices.GMSS:
    device = devices.make("gmss", params, **changed)
    assert isinstance(device, devices.GMSS)
    return device


@pytest.mark.parametrize("params", KNOWM)
def test_current_is_the_published_one_with_the_ones(params):
    off, on, *_, phi, a_f, b_f, a_r, b_r = KNOWM[params]
    device = _make(params)
    for v in (-1.5, -0.4, -0.1, 0.05, 0.1, 0.7, 1.5):
        for x in (0.0, 0.3, 1.0):
            barrier = a_f * (math.exp(b_f * v) - 1) - a_r * (math.exp(-b_r * v) - 1)
            want = phi * v * (x * on + (1 - x) * off) + (1 - phi) * barrier
            assert float(device.current(v, x)) == pytest.approx(want, rel=1e-12)


def test_the_printed_current_would_not_be_pinched_at_pd_wo3_w():
    *_, phi, a_f, _, a_r, _ = KNOWM["pd_wo3_w"]
    assert (1 - phi) * (a_f - a_r) == pytest.approx(-9.45e-9)  # A, what the code has at 0 V
    assert float(_make("pd_wo3_w").current(0.0, 0.5)) == 0


@pytest.mark.parametrize("params", KNOWM)
def test_pulse_solves_the_rate_equation(params):
    _, _, v_on, v_off, tau, *_ = KNOWM[params]
    device, beta = _make(params), Q_OVER_K / 298.0
    for v, x0, n in ((v_on + 0.02, 0.1, 1.3), (-v_off, 0.8, 4.0), (0.5, 0.4, 20.0)):
        s_on = 1 / (1 + math.exp(-beta * (v - v_on)))
        s_off = 1 / (1 + math.exp(beta * (v + v_off)))
        want = solve_ivp(
            lambda _, x, a=s_on, b=s_off: (a * (1 - x) - b * x) / tau, (0, n * tau), [x0],
            method="DOP853", rtol=1e-12, atol=1e-14,
        ).y[0, -1]  # fmt: skip
        assert float(device.pulse(x0, v, n * tau)) == pytest.approx(want, abs=1e-11)


def _draws(device: devices.GMSS, x: float, v: float, t: float, n: int = 20000) -> np.ndarray:
    sample = jax.jit(lambda key, x: device.sample(key, x, v, t))
    return np.asarray(sample(jax.random.key(3), jnp.full(n, x)))


@pytest.mark.parametrize(("v", "turns"), [(0.81, 0.4), (0.81, 3.0), (-1.0, 0.4), (0.0, 1.0)])
def test_drawn_states_have_the_binomial_mean_and_variance(v, turns):
    _, _, v_on, v_off, tau, *_ = KNOWM["pd_wo3_w"]
    device, beta, x = _make("pd_wo3_w", N=1000.0), Q_OVER_K / 298.0, 0.4
    drawn = _draws(device, x, v, turns * tau)
    on = 1 / (1 + math.exp(-beta * (v - v_on)))
    off = 1 / (1 + math.exp(beta * (v + v_off)))
    ended = 1 - math.exp(-(on + off) * turns)
    p_on, p_off = on / (on + off) * ended, off / (on + off) * ended
    mean = x + (1 - x) * p_on - x * p_off
    variance = ((1 - x) * p_on * (1 - p_on) + x * p_off * (1 - p_off)) / 1000
    assert float(device.pulse(x, v, turns * tau)) == pytest.approx(mean, abs=1e-12)
    if v == 0:  # no switch turns: e^-31 of them a tau
        assert np.abs(drawn - x).max() < 1e-6
        return
    n = len(drawn)
    assert abs(drawn.mean() - mean) < 4 * math.sqrt(variance / n)
    low, high = chi2.ppf([1e-5, 1 - 1e-5], n - 1) / (n - 1)
    assert low < drawn.var(ddof=1) / variance < high
    assert kstest((drawn - mean) / math.sqrt(variance), "norm").pvalue > 1e-3


def test_short_pulses_are_knowms_step_and_long_ones_keep_within_the_bounds():
    *_, tau, _, _, _, _, _ = KNOWM["pd_wo3_w"]
    device = _make("pd_wo3_w", N=1e4)
    t, x = 1e-3 * tau, 0.4  # at V_on half the odds of tau: P = 5e-4
    drawn = _draws(device, x, 0.8, t)
    assert drawn.var() == pytest.approx((1 - x) * 5e-4 / 1e4, rel=0.05)
    most = _draws(device, 0.9, 1.5, 50 * tau)
    assert most.min() >= 0 and most.max() <= 1
    np.testing.assert_array_equal(_draws(device, x, 0.8, 0.0), x)


def test_more_switches_spread_less():
    spread = [_draws(_make("pd_wo3_w", N=n), 0.4, 0.8, 1e-3).std() for n in (1e2, 1e4, 1e6)]
    np.testing.assert_allclose(np.divide(spread[:-1], spread[1:]), 10, rtol=0.03)


def test_sample_under_vmap_and_in_single_precision():
    device = jax.tree.map(lambda a: a.astype(jnp.float32), _make("gst"))
    x = jnp.linspace(0.1, 0.9, 6, dtype=jnp.float32)
    keys = jax.random.split(jax.random.key(0), 6)
    drawn = jax.vmap(lambda key, x: device.sample(key, x, 0.65, 1e-4))(keys, x)
    assert drawn.shape == (6,) and drawn.dtype == jnp.float32
    assert (np.asarray(drawn) != np.asarray(x)).all()
