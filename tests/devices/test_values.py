"""Pulse values worked out by hand from the printed equations, and the documented seed errors."""

import math

import numpy as np
import pytest

from ohmprop import devices


def _pulse(model: str, params: str, x: float, v: float, t: float, **kw) -> float:
    return float(devices.make(model, params, **kw).euler(x, v, t))


def test_linear_gains_the_flux():
    assert _pulse("linear", "seed", 4e-4, -1.0, 3e-5) == pytest.approx(3.7e-4, rel=1e-14)


def test_ion_drift_by_hand():
    # w = D/2: M = 50050 ohm; dw = 1e-9 * 1e10 * (1 V/50050) * 2e-8 s = 3.996e-12 m.
    step = 10 / 50050 * 2e-8
    assert _pulse("linear_ion_drift", "seed", 5e-9, 1.0, 2e-8) == pytest.approx(
        5e-9 + step, rel=1e-14
    )
    # p = 1 windows at w = D/4: Joglekar 3/4, Biolek 15/16 upwards and 7/16 downwards.
    m = 25 + 75000
    for model, v, f in [
        ("joglekar", 1, 3 / 4),
        ("joglekar", -1, 3 / 4),
        ("biolek", 1, 15 / 16),
        ("biolek", -1, 7 / 16),
    ]:
        want = 2.5e-9 + v * f * 10 / m * 2e-8
        assert _pulse(model, "seed", 2.5e-9, v, 2e-8) == pytest.approx(want, rel=1e-14)


def test_biolek_window_counts_no_current_as_reverse():
    device = devices.make("biolek")
    assert isinstance(device, devices.Biolek)
    assert float(device.window(0.0, 2.5e-9)) == pytest.approx(7 / 16)
    assert float(device.window(1e-30, 2.5e-9)) == pytest.approx(15 / 16)


def test_vteam_seed_windows_are_constants():
    # exp(-e^(-0.8/0.12)) = 0.99873 and exp(-e^(0.2/0.12)) = 0.00502, whatever w.
    off, on = math.exp(-math.exp(-0.8 / 0.12)), math.exp(-math.exp(0.2 / 0.12))
    assert (off, on) == (pytest.approx(0.9987, abs=5e-5), pytest.approx(0.00502, abs=5e-6))
    device = devices.make("vteam")
    w = np.array([0.0, 1e-9, 3e-9])
    np.testing.assert_allclose(device.rate(1.0, w), 5e-4 * off, rtol=1e-7)
    np.testing.assert_allclose(device.rate(-1.0, w), -10 * on, rtol=2e-7)
    np.testing.assert_array_equal(device.rate(np.array([-0.5, 0.0, 0.5]), w), 0)


def test_vteam_window_option_only_changes_the_unit():
    physical = devices.make("vteam", "seed", window="published")
    # At w = a_off and w = a_on of the span the window is exp(-1).
    assert float(physical.rate(1.0, 2.4e-9)) == pytest.approx(5e-4 / math.e)
    assert float(physical.rate(-1.0, 0.6e-9)) == pytest.approx(-10 / math.e)


def test_yakopcic_windows_at_the_seam():
    # f_n at x = 1 - x_n: seed (0.7 - x_on)/(0.3 - x_on) = 2.338, physical 1.
    g = -4000 * (math.e - math.exp(0.5))
    seed = devices.make("yakopcic", "seed", x_n=0.3)
    below = math.nextafter(1 - 0.3, 0)
    assert float(seed.rate(-1.0, below)) == pytest.approx(g * 0.699 / 0.299)
    assert float(seed.rate(-1.0, 0.70001)) == pytest.approx(g)
    physical = devices.make("yakopcic", "seed", window="published")
    assert float(physical.rate(-1.0, below)) == pytest.approx(g)
    assert float(physical.rate(-1.0, physical.lower)) == 0.0
    # At x = x_p the SET window is 1; half-way to 1 it is exp(-0.35)/2.
    up = 4000 * (math.e - math.exp(0.5))
    assert float(seed.rate(1.0, 0.3)) == pytest.approx(up)
    assert float(seed.rate(1.0, 0.65)) == pytest.approx(up * math.exp(-0.35) / 2)


def test_yakopcic_seed_window_turns_negative_for_small_ratios():
    narrow = devices.make("yakopcic", "seed", r_off=250.0)  # x_on = 0.4 > x_n = 0.3
    assert float(narrow.rate(-1.0, 0.5)) > 0
    assert (
        float(devices.make("yakopcic", "published", r_on=100.0, r_off=250.0).rate(-1.0, 0.45)) < 0
    )


def test_yakopcic_current_is_the_published_one():
    device = devices.make("yakopcic", "published")
    assert float(device.current(0.3, 0.11)) == pytest.approx(0.17 * 0.11 * math.sinh(0.05 * 0.3))


def test_mms_thresholds_and_temperature():
    # kT/q at 298.5 K is 25.723 mV. At v = V_on the switching odds are exactly one half.
    device = devices.make("mms", "seed")
    assert float(device.rate(1 / 0.9, 0.0)) == pytest.approx(0.5 / 1e-4)
    odds = 1 / (1 + math.exp((1 / 0.9 - 1.0) / 25.72274e-3))
    assert odds == pytest.approx(0.013, abs=5e-4)
    assert float(device.rate(1.0, 0.0)) == pytest.approx(odds / 1e-4, rel=1e-5)


def test_published_mms_relaxes_within_a_second():
    # At 0 V: s_on = 1/(1 + exp(0.17/kT)) = 1.346e-3, s_off = 1/(1 + exp(0.22/kT)) = 1.931e-4.
    device = devices.make("mms", "published")
    s_on, s_off = (1 / (1 + math.exp(u / 25.72274e-3)) for u in (0.17, 0.22))
    slope = float(device.rate(0.0, 0.6) - device.rate(0.0, 0.5)) / 0.1
    assert -float(device.rate(0.0, 0.0)) / slope == pytest.approx(s_on / (s_on + s_off), rel=1e-5)
    assert s_on / (s_on + s_off) == pytest.approx(0.87, abs=0.005)
    assert -1 / slope == pytest.approx(0.21, abs=0.005)  # s


@pytest.mark.parametrize(
    ("model", "scaling", "up", "down"),
    [  # conductance gained and lost by a full pulse of 1 V from 4e-4 S, as published for Iris, S
        ("linear", 1.0, 3e-5, -3e-5),
        ("linear_ion_drift", 1.5e-5, 2.9e-6, -2.9e-6),
        ("biolek", 3e-4, 2.8e-6, -5.0e-5),
        ("vteam", 2e-5, 2.9e-5, -2.8e-7),
        ("yakopcic", 4.5e-2, 5.8e-5, -2.8e-7),
        ("mms", 1.5, 5.7e-5, -2.3e-6),
    ],
)
def test_asymmetry_of_the_seeds_full_pulse(model, scaling, up, down):
    """The pulse lasts dt_scaling * lr / V_const with the configured numbers."""
    device = devices.make(model)
    x = device.state(4e-4)
    for v, want in ((1.0, up), (-1.0, down)):
        change = float(device.conductance(device.euler(x, v * device.polarity, scaling * 3e-5)))
        assert change - 4e-4 == pytest.approx(want, rel=0.03)
