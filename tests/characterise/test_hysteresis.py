"""Loops and their numbers, against closed forms and independent integration."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.characterise import (
    Trace,
    collapse,
    hysteresis,
    loop_metrics,
    periodic,
    read_waveform,
    switching_frequency,
)
from ohmprop.drive import PiecewiseLinear

TAU = 2 * np.pi
HP = devices.make("linear_ion_drift", "published")
RATE = eqx.filter_jit(lambda device, v, x: device.rate(v, x))


def trace(t, v, i, x) -> Trace:
    t, v, i, x = (jnp.asarray(a) for a in (t, v, i, x))
    return Trace(t=t, v=v, v_device=v, i=i, x=x, charge=0 * t, flux=0 * t)


def flux_controlled(cycles=2, points=2000, g0=1e-3, g1=2e-4, amplitude=1.5) -> Trace:
    """v = A sin, i = (g0 - g1 cos) v at 1 Hz: a lobe of (2/3) g1 A^2 on either side."""
    t = np.linspace(0, cycles, cycles * points + 1)
    v = amplitude * np.sin(TAU * t)
    return trace(t, v, (g0 - g1 * np.cos(TAU * t)) * v, HP.upper * (0.5 - 0.1 * np.cos(TAU * t)))


class TestMetrics:
    def test_of_an_analytic_loop(self):
        m = loop_metrics(flux_controlled(), HP, cycles=2, read_voltage=0.75)
        assert m.lobe_area_positive == pytest.approx(2 / 3 * 2e-4 * 1.5**2, rel=1e-5)
        assert m.lobe_area_negative == pytest.approx(m.lobe_area_positive, rel=1e-9)
        assert m.symmetry == pytest.approx(0, abs=1e-9)
        assert m.pinch_error is not None and m.pinch_error < 1e-10
        # at half the amplitude the phase is 30 or 150 degrees
        c = np.cos(np.pi / 6)
        assert m.r_off_over_r_on == pytest.approx((1 + 0.2 * c) / (1 - 0.2 * c), rel=1e-4)
        assert m.energy_per_cycle == pytest.approx(1e-3 * 1.5**2 / 2, rel=1e-6)
        assert m.drift_per_cycle == pytest.approx(0, abs=1e-12)

    def test_only_the_last_cycle_counts(self):
        a, b = flux_controlled(1, g1=3e-4), flux_controlled(1)
        both = trace(*(np.append(np.asarray(p), np.asarray(q)[1:] + shift) for p, q, shift in (
            (a.t, b.t, 1.0), (a.v, b.v, 0), (a.i, b.i, 0), (a.x, b.x, 0))))  # fmt: skip
        assert loop_metrics(both, HP, 2)[:-1] == pytest.approx(loop_metrics(b, HP)[:-1], rel=1e-9)

    def test_unequal_lobes_and_an_offset_from_the_origin(self):
        t = np.linspace(0, 1, 4001)
        v, c = np.sin(TAU * t), np.cos(TAU * t)
        i = np.where(v > 0, 1e-3 - 3e-4 * c, 1e-3 - 1e-4 * c) * v
        m = loop_metrics(trace(t, v, i, HP.upper * t), HP)
        assert m.symmetry == pytest.approx(0.5, rel=1e-4)
        assert m.drift_per_cycle == pytest.approx(1)
        area = m.lobe_area_positive
        m = loop_metrics(trace(t, v, i + 1e-4, HP.upper * t), HP)
        assert m.lobe_area_positive == pytest.approx(area, rel=1e-4)
        assert m.pinch_error == pytest.approx(1e-4 / np.abs(i + 1e-4).max(), rel=1e-6)

    def test_a_square_wave_reads_the_ratio_across_its_jumps(self):
        t = np.array([0, 0.5, 0.5, 1.0])
        v = np.array([1.0, 1, -1, -1])
        m = loop_metrics(trace(t, v, v * [1e-3, 4e-3, 4e-3, 1e-3], HP.upper * t), HP)
        assert m.pinch_error == 0
        assert m.lobe_area_positive == pytest.approx(1.5e-3)

    def test_thresholds(self):
        t = np.linspace(0, 1, 20001)
        v = np.sin(TAU * t)
        rate = np.where(v > 0.6, v - 0.6, np.where(v < -0.3, 3 * (v + 0.3), 0))
        x = np.append(0, np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(t)))
        m = loop_metrics(trace(t, v, v, HP.upper * (0.5 + x)), HP)
        assert m.threshold_positive == pytest.approx(0.6 + 0.01 * 0.4, abs=5e-4)
        assert m.threshold_negative == pytest.approx(-0.3 - 0.01 * 0.7, abs=5e-4)

    def test_nothing_to_say_of_a_resistor(self):
        t = np.linspace(0, 1, 201)
        m = loop_metrics(trace(t, 1 + 0 * t, 1e-3 + 0 * t, 0 * t), HP)
        assert (m.symmetry, m.pinch_error, m.r_off_over_r_on) == (None, None, None)
        assert (m.threshold_positive, m.threshold_negative) == (None, None)

    @pytest.mark.parametrize(
        ("change", "words"),
        [({"cycles": 0}, "at least 1 cycle"), ({"read_voltage": 0.0}, "read voltage")],
    )
    def test_refusals(self, change, words):
        with pytest.raises(BadInput, match=words):
            loop_metrics(flux_controlled(), HP, **change)

    def test_several_devices_are_refused(self):
        several = np.zeros((2, 5))
        with pytest.raises(BadInput, match="one device"):
            loop_metrics(trace(*[several] * 4), HP)


class TestCollapse:
    def test_of_a_power_law(self):
        found = collapse([8.0, 1.0, 2.0, 0.1], [1 / 8, 1.0, 1 / 2, 0.3])
        assert found is not None
        assert found.frequencies == [0.1, 1.0, 2.0, 8.0]
        assert found.half_area_frequency == pytest.approx(2.0)
        found = collapse([1.0, 10.0], [1.0, 0.01])  # area = 1/f^2
        assert found is not None and found.half_area_frequency == pytest.approx(np.sqrt(2))

    def test_of_too_little(self):
        assert collapse([1.0], [1.0]) is None
        assert collapse([1.0, 2.0], [0.0, 0.0]) is None
        found = collapse([1.0, 2.0], [1.0, 0.9])
        assert found is not None and found.half_area_frequency is None


class TestLoops:
    def test_the_law_of_high_frequencies(self):
        """A -> (2/3) |dG/dphi| V^3 / omega; 1.012 times that at 100 Hz, 1.13 times at 10 Hz."""
        x0 = float(HP.upper) / 2
        m = 1 / float(HP.conductance(x0))
        slope = 1e4 * (16e3 - 100) / m**3  # dG/dphi = k (r_off - r_on) / M^3
        for loop, ratio in zip(
            hysteresis(HP, "sine", [100.0, 10.0], x0=x0), [1.012, 1.13], strict=True
        ):
            law = 2 / 3 * slope / (TAU * loop.frequency)
            assert loop.metrics.lobe_area_positive / law == pytest.approx(ratio, abs=0.005)
            assert loop.metrics.symmetry == pytest.approx(0, abs=1e-6)
            assert loop.metrics.pinch_error == pytest.approx(0, abs=1e-9)

    def test_against_solve_ivp(self):
        device = devices.make("biolek", "published")
        [loop] = hysteresis(device, "triangle", [2.5], amplitude=1.2, points=400, cycles=1)
        d = float(device.upper)

        def rate(t, x):
            v = 1.2 * 2 / np.pi * np.arcsin(np.sin(TAU * 2.5 * t))
            return [float(RATE(device, v, x[0] * d)) / d]

        t = np.asarray(loop.trace.t)
        x = solve_ivp(rate, (0, 0.4), [0.5], t_eval=t, rtol=1e-9, atol=1e-12, max_step=0.01).y[0]
        assert np.abs(np.asarray(loop.trace.x) / d - x).max() < 1e-5

    def test_progress_and_order(self):
        seen = []
        loops = hysteresis(HP, "sine", [3.0, 1.0], progress=seen.append)
        assert [loop.frequency for loop in loops] == [3.0, 1.0] == [x.frequency for x in seen]

    def test_a_given_waveform_is_one_period(self):
        triangle = PiecewiseLinear(
            jnp.array([0.0, 2.0, 6.0, 8.0]), jnp.array([0.0, 0.9, -0.9, 0.0])
        )
        [loop] = hysteresis(HP, triangle, [5.0], cycles=2, points=200)
        t, v, x = (np.asarray(a) for a in (loop.trace.t, loop.trace.v, loop.trace.x))
        assert v == pytest.approx(0.9 * 2 / np.pi * np.arcsin(np.sin(TAU * 5 * t)), abs=1e-9)
        # M^2 = M0^2 - 2 k (r_off - r_on) phi, k = 1e4 /(V s): trapezoids are exact here
        phi = np.append(0, np.cumsum((v[1:] + v[:-1]) / 2 * np.diff(t)))
        m = 16e3 - 15900 * x / float(HP.upper)
        assert m == pytest.approx(np.sqrt(8050**2 - 2 * 1e4 * 15900 * phi), rel=1e-6)
        assert t[-1] == pytest.approx(0.4)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"frequencies": []}, "positive frequencies"),
            ({"frequencies": [0.0]}, "positive frequencies"),
            ({"cycles": 0}, "at least 1 cycle"),
            ({"waveform": "sin"}, "Did you mean 'sine'"),
        ],
    )
    def test_refusals(self, change, words):
        with pytest.raises(BadInput, match=words):
            hysteresis(HP, **change)


def full_swing(device, frequency, sign, amplitude=1.0) -> float:
    """How far beyond 99 % (or below 1 %) half a sine takes the device from the other end."""
    lower, span = float(device.lower), float(device.upper - device.lower)
    up = float(device.rate(sign * amplitude, lower + 0.5 * span)) > 0
    begin, end = (0.01, 0.99) if up else (0.99, 0.01)

    def rate(theta, y):
        v = sign * amplitude * np.sin(np.pi * theta)
        return [float(RATE(device, v, lower + y[0] * span)) / span / (2 * frequency)]

    def arrived(theta, y):
        return y[0] - end

    arrived.terminal = True  # pyright: ignore
    out = solve_ivp(rate, (0, 1), [begin], method="LSODA", rtol=1e-8, atol=1e-10, events=arrived,
                    max_step=0.05)  # fmt: skip
    short = out.y[0, -1] - end if up else end - out.y[0, -1]
    return 1 - float(out.t[-1]) if out.status == 1 else min(float(short), -1e-12)


class TestSwitchingFrequency:
    @pytest.mark.parametrize("model", ["vteam", "mms"])
    def test_against_integration(self, model):
        """Just below it half a sine switches the device both ways; just above, not both."""
        device = devices.make(model, "published")
        f = switching_frequency(device, periodic("sine", 1.0, amplitude=1.0))
        assert all(full_swing(device, f * 0.999, sign) > 0 for sign in (1, -1))
        assert not all(full_swing(device, f * 1.001, sign) > 0 for sign in (1, -1))

    def test_of_linear_ion_drift_in_closed_form(self):
        """k phi = (M1^2 - M2^2)/(2 (r_off - r_on)) from 1 % to 99 %; half a sine has A/(pi f)."""
        m = [100 * x + 16e3 * (1 - x) for x in (0.01, 0.5, 0.99)]
        phi = [(m[k] ** 2 - m[2] ** 2) / (2 * 15900 * 1e4) for k in (0, 1)]
        sine = periodic("sine", 7.0, amplitude=1.4)
        assert switching_frequency(HP, sine) == pytest.approx(1.4 / np.pi / phi[0], rel=1e-5)
        half = switching_frequency(HP, sine, float(HP.upper) / 2)
        assert half == pytest.approx(1.4 / np.pi / phi[1], rel=1e-5)

    def test_other_parameters_and_starts_do_not_compile_again(self):
        sine, compiled = periodic("sine", 1.0, amplitude=1.0), []

        def note(event, *_, **__):
            compiled.append(event) if "backend_compile" in event else None

        switching_frequency(devices.make("mms", "published"), sine)
        jax.monitoring.register_event_duration_secs_listener(note)
        try:
            other = devices.make("mms", "published", r_off=2e3)
            switching_frequency(other, sine)
            switching_frequency(other, sine, 0.3 * float(other.upper))
            assert not compiled
        finally:
            jax.monitoring.unregister_event_duration_listener(note)

    def test_a_loop_there_goes_from_end_to_end(self):
        device = devices.make("yakopcic", "published")
        f = switching_frequency(device, periodic("triangle", 1.0))
        span = float(device.upper - device.lower)
        [loop] = hysteresis(device, "triangle", [f], cycles=1, points=400,
                            x0=device.lower + 0.01 * span)  # fmt: skip
        x = (np.asarray(loop.trace.x) - float(device.lower)) / span
        assert x.max() > 0.989 and x[-1] < 0.011
        assert x[200] < 0.9901 or x[-1] > 0.0099  # the slower way takes all of its half period

    @pytest.mark.parametrize("model", ["vteam", "yakopcic"])
    def test_below_the_threshold_there_is_none(self, model):
        device = devices.make(model, "seed")
        with pytest.raises(BadInput, match="does not switch the device fully"):
            switching_frequency(device, periodic("sine", 1.0, amplitude=0.45))

    def test_a_wave_of_one_sign_has_none(self):
        with pytest.raises(BadInput, match="no negative voltage"):
            switching_frequency(HP, periodic("sine", 1.0, amplitude=0.5, offset=0.6))


class TestReadWaveform:
    def test_units_and_names(self, tmp_path):
        path = tmp_path / "wave.csv"
        rows = "".join(f"{k},{k * (10 - k)}\n" for k in range(11))
        path.write_text("t_ms,Voltage (mV)\n" + rows, encoding="utf-8")
        wave = read_waveform(path)
        assert float(wave.duration) == pytest.approx(0.01)
        assert float(wave(0.005)) == pytest.approx(0.025)

    def test_refusals(self, tmp_path):
        with pytest.raises(BadInput, match="no such file"):
            read_waveform(tmp_path / "none.csv")


def test_a_waveform_of_few_points_and_no_hint_at_options_it_lacks(tmp_path):
    path = tmp_path / "wave.csv"
    path.write_text("t_ms,V (mV)\n0,0\n1,500\n3,-500\n4,0\n")
    wave = read_waveform(path)
    np.testing.assert_allclose(wave.t, [0, 1e-3, 3e-3, 4e-3])
    np.testing.assert_allclose(wave.v, [0, 0.5, -0.5, 0])
    path.write_text("a,b\n0,0\n1,500\n3,-500\n4,0\n")
    with pytest.raises(BadInput) as caught:
        read_waveform(path)
    assert "--columns" not in str(caught.value) and "t,V" in str(caught.value)


def test_a_pulse_train_has_a_duty_and_neither_offset_nor_phase():
    wave = periodic("pulse_train", 50.0, amplitude=-0.4, duty=0.1, cycles=3)
    t = np.linspace(0, 0.06, 3001)[:-1] + 1e-7
    np.testing.assert_array_equal(wave(t), np.where((50 * t) % 1 < 0.1, -0.4, 0.0))
    assert float(wave.duration) == pytest.approx(0.06)
    mistakes: list[dict[str, Any]] = [{"offset": 0.1}, {"phase": 1.0}, {"duty": 1.0}, {"duty": 0.0}]
    for wrong in mistakes:
        with pytest.raises(BadInput, match="pulse_train: "):
            periodic("pulse_train", 50.0, **wrong)


@pytest.mark.parametrize(("read", "beyond"), [(1.5, True), (-1.01, True), (0.9, False)])
def test_a_read_voltage_beyond_the_loop_is_refused(read, beyond):
    def measure():
        options: dict[str, Any] = {"points": 40, "integration": "euler", "read_voltage": read}
        return hysteresis(HP, "triangle", [1.0], **options)

    if beyond:
        with pytest.raises(BadInput, match="read voltage: .*between -1 and 1 V"):
            measure()
    else:
        assert measure()[0].metrics.r_off_over_r_on is not None
