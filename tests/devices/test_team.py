"""TEAM: thresholds in the current, pulses against SciPy and the closed form for alpha = 3."""

import math

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ohmprop import devices
from ohmprop._core import BadInput

PULSE = jax.jit(lambda device, x, v, t: device.pulse(x, v, t))
RATE = jax.jit(lambda device, x, v: device.rate(v, x))
SPAN = 3e-9  # m


def test_rate_by_hand():
    device = devices.make("team", "published")
    # w = 0: M = 100 ohm, 23 mV is 230 uA, twice i_off: k_off.
    assert float(device.rate(0.023, 0.0)) == pytest.approx(8e-13, rel=1e-12)
    # Three times |i_on|: -26.7 uA at 100 ohm: k_on 2^3.
    assert float(device.rate(-2.67e-3, 0.0)) == pytest.approx(-64e-13, rel=1e-12)
    assert device.polarity == -1


def test_resistance_options():
    for resistance, middle in (("linear", 525.0), ("exponential", math.sqrt(5e4))):
        device = devices.make("team", "xyce", resistance=resistance)
        w = np.array([0.0, 1.5e-9, 3e-9])
        np.testing.assert_allclose(1 / device.conductance(w), [50, middle, 1e3], rtol=1e-12)
        np.testing.assert_allclose(device.state(device.conductance(w)), w, atol=1e-24)
        np.testing.assert_allclose(device.current(2.0, w), 2 * device.conductance(w), rtol=1e-14)


def test_window_option():
    device = devices.make("team", "published", window="kvatinsky")
    free = devices.make("team", "published")
    w = 1.2e-9  # a_off: e^-1; for the other direction (a_on - w)/w_c = 0.8/0.107
    assert float(device.rate(20.0, w) / free.rate(20.0, w)) == pytest.approx(math.exp(-1))
    assert float(device.rate(-20.0, w)) == pytest.approx(0, abs=1e-300)
    assert float(free.rate(-20.0, w)) < 0


@pytest.mark.parametrize("params", ["published", "xyce"])
@pytest.mark.parametrize("resistance", ["linear", "exponential"])
def test_below_the_current_threshold_nothing_moves(params, resistance):
    device = devices.make("team", params, resistance=resistance)
    w = np.linspace(0, SPAN, 13)
    m = np.asarray(1 / device.conductance(w))
    for threshold in (115e-6, -8.9e-6):
        np.testing.assert_array_equal(PULSE(device, w, threshold * m * (1 - 1e-9), 1e12), w)
        moved = np.asarray(PULSE(device, w, threshold * m * 2, 1e2)) - w
        inside = moved[:-1] if threshold > 0 else moved[1:]
        assert (inside * threshold > 0).all()


def test_switching_off_stops_where_the_current_meets_its_threshold():
    """With alpha = 1 the state relaxes there exponentially: M = v/i_off, short of r_off."""
    device = devices.make("team", "xyce", alpha_off=1.0)
    for v in (0.03, 0.06, 0.1):
        stop = float(PULSE(device, 0.0, v, 1e6))
        assert float(1 / device.conductance(stop)) == pytest.approx(v / 115e-6, rel=1e-6)
    assert float(PULSE(device, 0.0, 0.2, 1e6)) == SPAN


@pytest.mark.parametrize("window", ["none", "kvatinsky"])
@pytest.mark.parametrize("resistance", ["linear", "exponential"])
@pytest.mark.parametrize("params", ["published", "xyce"])
def test_pulse_is_the_solution_of_the_rate(params, resistance, window):
    device = devices.make("team", params, resistance=resistance, window=window)
    rng, n = np.random.default_rng(11), 10
    w = SPAN * np.r_[0, 1, 0, 1, rng.uniform(0.02, 0.98, n - 4)]
    v = rng.choice([-1, 1], n) * rng.uniform(0.3, 1.3, n)
    v[:4] = 1, 1, -1, -1
    speed = np.abs(RATE(device, np.clip(w, 0.05 * SPAN, 0.95 * SPAN), v))
    t = SPAN / np.maximum(speed, 1e-15) * 10 ** rng.uniform(-2, 0.3, n)
    found = np.asarray(PULSE(device, w, v, t))
    for k in range(n):
        run = solve_ivp(
            lambda _, y, k=k: np.asarray(RATE(device, np.clip(y, 0, SPAN), v[k])),
            (0, t[k]), [w[k]], method="LSODA", rtol=1e-12, atol=1e-14 * SPAN,
        )  # fmt: skip
        wanted = np.clip(run.y[0, -1], 0, SPAN)
        assert abs(found[k] - wanted) <= 1e-7 * SPAN
    assert np.abs(found - w).max() > 1e-3 * SPAN


@pytest.mark.parametrize("share", [0.9, 0.7, 0.5])
def test_switching_on_runs_away_as_the_closed_form_says(share):
    """For alpha = 3 and M linear in w, q = M/(v/i_on) obeys an integral of elementary functions."""
    device, w, v = devices.make("team", "published"), 1.2e-9, -1.0
    critical, slope = v / -8.9e-6, (2e5 - 100) / SPAN  # ohm, ohm/m

    def spent(w):  # integral of (q/(1 - q))^3 dq
        p = 1 - (100 + slope * w) / critical
        return 1 / (2 * p**2) - 3 / p - 3 * math.log(p) + p

    t = (spent(w) - spent(share * w)) * critical / (8e-13 * slope)
    assert abs(float(PULSE(device, w, v, t)) - share * w) <= 1e-7 * SPAN


def test_slope_along_the_pulse_is_the_rate():
    device, w, v, t = devices.make("team", "published"), 0.3e-9, 1.0, 50.0
    after, slope = jax.jit(
        lambda t: jax.jvp(lambda t: device.pulse(w, v, t), (t,), (1.0,))
    )(t)  # fmt: skip
    assert float(slope) == pytest.approx(float(device.rate(v, after)), rel=1e-5)


def test_numbers_and_their_sources():
    report, xyce = (devices.parameter_set("team", s) for s in ("published", "xyce"))
    assert (report["r_on"].value, report["r_off"].value) == (100, 2e5)
    assert (xyce["r_on"].value, xyce["r_off"].value) == (50, 1e3)
    for numbers in (report, xyce):
        assert numbers["i_on"].value == -8.9e-6
        assert "printed +8.9e-6" in numbers["i_on"].source


@pytest.mark.parametrize("option", ["resistance", "window"])
def test_unknown_options(option):
    with pytest.raises(BadInput, match=f"team: unknown {option} 'lineare'"):
        devices.make("team", **{option: "lineare"})
