"""Yakopcic's model of 2020: its curves against the fitting script's formulas, written out here."""

import math

import jax
import numpy as np
import pytest

from ohmprop import devices


def _script_current(v, x):
    """The fit's four sinh branches, A: g and b by state and polarity."""
    on = 9e-5 * math.sinh(4.96 * v) if v > 0 else 1.7e-4 * math.sinh(3.23 * v)
    off = 1.5e-5 * math.sinh(6.91 * v) if v > 0 else 4.4e-7 * math.sinh(2.6 * v)
    return x * on + (1 - x) * off


def _script_rate(v, x):
    """dx/dt, 1/s, with the fit's speeds over 843 and its own x_n = 0.242."""
    if v > 0.5:
        f = math.exp(-(x - 0.1)) * (1 - (x - 0.1) / 0.9) if x >= 0.1 else 1
        return 90 / 843 * (math.exp(v) - math.exp(0.5)) * f
    if v < -0.5:
        f = math.exp(x - 0.242) * x / 0.242 if x <= 0.242 else 1
        return -10 / 843 * (math.exp(-v) - math.exp(0.5)) * f
    return 0.0


@pytest.mark.parametrize("v", [-2.0, -0.7, -0.5, -0.1, 0.0, 0.1, 0.5, 0.7, 1.0])
def test_current_and_rate_are_the_fitted_ones(v):
    device = devices.make("yakopcic2020", "tiotto")
    for x in (0.0, 0.05, 0.2, 0.5, 1.0):
        assert float(device.current(v, x)) == pytest.approx(_script_current(v, x), rel=1e-12)
        assert float(device.rate(v, x)) == pytest.approx(_script_rate(v, x), rel=1e-12, abs=0)


def test_resistances_are_read_at_the_read_voltage():
    device = devices.make("yakopcic2020", r_on=1e3, r_off=5e4)
    v = device.read_voltage
    assert v == 0.1
    for x, r in ((device.upper, 1e3), (device.lower, 5e4)):
        assert v / float(device.current(v, x)) == pytest.approx(r, rel=1e-12)
        assert 1 / float(device.conductance(x)) == pytest.approx(r, rel=1e-12)
    x = np.linspace(0, 1, 7)
    np.testing.assert_allclose(device.state(device.conductance(x)), x, atol=1e-14)
    # The other polarity keeps its ratio.
    first = devices.make("yakopcic2020")
    kept = first.current(-0.3, 1.0) * first.r_on
    assert float(device.current(-0.3, 1.0) * 1e3) == pytest.approx(float(kept), rel=1e-12)


def test_branches_of_the_fit_cross_below_one_volt():
    device = devices.make("yakopcic2020", "tiotto")
    rise = [float(device.current(v, 1.0) - device.current(v, 0.0)) for v in (0.9, 0.93)]
    assert rise[0] > 0 > rise[1]


def test_a_sweep_of_seconds_opens_a_loop_and_weak_pulses_do_nothing():
    """The fitted device is swept in tens of seconds; that is what the division by 843 means."""
    device = devices.make("yakopcic2020", "tiotto")
    pulse = jax.jit(lambda x, v, t: device.pulse(x, v, t))
    risen = float(pulse(0.0, 1.0, 10.0))
    assert 0.4 < risen < 0.9
    assert 0.01 < float(pulse(risen, -2.0, 10.0)) < risen - 0.1
    assert float(pulse(risen, 0.5, 1e9)) == risen == float(pulse(risen, -0.5, 1e9))


def test_sources_say_that_the_set_is_a_fit():
    assert list(devices.Yakopcic2020.PARAMETERS) == ["tiotto"]
    for parameter in devices.parameter_set("yakopcic2020").values():
        assert "not from a publication" in parameter.source
