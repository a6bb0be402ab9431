"""The pulse response and its numbers against closed forms, NeuroSim's table and fine quadrature."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.characterise import (
    branch_curve,
    branch_nonlinearity,
    neurosim_curve,
    nonlinearity,
    pulse_metrics,
    pulse_response,
    shape_of,
)

# Entries of the table by which NeuroSim (MLP simulator, getParamA) turns NL into A/P_max.
TABLE = {
    0.01: 126.268958, 0.1: 12.625807, 0.36: 3.503513, 1.0: 1.251653, 2.4: 0.499181, 9.0: 0.02281
}  # fmt: skip


@pytest.mark.parametrize(("nl", "a"), TABLE.items())
def test_shape_is_neurosims_table(nl, a):
    assert shape_of(nl) == pytest.approx(a, rel=1e-3)
    assert shape_of(-nl) == pytest.approx(-a, rel=1e-3)


@pytest.mark.parametrize("a", [0.002, 0.02, 0.2, 2.0, 50.0, 1e5])
def test_nonlinearity_is_the_greatest_distance_from_the_line(a):
    p = np.linspace(0, 1, 200001)
    for sign in (1, -1):
        away = neurosim_curve(p, sign * a) - p
        # Rounding of the curve limits the brute force where it is all but straight.
        assert nonlinearity(sign * a) == pytest.approx(
            10.102 * away[np.argmax(np.abs(away))], rel=1e-6, abs=1e-14
        )
        assert shape_of(nonlinearity(sign * a)) == pytest.approx(sign * a, rel=1e-6)
    assert (neurosim_curve([0, 1], -a) == [0, 1]).all()


def test_straight_lines_and_nothing():
    assert math.isinf(shape_of(0.0))
    np.testing.assert_array_equal(neurosim_curve([0, 0.3, 1], math.inf), [0, 0.3, 1])
    assert shape_of(50.0) == shape_of(10.0) == pytest.approx(1.32e-3, rel=0.01)
    assert branch_nonlinearity(np.linspace(2, 3, 5), up=True) == pytest.approx(0)
    assert branch_nonlinearity([1.0, 1.0], up=False) is None


def test_signs_are_neurosims():
    """The default device: NL 2.4 up, -4.88 down, 97 and 100 pulses, 3.08 to 38.5 nS."""
    low, high = 3.08e-9, 38.5e-9
    up = low + (high - low) * neurosim_curve(np.arange(98) / 97, shape_of(2.4))
    # Depression as NeuroSim has it: G = -B (1 - exp((P - P_max)/A)) + G_max from P_max down.
    a = abs(shape_of(-4.88)) * 100
    b = (high - low) / (1 - math.exp(-100 / a))
    down = high - b * (1 - np.exp(-np.arange(101) / a))
    nl = branch_nonlinearity(up, up=True), branch_nonlinearity(down, up=False)
    assert nl == (pytest.approx(2.4, abs=2e-3), pytest.approx(-4.88, abs=2e-3))
    np.testing.assert_allclose(branch_curve(down, shape_of(-4.88), up=False), down, rtol=1e-9)
    np.testing.assert_allclose(branch_curve(up, shape_of(2.4), up=True), up, rtol=1e-9)


def test_soft_bounds_are_neurosims_curve():
    """n unit pulses: A = -1/ln(1 - D/w_max), the same up and down for symmetric bounds."""
    device = devices.make("soft_bounds", "reram_array_om")
    response = pulse_response(device, 1.0, 1e-6, 40)
    k = np.arange(41)
    np.testing.assert_allclose(response.up.x, 1 - 2 * (1 - 0.0949) ** k, rtol=1e-12)
    want = device.conductance(response.up.x)
    np.testing.assert_allclose(response.up.g, want, rtol=1e-12)
    assert response.up.v == 1.0 and response.down.v == -1.0
    assert response.down.g[0] == response.up.g[-1]
    m = pulse_metrics(response)
    for branch, sign in (("potentiation", 1), ("depression", -1)):
        # 40 pulses sample the curve, so its extreme is found to within a fraction of a step.
        assert m[branch]["shape_a"] == pytest.approx(sign * -1 / math.log(1 - 0.0949), rel=0.03)
        assert m[branch]["curve_rms"] < 5e-3
        assert m[branch]["pulses_to_99"] == np.argmax(1 - 0.9051**k >= 0.99 * (1 - 0.9051**40))
    # Over half the range at (1 - u) D, u from 1/4 to 3/4: ln 3 / -ln(0.9051) pulses, twice.
    assert m["potentiation"]["states"] == pytest.approx(2 * math.log(3) / 0.0997, rel=0.1)
    assert m["asymmetry"]["symmetry_point_siemens"] == pytest.approx(5.5e-5, rel=1e-2)
    assert m["dynamic_range"] == pytest.approx(response.up.g[-1] / 1e-5)


def test_asymmetry_at_equal_conductance():
    """Soft bounds with up_down: (u - d)/(u + d) by hand, and aihwkit's symmetry point."""
    device = devices.make("soft_bounds", "reram_sb", up_down=0.2, dw_min=0.05)
    response = pulse_response(device, 1.0, 1e-6, 200)
    up, down = 0.05, 0.05 * 0.8
    point = (up - down) / (up / 1.25 + down / 0.75)
    found = pulse_metrics(response)["asymmetry"]
    assert found["symmetry_point_siemens"] == pytest.approx(
        float(device.conductance(point)), rel=1e-3
    )
    low, high = max(response.up.g[0], response.down.g[:-1].min()), response.up.g[:-1].max()
    w = float(device.state((low + high) / 2))
    u, d = up * (1 - w / 1.25), down * (1 + w / 0.75)
    assert found["middle"] == pytest.approx((u - d) / (u + d), abs=2e-3)
    line = pulse_metrics(pulse_response(devices.make("linear"), 1.0, 1e-5, 20))
    assert line["asymmetry"]["extreme"] == pytest.approx(0, abs=1e-9)
    assert line["potentiation"]["shape_a"] is None
    assert line["potentiation"]["states"] == pytest.approx(20)


@pytest.mark.parametrize(
    ("model", "params", "tolerance"), [("mms", "published", 1e-9), ("linear", "seed", 1e-12)]
)
def test_energy_is_the_integral_of_power(model, params, tolerance):
    device = devices.make(model, params)
    response = pulse_response(device, (0.9, 0.7), 2e-6, 20)
    for branch in (response.up, response.down):
        t = np.linspace(0, branch.t, 401)
        during = jax.vmap(lambda x, t=t, v=branch.v: device.current(v, device.pulse(x, v, t)))
        i = np.asarray(during(jnp.asarray(branch.x[:-1])))
        panels = i[:, 0] + i[:, -1] + 4 * i[:, 1:-1:2].sum(1) + 2 * i[:, 2:-1:2].sum(1)  # Simpson
        np.testing.assert_allclose(branch.energy, branch.v * t[1] / 3 * panels, rtol=tolerance)


@pytest.mark.parametrize(
    ("model", "params"),
    [("mms", "published"), ("vteam", "published"), ("exp_step", "reram_es"), ("linear", None)],
)
def test_automatic_width_traverses_the_range(model, params):
    device = devices.make(model, params)
    response = pulse_response(device, 1.0, None, 60)
    span = response.most - response.least
    assert response.up.g[0] == pytest.approx(response.least)
    assert (np.diff(response.up.g) >= 0).all() and (np.diff(response.down.g) <= 0).all()
    made = np.array([np.ptp(response.up.g), np.ptp(response.down.g)]) / span
    assert (made > 0.95).all() and (made <= 1 + 1e-9).all()
    assert np.sign(response.up.v) == device.polarity
    # The last pulses still matter: with a quarter of the width the range is not traversed.
    short = pulse_response(device, 1.0, (response.up.t / 4, response.down.t / 4), 60)
    assert np.ptp(short.up.g) < 0.93 * span


def test_automatic_widths_of_steps_are_whole_pulses():
    response = pulse_response(devices.make("exp_step", "pcm"), 2.0, None, 50)
    for branch in (response.up, response.down):
        unit = abs(branch.v) * branch.t / 1e-6
        assert unit == pytest.approx(round(unit)) and round(unit) >= 1
    # One pulse resets a phase-change cell.
    assert response.up.g[-1] > 9e-5 and response.down.g[1] < 1.2e-5


def test_start_and_separate_pulses():
    device = devices.make("mms", "published")
    response = pulse_response(device, (0.6, 0.8), (1e-5, 2e-5), 5, start=2e-3)
    assert response.up.g[0] == pytest.approx(2e-3, rel=1e-12)
    assert (response.up.v, response.up.t) == (0.6, 1e-5)
    assert (response.down.v, response.down.t) == (-0.8, 2e-5)
    by_hand = device.pulse(device.pulse(device.state(2e-3), 0.6, 1e-5), 0.6, 1e-5)
    np.testing.assert_allclose(response.up.x[2], by_hand, rtol=1e-12)


def test_noise_is_drawn_by_key():
    device = devices.make("linear_step", "capacitor")
    one, same, other = (
        pulse_response(device, 1.0, 1e-6, 300, key=jax.random.key(k)) for k in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.up.g, same.up.g)
    assert (one.up.g != other.up.g).any()
    steps = np.diff(one.up.x)
    mean = 5e-3 * (1 - 0.05 * one.up.x[:-1])
    assert np.std(steps - mean) == pytest.approx(0.3 * 5e-3, rel=0.15)
    assert pulse_metrics(one)["asymmetry"]["mean"] is not None
    mean_current = (one.up.g[1:] + one.up.g[:-1]) / 2
    np.testing.assert_allclose(one.up.energy, mean_current * 1e-6, rtol=1e-9)
    # Write noise: what is read differs from what is kept, and depression begins at what was read.
    seen = pulse_response(
        devices.make("soft_bounds", "reram_sb"), 1.0, 1e-6, 30, key=jax.random.key(0)
    )
    kept = np.asarray(devices.make("soft_bounds", "reram_sb").conductance(seen.up.x))
    assert np.abs(seen.up.g[1:] - kept[1:]).max() > 1e-6
    assert seen.down.g[0] == seen.up.g[-1]


def test_switches_that_have_settled_scatter_binomially():
    """-0.1 V lies between the thresholds of 0.8 and 1 V: each switch is on with odds 1 : 1."""
    device = devices.make("gmss", N=400.0)
    response = pulse_response(device, 0.1, 1e20, 2000, key=jax.random.key(3))
    settled = response.down.x[1:]
    assert settled.mean() == pytest.approx(0.5, abs=4 * 0.5 / 400**0.5 / 2000**0.5)
    assert settled.std() == pytest.approx(0.5 / 400**0.5, rel=0.08)
    np.testing.assert_allclose(response.down.g, device.conductance(response.down.x), rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "arguments", "options", "words"),
    [
        ("mms", (0.0, 1e-6, 5), {}, "amplitude: expected a positive number in V, found 0.0"),
        ("mms", (1.0, (1e-6, -1.0), 5), {}, "width: expected a positive number in s, found -1.0"),
        ("mms", (1.0, 1e-6, 1), {}, "count: expected at least 2 pulses, found 1"),
        ("mms", (1.0, 1e-6, 5), {"start": 1.0}, "start: expected a conductance from .* found 1"),
        ("mms", (1.0, 1e-6, 5), {"key": jax.random.key(0)}, "MMS: its pulses have no noise"),
        ("vteam", (0.01, None, 5), {}, "pulse of -0.01 V does not move the device; raise"),
        ("linear", (1.0, None, 5), {"start": 1e-2}, "do not change the conductance from 0.01 S"),
    ],
)
def test_what_cannot_be_is_said(model, arguments, options, words):
    with pytest.raises(BadInput, match=words):
        pulse_response(devices.make(model), *arguments, **options)


def test_one_device_at_a_time():
    many = devices.make("linear", r_on=np.array([100.0, 200.0]))
    with pytest.raises(BadInput, match="expected one device"):
        pulse_response(many, 1.0, 1e-6, 5)
