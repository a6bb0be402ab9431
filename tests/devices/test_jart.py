"""JART VCM v1b: its explicit current against the implicit model, its rate, and its pulses."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scipy.optimize import brentq

from ohmprop import devices
from ohmprop._core import BadInput

Q, KB, H, EPS_0 = 1.602e-19, 1.3807e-23, 6.626e-34, 8.854e-12
R_SERIES = 650 + 719.2437  # ohm, TiOx and cold lines
POINTS = [(v, n) for v in (-1.2, -0.7, -0.2, 0.2, 0.7, 1.2) for n in (0.008, 0.1, 1.0, 20.0)]


def _make(**changed) -> devices.JART:
    device = devices.make("jart", **changed)
    assert isinstance(device, devices.JART)
    return device


def _series(i):
    return 650 + 719.2437 * (1 + 719.2437 * 3.92e-3 * 90471.47 * i**2)


def _schottky(v, n, area, temperature):
    """Thermionic emission forwards, by field emission in reverse (Bengel et al. 2020), A."""
    kt, lowering = KB * temperature, 0.18 - 0.1 - v
    phi = 0.18
    if lowering > 0:
        eps = 5.5 * EPS_0
        phi -= (Q**3 * 2 * n * 1e26 * lowering / (8 * math.pi**2 * eps**3)) ** 0.25
    phi = max(phi, 0.0)
    if v >= 0:
        return area * 6.01e5 * temperature**2 * math.exp(-phi * Q / kt) * math.expm1(Q * v / kt)
    w00 = Q * H / (4 * math.pi) * math.sqrt(2 * n * 1e26 / (9.10938e-31 * 17 * EPS_0))
    w0, ratio = w00 / math.tanh(w00 / kt), w00 / kt
    slope = w00 / (ratio - math.tanh(ratio))
    root = math.sqrt(math.pi * w00 * Q * (-v + phi / math.cosh(ratio) ** 2))
    scale = area * 6.01e5 * temperature / KB * root * math.exp(-Q * phi / w0)
    return -scale * math.expm1(-Q * v / slope)


def _implicit(v, n, r=45e-9, length=0.4e-9) -> float:
    """Current of the implicit model: barrier, disc, plug and series resistance, heated, A."""
    area, conducts = math.pi * r**2, 2e26 * Q * 4e-6
    bulk = length / (n * conducts * area) + (3e-9 - length) / (20 * conducts * area)
    heating = 15.72e6 * (45e-9 / r) ** 2 * (0.27 if v > 0 else 1.0)

    def over(i):  # voltage across the barrier's current at this i, less what is applied
        temperature = 293 + i * (v - i * _series(i)) * heating
        barrier = v - i * (bulk + _series(i))
        return _schottky(barrier, n, area, temperature) - i

    def root(residual, end) -> float:
        return float(brentq(residual, min(0.0, end), max(0.0, end), xtol=1e-14))  # pyright: ignore

    return root(over, root(lambda i: v - i * (bulk + _series(i)), v / R_SERIES))


@pytest.mark.parametrize(("v", "n"), POINTS)
def test_explicit_current_is_near_the_implicit_models(v, n):
    assert float(_make().current(v, n)) == pytest.approx(_implicit(v, n), rel=0.12)


@pytest.mark.parametrize("r", [40.5e-9, 49.5e-9])
@pytest.mark.parametrize("length", [0.36e-9, 0.44e-9])
def test_radius_and_length_act_as_in_the_implicit_model(r, length):
    device = _make(r=r, l=length)
    for v, n in ((-0.7, 0.02), (-0.7, 1.0), (0.2, 0.02), (0.7, 1.0)):
        assert float(device.current(v, n)) == pytest.approx(_implicit(v, n, r, length), rel=0.15)


def test_current_is_near_another_published_fit_of_the_same_model():
    """The fit for v > 0 in IBM's analog hardware kit, by Z. Yu of Forschungszentrum Juelich."""
    n, v = np.geomspace(0.01, 10, 7), np.linspace(0.1, 1.0, 4)[:, None]
    below = 1 + (5.548 + 6.8648 * v + 51.586 * np.exp(-0.36 * v)) * (n / 0.008) ** -1.054
    other = -4.84e-3 * np.expm1(-0.1353 * v) / below ** (1 / 1.0526)
    np.testing.assert_allclose(_make().current(v, n), other, rtol=0.12)


def test_resistances_follow_from_the_filament():
    device = _make()
    assert float(device.r_on) == pytest.approx(0.2 / _implicit(0.2, 20.0), rel=0.05)
    assert float(device.r_off) == pytest.approx(0.2 / _implicit(0.2, 0.008), rel=0.12)
    many = _make(r=jnp.array([40.5e-9, 45e-9, 49.5e-9]), l=jnp.array([0.44e-9, 0.4e-9, 0.36e-9]))
    assert (np.diff(many.r_off) < -5e3).all() and (np.diff(many.r_on) < 0).all()
    assert float(many.r_off[1]) == pytest.approx(float(device.r_off), rel=1e-12)


@pytest.mark.parametrize("r", [40.5e-9, 45e-9, 49.5e-9])
@pytest.mark.parametrize("length", [0.36e-9, 0.4e-9, 0.44e-9])
def test_current_rises_with_vacancies_and_voltage_and_is_passive(r, length):
    device = _make(r=r, l=length)
    v, n = np.linspace(-1.8, 1.8, 73)[:, None], np.geomspace(0.008, 20, 200)
    i = np.asarray(device.current(v, n))
    assert (v * i >= 0).all()
    assert (np.diff(np.abs(i), axis=1)[np.abs(v[:, 0]) > 1e-9] > 0).all()
    assert (np.diff(i, axis=0) > 0).all()


def _rate(v, n, i):
    """dN/dt of the published equations in plain numpy from the current, 1e26/(m^3 s)."""
    area, inside = math.pi * 45e-9**2, v - i * _series(i)
    if v < 0:
        field, heating, limit = i / (n * 2e26 * Q * 4e-6 * area), 15.72e6, 1 - (n / 20) ** 10
    else:
        field, heating, limit = inside / 3e-9, 15.72e6 * 0.27, 1 - (0.008 / n) ** 10
    y = 2 * field * 0.25e-9 / (math.pi * 1.35)
    flat, tilt = math.sqrt(1 - y * y) + y * math.asin(y), y * math.pi / 2
    kt = KB * (293 + i * inside * heating) / (1.35 * Q)
    hops = math.exp(-(flat - tilt) / kt) - math.exp(-(flat + tilt) / kt)
    ions = 2 * Q * (20 + n) / 2 * 1e26 * 0.25e-9 * 2e13 * area * hops * limit
    return -ions / (area * 0.4e-9 * Q * 2) / 1e26


@pytest.mark.parametrize("v", [-1.0, -0.6, -0.3, 0.3, 0.8, 1.2])
def test_rate_is_the_published_one(v):
    device = _make()
    for n in (0.05, 0.3, 2.0, 19.0):
        want = _rate(v, n, float(device.current(v, n)))
        assert float(device.rate(v, n)) == pytest.approx(want, rel=0.02)  # k and e as then rounded
        assert np.sign(want) == -np.sign(v)


PULSE = jax.jit(lambda device, n, v, t: device.pulse(n, v, t))
LEGENDRE = np.polynomial.legendre.leggauss(40)


def _time(device, v, start, ends):
    """Time from `start` to each of `ends`: the integral of N d ln N / (dN/dt), by panels, s."""
    edges = np.linspace(np.log(start), np.log(ends), 401)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    n = np.exp(middle[..., None] + half[..., None] * LEGENDRE[0])
    return (half[..., None] * LEGENDRE[1] * n / np.asarray(device.rate(v, n))).sum((0, 2))


@pytest.mark.parametrize(
    ("v", "start", "ends"),
    [
        (-0.7, 0.02, [0.03, 0.05, 0.1, 0.5, 2, 10]),
        (-0.5, 0.3, [0.5, 1, 5, 12]),
        (-1.0, 0.1, [0.2, 1, 15, 19]),
        (0.8, 15.0, [10, 5, 1, 0.3]),
        (1.2, 5.0, [3, 1, 0.3, 0.05]),
    ],
)
def test_pulse_takes_the_time_that_the_rate_says(v, start, ends):
    """State to 1e-7 of the span, or time to 1e-8 where the state jumps."""
    device, ends = _make(), np.array(ends, float)
    t = _time(device, v, start, ends)
    off = np.abs(np.asarray(PULSE(device, start, v, t)) - ends)
    late = off / np.abs(np.asarray(device.rate(v, ends))) / t
    assert ((off <= 1e-7 * (20 - 0.008)) | (late <= 1e-8)).all(), (off, late)


def test_long_pulses_reach_the_bounds_and_leave_them():
    device, x = _make(), np.array([0.008, 20.0, 0.008, 20.0, 1.0])
    v, t = np.array([-1.0, 1.2, 1.0, -1.0, 0.0]), np.array([1e-3, 1e-3, 1.0, 1.0, 1.0])
    after = np.asarray(PULSE(device, x, v, t))
    # RESET slows down as the heat goes: after 1 ms at 1.2 V it is near the bound, not yet there.
    np.testing.assert_allclose(after, [20, 0.008, 0.008, 20, 1.0], rtol=1e-3, atol=0.01)
    np.testing.assert_array_equal(after[2:], x[2:])


def test_filaments_beyond_the_fit_are_refused():
    with pytest.raises(BadInput, match="for r, in m, found 6e-08"):
        _make(r=60e-9)
    with pytest.raises(BadInput, match="for l, in m"):
        _make(l=jnp.array([0.4e-9, 0.5e-9]))


def test_rate_has_its_slope_at_no_voltage():
    device = _make()
    slope = jax.grad(lambda v: device.rate(v, 5.0))(0.0)
    assert slope < 0
    assert float(slope) == pytest.approx(float(device.rate(1e-6, 5.0)) / 1e-6, rel=1e-3)


def test_derivatives_die_out_at_the_bound():
    """A fast filament sets within a few of 60 pulses, and rests at N_max in all the others."""
    voltages = -0.6 * np.sin(np.pi * (np.arange(60) + 0.5) / 60)
    changed = {"r": 46.1e-9, "l": 0.384e-9, "N_min": 5.1e-4, "N_max": 1.1, "nu_0": 4e17}
    changed |= {"a": 0.468e-9, "dW_a": 1.671, "T_0": 336.2}

    @jax.jit
    def states(faster):
        device = _make(**changed | {"nu_0": 4e17 * jnp.exp(faster)})

        def step(x, v):
            x = device.pulse(x, v, 1e-5)
            return x, x

        return lax.scan(step, jnp.asarray(0.139), voltages)[1]

    x, slope = jax.jit(lambda z: jax.jvp(states, (z,), (1.0,)))(0.0)
    differences = (states(1e-4) - states(-1e-4)) / 2e-4
    np.testing.assert_allclose(slope, differences, rtol=1e-3, atol=1e-6)
    assert np.max(slope) > 1e-3
    assert np.max(np.abs(slope[-20:])) < 1e-6
    assert x[-1] == pytest.approx(1.1, rel=1e-6)
