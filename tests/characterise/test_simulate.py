"""Traces against SciPy's integrator and closed forms; loads; batches; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from ohmprop import devices, drive
from ohmprop._core import BadInput
from ohmprop.characterise import _ode, simulate, switching_frequency

POINTS = 200


def _reference(device, wave, t, x0, across=None):
    """States by an integrator that is restarted at every sample, so that no corner is crossed."""
    low, high = float(device.lower), float(device.upper)
    span = high - low

    @jax.jit
    def rate(now, y):
        x = low + span * jnp.clip(y[0], 0, 1)
        v = wave(now)
        # Beyond a bound it runs on until the sample, which clips it: smooth, as v keeps its sign.
        return device.rate(v if across is None else across(v, x), x) / span

    y = [(x0 - low) / span]
    for a, b in zip(t[:-1], t[1:], strict=True):
        inside = (a + 1e-12 * (b - a), b - 1e-12 * (b - a))
        new = solve_ivp(
            lambda now, y: [float(rate(now, y))], inside, [y[-1]], method="LSODA", rtol=1e-9,
            atol=1e-11,
        ).y[0, -1]  # fmt: skip
        y.append(float(np.clip(new, 0, 1)))
    return low + span * np.array(y)


# model, set, waveform, amplitude in V, frequency in Hz: each moves the state far, two to a bound
DRIVES = [
    ("linear_ion_drift", "published", drive.Square, 1.0, 0.5),
    ("joglekar", "published", drive.Sine, 1.0, 4.0),
    ("biolek", "published", drive.Triangle, 1.0, 0.5),
    ("vteam", "published", drive.Sine, 1.0, 1e9),
    ("yakopcic", "published", drive.Triangle, 0.5, 200.0),
    ("mms", "published", drive.Sine, 0.5, 200.0),
]


@pytest.mark.parametrize(("model", "params", "shape", "amplitude", "frequency"), DRIVES)
def test_states_are_scipys(model, params, shape, amplitude, frequency):
    device = devices.make(model, params)
    wave = shape(amplitude=amplitude, frequency=frequency, cycles=1)
    trace = simulate(device, wave, points=POINTS)
    t, span = np.asarray(trace.t), float(device.upper - device.lower)
    every = slice(None, None, 10)  # the reference calls the device one number at a time
    wanted = _reference(device, wave, t[every], float(trace.x[0]))
    assert np.ptp(wanted) > 0.1 * span
    np.testing.assert_allclose(trace.x[every], wanted, rtol=0, atol=2e-7 * span)
    np.testing.assert_allclose(trace.i, device.current(trace.v, trace.x), rtol=1e-12, atol=0)
    np.testing.assert_allclose(trace.v, wave(t))


def test_linear_drift_is_its_closed_form_and_leaves_the_bound():
    """M^2 = M0^2 - 2 dR k flux, from the bound it stood at when the voltage turned."""
    device = devices.make("linear_ion_drift", "published")
    wave = drive.Sine(amplitude=1.0, frequency=0.2)
    trace = simulate(device, wave, points=POINTS)
    r_on, r_off = 100.0, 16e3
    k = 1e-14 * r_on / 1e-16
    flux = (1 - np.cos(2 * np.pi * 0.2 * np.asarray(trace.t))) / (2 * np.pi * 0.2)
    after = np.asarray(trace.t) >= 2.5
    m2 = ((r_off + r_on) / 2) ** 2 - 2 * (r_off - r_on) * k * flux
    m2[after] = r_on**2 - 2 * (r_off - r_on) * k * (flux[after] - flux.max())
    m = np.sqrt(np.clip(m2, r_on**2, r_off**2))
    assert (m[~after] == r_on).any() and m[-1] > 0.9 * r_off  # stood at the bound, and left it
    x = (r_off - m) / (r_off - r_on) * 1e-8
    np.testing.assert_allclose(trace.x, x, rtol=0, atol=1e-8 * 1e-8)


@pytest.mark.parametrize(("frequency", "ratio"), [(100.0, 1.012), (10.0, 1.13)])
def test_lobe_area_approaches_its_high_frequency_limit(frequency, ratio):
    """A -> (2/3) |dG/dflux| V^3/omega for a flux-controlled device, from above as published."""
    device = devices.make("linear_ion_drift", "published")
    trace = simulate(device, drive.Sine(amplitude=1.0, frequency=frequency), points=2000)
    half = np.asarray(trace.v) >= 0
    area = abs(np.trapezoid(np.where(half, trace.i, 0), np.where(half, trace.v, 0)))
    m, slope = 8050.0, 15900.0 * 1e4  # ohm at x = 1/2; -dM/dflux = dR k / M
    limit = 2 / 3 * slope / m**3 / (2 * np.pi * frequency)
    assert area / limit == pytest.approx(ratio, abs=6e-3)


def test_no_voltage_no_change_and_charge_and_flux():
    device = devices.make("biolek", "published")
    still = simulate(device, drive.PiecewiseLinear([0, 1.0], [0, 0]), points=10, x0=3e-9)
    assert (np.asarray(still.x) == 3e-9).all() and (np.asarray(still.i) == 0).all()
    trace = simulate(device, drive.Sine(frequency=5.0), points=POINTS)
    t = np.asarray(trace.t)
    flux = (1 - np.cos(10 * np.pi * t)) / (10 * np.pi)
    np.testing.assert_allclose(trace.flux, flux, atol=1e-5)
    assert float(trace.charge[-1]) == pytest.approx(np.trapezoid(trace.i, t), abs=1e-12)


def test_sampled_noise_of_many_signs():
    """Every sample another sign: the order in time is kept."""
    device = devices.make("joglekar", "published")
    v = np.random.default_rng(3).normal(size=401)
    t = np.linspace(0, 2.0, 401)
    trace = simulate(device, drive.Sampled(t, v, hold=True))
    x, pulse = device.upper / 2, jax.jit(lambda x, v, t: device.pulse(x, v, t))
    for k in range(400):
        x = pulse(x, v[k], t[k + 1] - t[k])
    assert float(jnp.ptp(trace.x)) > 0.05 * float(device.upper)
    np.testing.assert_allclose(trace.x[-1], x, rtol=0, atol=1e-11 * float(device.upper))


def test_a_threshold_anywhere_between_two_samples_costs_no_accuracy():
    """The drive bends where the sine passes a threshold; SciPy is told where, we are not."""
    bends = np.sort(np.arcsin([0.3161, 0.8763]) / (2 * np.pi))
    device = devices.make("yakopcic", "published", V_p=0.5 * 0.3161, V_n=0.5 * 0.8763)
    assert isinstance(device, devices.AbstractSeparable)
    wave = drive.Sine(amplitude=0.5, frequency=1.0)
    trace = simulate(device, drive.Sine(amplitude=0.5, frequency=1e3), points=20, x0=0.2)
    cuts = [0, bends[0], 0.5 - bends[0], 0.5 + bends[1], 1 - bends[1], 1]
    g = jax.jit(lambda t: device.drive(wave(t)))
    parts = [quad(lambda t: float(g(t)), a, b, epsabs=0, epsrel=1e-11)[0] / 1e3
             for a, b in zip(cuts[1:-1:2], cuts[2::2], strict=True)]  # fmt: skip
    x = device.advance(device.advance(0.2, parts[0]), parts[1])
    assert float(trace.x.max()) > 0.5
    np.testing.assert_allclose(trace.x[-1], x, rtol=0, atol=1e-9)


def test_another_frequency_does_not_compile_again():
    compiled = []

    def note(event, *_, **__):
        compiled.append(event) if "backend_compile" in event else None

    def run(frequency, amplitude, ohms):
        triangle = drive.Triangle(amplitude=amplitude, frequency=frequency, phase=0.3)
        simulate(devices.make("linear_ion_drift", "published"), triangle, points=20)
        sine = drive.Sine(amplitude=amplitude, frequency=frequency)
        simulate(devices.make("mms", "published"), sine, points=20, r_series=ohms)

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        run(100.0, 0.5, 10.0)
        assert compiled
        compiled.clear()
        for frequency in (1.7, 3e4):
            run(frequency, 0.6, 20.0)
        assert not compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


def test_charge_and_flux_at_a_jump_are_those_of_either_side():
    device = devices.make("linear", "seed")
    trace = simulate(device, drive.Square(amplitude=0.5, frequency=1e9), points=7)
    t = np.asarray(trace.t)
    np.testing.assert_allclose(trace.flux, 0.5 * np.minimum(t, 1e-9 - t), atol=1e-17)


def test_a_device_at_a_bound_leaves_it_behind_a_resistor_too():
    """Joglekar's window is 0 at the bound itself; just inside the device moves away."""
    device = devices.make("joglekar", "published")
    wave = drive.PiecewiseLinear([0, 1e-3, 6.0], [0, 2.0, 2.0])
    free = simulate(device, wave, points=60, x0=0.0)
    loaded = simulate(device, wave, points=60, x0=0.0, r_series=1e-6)
    assert float(free.x[-1]) > 0.5 * float(device.upper)
    # On its way from 1e-9 of the span the state multiplies every error by up to 1e9.
    np.testing.assert_allclose(loaded.x, free.x, rtol=0, atol=1e-4 * float(device.upper))


def test_euler_is_the_seeds_step_and_not_exact():
    device = devices.make("biolek", "published")
    wave = drive.Sine(amplitude=1.0, frequency=1.0)
    trace = simulate(device, wave, points=50, integration="euler")
    x = [5e-9]
    for k in range(50):
        x.append(float(device.euler(x[k], float(wave(trace.t[k])), 0.02)))
    np.testing.assert_allclose(trace.x, x, rtol=1e-12)
    exact = simulate(device, wave, points=50)
    assert float(jnp.abs(exact.x - trace.x).max()) > 1e-3 * 1e-8


def test_euler_behind_a_series_resistance_steps_at_the_devices_own_voltage():
    device = devices.make("biolek", "published", r_on=1e3)
    wave = drive.Sine(amplitude=1.0, frequency=1.0)
    trace = simulate(device, wave, points=50, integration="euler", r_series=2e3)
    x = [5e-9]
    for k in range(50):
        m = 1e3 * x[k] / 1e-8 + 16e3 * (1 - x[k] / 1e-8)
        x.append(float(device.euler(x[k], float(wave(trace.t[k])) * m / (m + 2e3), 0.02)))
    np.testing.assert_allclose(trace.x, x, rtol=1e-10)
    free = simulate(device, wave, points=50, integration="euler")
    assert float(jnp.abs(free.x - trace.x).max()) > 1e-3 * 1e-8


def test_charge_and_flux_of_a_loaded_device_are_its_own_not_the_sources():
    """To the last interval, in which the voltage is not 0, and with no current beyond the limit."""
    device = devices.make("biolek", "published", r_on=1e3)
    wave = drive.PiecewiseLinear([0, 0.5, 0.8], [0, 1.5, 0.6])
    most = 1.2e-4
    trace = simulate(device, wave, points=POINTS, r_series=2e3, compliance=most)
    t, u, i = (np.asarray(a) for a in (trace.t, trace.v_device, trace.i))
    assert most * (1 - 1e-12) <= i.max() <= most and u[-1] > 0.1
    steps = np.diff(t)
    np.testing.assert_allclose(trace.charge[1:], np.cumsum((i[1:] + i[:-1]) / 2 * steps), 1e-7)
    np.testing.assert_allclose(trace.flux[1:], np.cumsum((u[1:] + u[:-1]) / 2 * steps), 1e-7)
    source = np.trapezoid(trace.v, t)
    assert float(trace.flux[-1]) < 0.9 * source


def test_a_device_whose_lower_bound_is_not_0_starts_half_way_between_its_bounds():
    device = devices.make("jart", "published")
    low, high = float(device.lower), float(device.upper)
    assert low > 1e-4 * high
    trace = simulate(device, drive.Sine(amplitude=0.1), points=2, integration="euler")
    assert float(trace.x[0]) == pytest.approx((low + high) / 2, rel=1e-12)


def test_series_resistance():
    device = devices.make("biolek", "published", r_on=1e3)
    wave = drive.Triangle(amplitude=1.5, frequency=0.5)
    trace = simulate(device, wave, points=POINTS, r_series=2e3)
    np.testing.assert_allclose(trace.v, trace.v_device + 2e3 * trace.i, atol=1e-12)

    def divide(v, x):
        m = 1e3 * x / 1e-8 + 16e3 * (1 - x / 1e-8)
        return v * m / (m + 2e3)

    t = np.asarray(trace.t)[::10]
    wanted = _reference(device, wave, t, 5e-9, divide)
    np.testing.assert_allclose(trace.x[::10], wanted, rtol=0, atol=2e-7 * 1e-8)
    plain = simulate(device, wave, points=POINTS)
    assert float(jnp.abs(plain.x - trace.x).max()) > 1e-2 * 1e-8


def test_compliance_with_a_curved_characteristic():
    device = devices.make("yakopcic", "published", b=3.0)
    wave = drive.Triangle(amplitude=0.5, frequency=200.0)
    free = simulate(device, wave, points=POINTS)
    most = 0.3 * float(jnp.abs(free.i).max())
    trace = simulate(device, wave, points=POINTS, compliance=most)
    assert float(jnp.abs(trace.i).max()) <= most * (1 + 1e-9)
    held = np.flatnonzero(np.asarray(jnp.abs(trace.v_device) < jnp.abs(trace.v) - 1e-9))
    assert len(held) > 10
    current = jax.jit(lambda u, x: device.current(u, x))
    for k in held[::7]:
        x, sign = float(trace.x[k]), np.sign(float(trace.v[k]))
        root = brentq(lambda u, x=x, s=sign: float(current(u, x)) - s * most, -1, 1)
        assert float(trace.v_device[k]) == pytest.approx(root, abs=1e-9)


@pytest.mark.slow
def test_a_stiff_device_falls_back_to_the_implicit_method(monkeypatch):
    """mms relaxes within 1 ms, 1e6 times a period: more than the explicit method may step."""
    used, implicit = [], _ode._implicit
    monkeypatch.setattr(_ode, "_implicit", lambda *a: used.append(True) or implicit(*a))
    device = devices.make("mms", "published")
    wave = drive.Sine(amplitude=0.4, frequency=1e-3)
    trace = simulate(device, wave, points=20, x0=0.9, r_series=100.0)
    assert used

    def divide(v, x):
        return v / (1 + 100.0 * device.conductance(x))

    rate = jax.jit(lambda t, x: device.rate(divide(wave(t), x), x))
    wanted = solve_ivp(rate, (0, 1e3), [0.9], "Radau", np.asarray(trace.t), rtol=1e-9, atol=1e-10)
    assert np.ptp(wanted.y[0]) > 0.5
    np.testing.assert_allclose(trace.x, wanted.y[0], rtol=0, atol=1e-7)


@pytest.mark.slow
def test_an_integration_that_does_not_end_says_so(monkeypatch):
    monkeypatch.setattr(_ode, "_STEPS", 7)
    with pytest.raises(BadInput, match="raise the frequency or the tolerance"):
        simulate(devices.make("mms", "published"), drive.Sine(), points=13, r_series=1.0)


@pytest.mark.slow
def test_a_leap_too_fast_to_follow_is_followed_behind_a_series_resistance(monkeypatch):
    """TEAM's report has a device whose current, once it sets, grows a thousandfold."""
    monkeypatch.setattr(_ode, "_STEPS", 10_000)
    device, wave = devices.make("team", "published"), drive.Sine(amplitude=30.0, frequency=1e-4)
    with pytest.raises(BadInput, match="or add a series resistance"):
        simulate(device, wave, points=17)
    x = np.asarray(simulate(device, wave, points=17, r_series=1e4).x)
    assert np.ptp(x) > 0.5 * float(device.upper - device.lower)


@pytest.mark.long
def test_the_automatic_frequency_of_a_device_that_sets_beyond_99_percent():
    """JART sets to its very bound, from where it is slower to leave than from 99 %."""
    device = devices.make("jart", "published")
    low, span = float(device.lower), float(device.upper - device.lower)
    f = switching_frequency(device, drive.Sine())

    def swing(frequency):
        trace = simulate(device, drive.Sine(frequency=frequency, cycles=2), points=400)
        state = (np.asarray(trace.x) - low) / span
        last = state[np.asarray(trace.t) >= 1 / frequency]
        return last.min(), last.max()

    least, most = swing(f)
    assert least < 0.011 and most > 0.989
    assert swing(1.01 * f)[0] > 0.02


def test_a_batch_that_is_integrated_is_its_devices_one_by_one():
    tau = jnp.array([1e-4, 3e-4, 1e-3])
    many = devices.make("mms", "published", tau=tau)
    wave = drive.Sine(amplitude=0.4, frequency=200.0)
    trace = simulate(many, wave, points=50, r_series=jnp.array([0, 10.0, 100.0]))
    one = devices.make("mms", "published", tau=tau[1])
    alone = simulate(one, wave, points=50, r_series=10.0)
    np.testing.assert_allclose(trace.x[1], alone.x, rtol=0, atol=1e-8)
    assert float(jnp.ptp(trace.x[1])) > 0.1


def test_a_batch_is_its_devices_one_by_one():
    many = devices.make("biolek", "published", r_off=jnp.linspace(8e3, 16e3, 70))
    wave = drive.Sine(frequency=1.0)
    x0 = jnp.linspace(1e-9, 9e-9, 70)
    trace = simulate(many, wave, points=50, x0=x0)
    assert trace.x.shape == (70, 51) and trace.t.shape == (51,)
    for k in (0, 69):
        one = devices.make("biolek", "published", r_off=many.r_off[k])
        alone = simulate(one, wave, points=50, x0=x0[k])
        np.testing.assert_allclose(trace.x[k], alone.x, rtol=0, atol=1e-12 * 1e-8)
        np.testing.assert_allclose(trace.charge[k], alone.charge, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ({"x0": 2e-8}, "expected an initial state between 0 and 1e-08, found 2e-08"),
        ({"x0": np.nan}, "expected an initial state"),
        ({"r_series": -1.0}, "expected a series resistance >= 0 ohm, found -1.0"),
        ({"compliance": 0.0}, "expected a positive compliance in A, found 0.0"),
        ({"integration": "exakt"}, "expected integration exact or euler, found 'exakt'"),
        ({"tolerance": 0.0}, "expected a tolerance"),
        ({"points": 0}, "at least 1 point"),
    ],
)
def test_bad_input(given, fragment):
    with pytest.raises(BadInput) as caught:
        simulate(devices.make("biolek", "published"), drive.Sine(), **given)
    assert fragment in str(caught.value)


def test_refused_devices_and_waveforms():
    with pytest.raises(BadInput, match="ohmprop pulses"):
        simulate(devices.make("soft_bounds"), drive.Sine())
    with pytest.raises(BadInput, match="one waveform for all devices"):
        simulate(devices.make("biolek"), drive.Sine(frequency=jnp.array([1.0, 2.0])))


def test_single_precision_is_refused_with_its_cure():
    with jax.enable_x64(False), pytest.raises(BadInput, match="jax_enable_x64"):
        simulate(devices.make("biolek", "published"), drive.Sine())
