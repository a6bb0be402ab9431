"""Pulse-step models against plain loops of the published per-pulse formulas, and their statistics.

The formulas and the presets' numbers are written out here once more, apart from the package.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices
from ohmprop._core import BadInput

V, T = 1.0, 1e-6  # the unit pulse
CASES = [(m, s) for m, cls in devices.MODELS.items() if cls.discrete for s in cls.PARAMETERS]
SHORT = [
    pytest.param(m, s, marks=() if s == devices.default_set(m) else pytest.mark.long)
    for m, s in CASES
]
PULSE = jax.jit(lambda device, x, v, t: device.pulse(x, v, t))
SAMPLE = jax.jit(lambda device, key, x, v, t: device.sample(key, x, v, t))


def one_pulse(model: str, p: dict[str, float], w: float, up: bool) -> float:
    """One noiseless pulse in the scalar arithmetic of the published update rules."""
    d = p["dw_min"]
    # populate(): only one direction is reduced, by |up_down|.
    d_up = d * (1 + (p["up_down"] if p["up_down"] < 0 else 0))
    d_down = d * (1 - (p["up_down"] if p["up_down"] > 0 else 0))
    low, high = p["w_min"], p["w_max"]
    if model == "constant_step" or model == "piecewise_step":
        w = w + d_up if up else w - d_down
    elif model in ("linear_step", "soft_bounds"):
        g_up, g_down = p.get("gamma_up", 1), p.get("gamma_down", 1)
        slope_up, slope_down = -g_up * d_up / high, -g_down * d_down / low
        w = w + (slope_up * w + d_up) if up else w - (slope_down * w + d_down)
    elif model == "exp_step":
        z = 2 * w / (high - low) * p["a"] + p["b"]
        if up:
            w += max(1 - p["A_up"] * math.exp(p["gamma_up"] * z), 0) * d_up
        else:
            w -= max(1 - p["A_down"] * math.exp(-p["gamma_down"] * z), 0) * d_down
    elif model == "pow_step":
        bias = p["pow_up_down"]
        g_up, g_down = p["pow_gamma"] * (1 + min(bias, 0)), p["pow_gamma"] * (1 - max(bias, 0))
        omega = (high - w) / (high - low)
        w = w + d_up * omega**g_up if up else w - d_down * (1 - omega) ** g_down
    return min(max(w, low), high)


def loop(model: str, p: dict[str, float], w: float, up: bool, n: int) -> float:
    for _ in range(n):
        w = one_pulse(model, p, w, up)
    return w


def values(model: str, params: str, **changes: float) -> dict[str, float]:
    return {k: p.value for k, p in devices.parameter_set(model, params).items()} | changes


@pytest.mark.parametrize(("model", "params"), SHORT)
@pytest.mark.parametrize("up_down", [None, -0.3, 0.4])
def test_whole_pulses_are_the_published_loop(model, params, up_down):
    changes: dict[str, Any] = {} if up_down is None else {"up_down": up_down}
    device, p = devices.make(model, params, **changes), values(model, params, **changes)
    w = np.linspace(p["w_min"], p["w_max"], 7)
    for n in (1, 2, 37):
        for v in (V, -V):
            want = [loop(model, p, x, v > 0, n) for x in w]
            np.testing.assert_allclose(
                PULSE(device, w, v, n * T), want, rtol=0, atol=2e-13 * (p["w_max"] - p["w_min"])
            )


@pytest.mark.parametrize("up", [True, False])
def test_powers_and_nodes_beyond_the_defaults(up):
    changes: dict[str, Any] = {"pow_gamma": 2.3, "pow_up_down": -0.4, "dw_min": 0.03}
    device, p = devices.make("pow_step", **changes), values("pow_step", "default", **changes)
    w, v = np.linspace(-0.6, 0.6, 5), V if up else -V
    want = [loop("pow_step", p, x, up, 20) for x in w]
    np.testing.assert_allclose(PULSE(device, w, v, 20 * T), want, atol=1e-13)

    up_nodes, down_nodes = [1.5, 1.0, 0.2, 0.1], [0.0, 0.5, 2.0, 1.0]
    device = devices.make(
        "piecewise_step", nodes_up=np.array(up_nodes), nodes_down=np.array(down_nodes), dw_min=0.02
    )
    nodes, want = np.linspace(-0.6, 0.6, 4), w.copy()
    for _ in range(20):
        part = np.interp(want, nodes, up_nodes if up else down_nodes)
        want = np.clip(want + (0.02 if up else -0.02) * part, -0.6, 0.6)
    np.testing.assert_allclose(PULSE(device, w, v, 20 * T), want, atol=1e-13)


def test_soft_bounds_closed_form():
    """w_N = w_max - (w_max - w_0)(1 - D/w_max)^N, for real N too."""
    device = devices.make("soft_bounds", "reram_sb")
    for n in (1, 2.5, 100, 1234.56):
        up = 1.25 - (1.25 + 0.3) * (1 - 2e-3 / 1.25) ** n
        down = -0.75 + (-0.3 + 0.75) * (1 - 2e-3 / 0.75) ** n
        np.testing.assert_allclose(PULSE(device, -0.3, V, n * T), up, rtol=1e-12)
        np.testing.assert_allclose(PULSE(device, -0.3, -V, n * T), down, rtol=1e-12)


def test_steps_beyond_the_bound_stop_at_it():
    device = devices.make("soft_bounds", "reram_array_hfo2", dw_min=1.7)  # 1.7 > w_max
    np.testing.assert_allclose(PULSE(device, np.array([-1.0, 0.0, 0.9]), V, T), 1.0, rtol=1e-12)
    one_sided = devices.make("linear_step", w_min=0.0, gamma_down=0.5)
    np.testing.assert_allclose(PULSE(one_sided, 0.5, -V, 10 * T), 0.5 - 10 * 5e-3, rtol=1e-12)


@pytest.mark.parametrize(("model", "params"), SHORT)
def test_laws_of_a_pulse(model, params):
    device = devices.make(model, params)
    assert isinstance(device, devices.AbstractStep)
    low, high = float(device.lower), float(device.upper)
    x = jnp.linspace(low, high, 9)
    np.testing.assert_array_equal(PULSE(device, x, V, 0.0), x)
    np.testing.assert_array_equal(PULSE(device, x, 0.0, T), x)
    # The count depends on the flux alone, and a part of a pulse moves a part of the step.
    np.testing.assert_allclose(PULSE(device, x, 2 * V, T / 2), PULSE(device, x, V, T), rtol=1e-12)
    small = PULSE(device, x, -V, 1e-3 * T) - x
    inside = slice(1, None)  # the lowest weight has nowhere to go
    step = device.step(x, False)
    slack = 1.2e-3 if model != "soft_bounds" else 0.4  # log(1 - a) for a up to 0.46
    np.testing.assert_allclose(small[inside], 1e-3 * step[inside], rtol=slack)
    np.testing.assert_allclose(device.rate(-V, x), step / T, rtol=1e-12)
    ends = PULSE(device, x, V, 1e5 * T), PULSE(device, x, -V, 1e5 * T)
    assert (ends[0] <= high).all() and (ends[1] >= low).all()
    assert (ends[0] > high - 2e-2 * (high - low)).all() or model == "linear_step"
    np.testing.assert_allclose(device.conductance(jnp.array([low, high])), [1e-5, 1e-4], rtol=1e-12)
    np.testing.assert_allclose(device.state(device.conductance(x)), x, atol=1e-14)


@pytest.mark.long
@pytest.mark.parametrize(("model", "params"), CASES)
def test_precision_and_derivatives(model, params):
    device = devices.make(model, params)
    single = jax.tree.map(lambda a: a.astype(jnp.float32), device)
    x = (device.lower + device.upper) / 2
    found = PULSE(single, jnp.float32(x), jnp.float32(V), jnp.float32(3.3e-6))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, PULSE(device, x, V, 3.3e-6), rtol=1e-5, atol=1e-6)

    for k, h in enumerate((1e-6, 1e-4)):
        shift = h * np.eye(2)[k]
        sides = [_after(device, x, sign * shift) for sign in (1, -1)]
        np.testing.assert_allclose(
            _slopes(device, x)[k], (sides[0] - sides[1]) / (2 * h), rtol=1e-6, atol=1e-12
        )
    assert all(bool(jnp.isfinite(a).all()) for a in jax.tree.leaves(_both_ways(device)))


@jax.jit
def _after(device, x, q):
    return device.pulse(x + q[0], V, (3.3 + q[1]) * T)


@jax.jit
def _slopes(device, x):
    return jax.jacfwd(lambda q: _after(device, x, q))(jnp.zeros(2))


@jax.jit
@jax.jacfwd
def _both_ways(device):
    x = jnp.array([device.lower, 0.1, device.upper])
    return device.pulse(x, V, 2.5 * T) + device.pulse(x, -V, 2.5 * T)


NOISES = [  # model, set, weight, up: mean and standard deviation of one pulse's change
    ("constant_step", "gokmen_vlasov", 0.2, True, 1.6e-3, 0.3 * 1.6e-3),
    ("linear_step", "capacitor", 0.5, True, 5e-3 * 0.975, 0.3 * 5e-3),
    ("linear_step", "ecram", 0.5862, True, 2e-3 * (1 - 0.1153 / 2), 0.3 * 2e-3 * (1 - 0.1153 / 2)),
    ("soft_bounds", "reram_sb", 0.625, True, 1e-3, 3.75 * 2e-3),
    ("soft_bounds", "reram_array_om", -0.5, False, -0.0949 / 2, 0.4158 * 0.0949),
    ("exp_step", "reram_es", -0.3, True, 1.35e-3 * (1 + 1.18445 * math.exp(-1.75)), None),
    ("exp_step", "pcm", 1.0, True, 0.01 * (1 + 27.235 * math.exp(-2.5)), None),
    ("pow_step", "default", 0.3, True, 1e-3 * 0.25, 0.3 * 1e-3 * 0.25),
    ("piecewise_step", "default", 0.3, True, 1e-3, 0.3 * 1e-3),
]


@pytest.mark.parametrize(("model", "params", "w", "up", "mean", "std"), NOISES)
def test_noise_of_one_pulse(model, params, w, up, mean, std):
    if std is None:
        add, slope, sigma = (0, 0, 5.0) if params == "reram_es" else (0.042, 0.108, 0.6)
        std = sigma * (abs(mean) + add + slope * abs(w))
    n = 20000
    x = jnp.full(n, w)
    change = np.asarray(
        SAMPLE(devices.make(model, params), jax.random.key(3), x, V if up else -V, T)
    )
    change = change - w
    assert abs(change.mean() - mean) < 4 * std / math.sqrt(n)
    assert abs(change.std() / std - 1) < 4 / math.sqrt(2 * n)


def test_samples_take_whole_pulses_and_the_right_number_on_average():
    device = devices.make("constant_step", "gokmen_vlasov", dw_min_std=0.0)
    x = jnp.zeros(20000)
    moved = np.asarray(SAMPLE(device, jax.random.key(0), x, V, 2.3 * T)) / 1.6e-3
    assert set(np.round(moved, 9)) == {2.0, 3.0}
    assert moved.mean() == pytest.approx(2.3, abs=4 * math.sqrt(0.21 / 20000))
    noisy = devices.make("constant_step", "gokmen_vlasov")
    many = np.asarray(SAMPLE(noisy, jax.random.key(1), x, -V, 50 * T)) / 1.6e-3
    assert many.mean() == pytest.approx(-50, abs=4 * 0.3 * math.sqrt(50 / 20000))
    assert many.std() == pytest.approx(0.3 * math.sqrt(50), rel=0.02)  # pulses are independent
    again = np.asarray(SAMPLE(noisy, jax.random.key(1), x, -V, 50 * T)) / 1.6e-3
    np.testing.assert_array_equal(again, many)


def test_write_noise_and_bounds_of_samples():
    device = devices.make("soft_bounds", "reram_sb")
    assert isinstance(device, devices.SoftBounds)
    seen = np.asarray(device.apparent(jax.random.key(0), jnp.zeros(20000)))
    assert seen.std() == pytest.approx(56 * 2e-3, rel=0.02)
    assert abs(seen.mean()) < 4 * 0.112 / math.sqrt(20000)
    wide = np.asarray(device.apparent(jax.random.key(0), jnp.full(1000, 1.25)))
    assert wide.max() == 1.25
    after = np.asarray(SAMPLE(device, jax.random.key(2), jnp.full(2000, 1.24), V, 20 * T))
    assert after.max() <= 1.25 and after.min() < 1.24


SPREAD = jax.jit(lambda device, key: device.spread(key, (200, 100)))


@pytest.mark.long
def test_spread_over_devices():
    device = devices.make("linear_step", "capacitor")
    many = SPREAD(device, jax.random.key(5))
    n = 20000
    assert many.w_max.shape == (200, 100) and many.gamma_up.shape == (200, 100)
    for name, mean, std in (("w_max", 1.0, 0.07), ("w_min", -1.0, 0.07)):
        drawn = np.asarray(getattr(many, name))
        assert drawn.mean() == pytest.approx(mean, abs=4 * std / math.sqrt(n))
        assert drawn.std() == pytest.approx(std, rel=0.03)
    up, down = np.asarray(many.size(True)), np.asarray(many.size(False))
    for drawn in (up, down):  # gain 1 + 0.1 xi plus or minus 0.06 xi'
        assert drawn.mean() == pytest.approx(5e-3, rel=4 * 0.12 / math.sqrt(n))
        assert drawn.std() == pytest.approx(5e-3 * math.hypot(0.1, 0.06), rel=0.03)
    half = 0.5 * (up - down) / 5e-3
    assert half.std() == pytest.approx(0.06, rel=0.03)
    # The slope refers to the mean bound: gamma/w_max is 0.05 +- 0.01 whatever the device's bound.
    slope = np.asarray(many.gamma_up / many.w_max)
    assert slope.mean() == pytest.approx(0.05, rel=0.02)
    assert slope.std() == pytest.approx(0.01, rel=0.03)
    # A crossbar of them is written element by element, and write noise keeps its mean unit.
    after = PULSE(many, jnp.zeros((200, 100)), V, T)
    np.testing.assert_allclose(after, many.size(True), rtol=1e-9)
    noisy = SPREAD(devices.make("soft_bounds", "reram_sb"), jax.random.key(0))
    np.testing.assert_allclose(noisy.write_noise_std * noisy.dw_min, 56 * 2e-3, rtol=1e-12)


@pytest.mark.long
def test_spread_of_arrays_and_exponents():
    many = SPREAD(devices.make("soft_bounds", "reram_array_om"), jax.random.key(1))
    log = np.log(np.asarray((many.size(True) + many.size(False)) / 2) / 0.0949)
    assert np.median(log) == pytest.approx(0, abs=0.03)
    assert log.std() == pytest.approx(0.7829, rel=0.03)
    assert (np.asarray(many.w_max) >= 0).all() and (np.asarray(many.w_min) <= 0).all()
    powers = SPREAD(devices.make("pow_step", pow_up_down=0.5), jax.random.key(1))
    ups = np.asarray(powers.pow_gamma * (1 + np.minimum(powers.pow_up_down, 0)))
    downs = np.asarray(powers.pow_gamma * (1 - np.maximum(powers.pow_up_down, 0)))
    assert (ups.mean(), downs.mean()) == (pytest.approx(1, abs=5e-3), pytest.approx(0.5, abs=5e-3))
    assert ups.std() == pytest.approx(0.1, rel=0.03)


PUBLISHED = {  # dw_min, w_min, w_max, dw_min_std, write noise, d2d of dw_min, w_max, w_min
    ("constant_step", "idealized"): (2e-4, -1, 1, 0.3, 0, 0.3, 0.3, 0.3),
    ("constant_step", "gokmen_vlasov"): (1.6e-3, -1, 1, 0.3, 0, 0.3, 0.3, 0.3),
    ("linear_step", "capacitor"): (5e-3, -1, 1, 0.3, 0, 0.1, 0.07, 0.07),
    ("linear_step", "ecram"): (2e-3, -0.8276, 1.1724, 0.3, 0, 0.1, 0.05, 0.05),
    ("linear_step", "ecram_mo"): (2.8214e-4, -0.8286, 1.1714, 2, 0, 0.1, 0.05, 0.05),
    ("soft_bounds", "reram_sb"): (2e-3, -0.75, 1.25, 3.75, 56, 0.3, 0.24, 0.4),
    ("soft_bounds", "reram_array_om"): (0.0949, -1, 1, 0.4158, 1.4113, 0.7829, 0.3499, 0.5695),
    ("soft_bounds", "reram_array_hfo2"): (0.4622, -1, 1, 0.2174, 0.5841, 0.7125, 0.4295, 0.599),
    ("exp_step", "reram_es"): (1.35e-3, -1, 1, 5, 75, 0.2, 0.3, 0.3),
    ("exp_step", "pcm"): (0.01, 0, 2, 0.6, 0, 0.2, 0.1, 0),
    ("pow_step", "default"): (1e-3, -0.6, 0.6, 0.3, 0, 0.3, 0.3, 0.3),
    ("piecewise_step", "default"): (1e-3, -0.6, 0.6, 0.3, 0, 0.3, 0.3, 0.3),
}
NAMES = "dw_min w_min w_max dw_min_std write_noise_std dw_min_dtod w_max_dtod w_min_dtod".split()


def test_presets_have_the_published_numbers():
    assert set(PUBLISHED) == set(CASES)
    for (model, params), wanted in PUBLISHED.items():
        found = devices.parameter_set(model, params)
        assert [found[n].value for n in NAMES] == pytest.approx(list(wanted)), (model, params)
        for name, parameter in found.items():
            unit = {"r_on": "ohm", "r_off": "ohm", "v_pulse": "V", "t_pulse": "s"}.get(name, "1")
            assert parameter.unit == unit
            assert ("aihwkit" in parameter.source) and (unit == "1" or "choice" in parameter.source)
    assert devices.parameter_set("exp_step", "reram_es")["up_down"].value == 0.259359


def test_symmetry_point_of_soft_bounds():
    """At w* = (D_up - D_down)/(D_up/b_max - D_down/b_min) one pulse up is one pulse down."""
    device = devices.make("soft_bounds", "reram_sb", up_down=0.2)
    up, down = 2e-3, 2e-3 * 0.8
    w = (up - down) / (up / 1.25 + down / 0.75)
    steps = [float(PULSE(device, w, v, T)) - w for v in (V, -V)]
    assert steps[0] == pytest.approx(-steps[1], rel=1e-9)


def test_unknown_options_are_named():
    with pytest.raises(BadInput, match="unknown noise_law 'addtive'.*Did you mean 'additive'"):
        devices.make("linear_step", noise_law="addtive")
    with pytest.raises(BadInput, match="unknown dtod_law"):
        devices.make("constant_step", dtod_law="uniform")
    with pytest.raises(BadInput, match="w_min < w_max"):
        devices.make("constant_step", w_min=2.0)
