"""Waveforms against their definitions, their corners, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from ohmprop import drive
from ohmprop._core import BadInput

PERIODIC = (drive.Sine, drive.Triangle, drive.Square, drive.Sawtooth)


@pytest.mark.parametrize("kind", PERIODIC)
def test_periodic_shapes_are_scipys(kind):
    wave = kind(amplitude=0.7, frequency=50.0, offset=0.1, phase=0.3, cycles=3)
    t = np.random.default_rng(0).uniform(0, 0.06, 500)
    turn = 2 * np.pi * 50 * t + 0.3
    shape = {
        drive.Sine: np.sin(turn),
        drive.Triangle: 2 / np.pi * np.arcsin(np.sin(turn)),
        drive.Square: signal.square(turn),
        drive.Sawtooth: signal.sawtooth(turn + np.pi),
    }[kind]
    np.testing.assert_allclose(wave(t), 0.1 + 0.7 * shape, atol=1e-12)
    assert float(wave.duration) == pytest.approx(0.06)


@pytest.mark.parametrize("kind", PERIODIC)
def test_between_corners_a_waveform_is_smooth(kind):
    wave = kind(amplitude=1.0, frequency=2.0, phase=0.4, cycles=2)
    t = np.linspace(0, 1.0, 20001)
    v = np.asarray(wave(t))
    kinks = t[1:-1][np.abs(np.diff(v, 2)) > 1e-5]
    corners = np.asarray(wave.corners)
    assert len(corners) == 2 * len(wave.breaks)
    assert all(np.abs(corners - k).min() < 1e-4 for k in kinks)
    assert all(np.abs(kinks - c).min() < 1e-4 for c in corners)


def test_samples_hold_both_ends_and_every_corner_once():
    wave = drive.Triangle(frequency=1e3, phase=0.2, cycles=3)
    t = wave.sample(100)
    assert len(t) == 301 + 6 and (np.diff(t) > 1e-9 / 100).all()
    assert t[0] == 0 and t[-1] == pytest.approx(3e-3, rel=1e-15)
    assert np.isin(np.asarray(wave.corners), t).all()
    assert len(drive.Triangle(frequency=1e3, cycles=3).sample(100)) == 301  # corners on the grid


def test_pulse_train_and_points():
    train = drive.PulseTrain(amplitude=-0.5, width=2e-6, interval=5e-6, count=3)
    np.testing.assert_allclose(train(np.array([1e-6, 3e-6, 6e-6, 8e-6])), [-0.5, 0, -0.5, 0])
    np.testing.assert_allclose(train.corners, [0, 2e-6, 5e-6, 7e-6, 10e-6, 12e-6], atol=1e-18)
    assert float(train.duration) == pytest.approx(15e-6) and train.periods == 3
    assert len(train.sample(10)) == 31
    pair = drive.PulseTrain(width=2.0, interval=4.0, count=2)
    assert pair(np.array([2.0, 4.0, 6.0])).tolist() == [0, 1, 0]  # a pulse is over at its end
    t, v = np.array([0, 1.0, 3.0]), np.array([0, 1.0, -1.0])
    np.testing.assert_allclose(drive.PiecewiseLinear(t, v)(np.array([0.5, 2.0])), [0.5, 0.0])
    np.testing.assert_allclose(drive.Sampled(t, v, hold=True)(np.array([0.5, 1.0, 2.9])), [0, 1, 1])
    np.testing.assert_allclose(drive.Sampled(t, v)(np.array([0.5, 2.0])), [0.5, 0.0])
    assert drive.Sampled(t, v).sample(1000).tolist() == t.tolist()


def test_another_number_does_not_compile_again():
    compiled = 0

    @jax.jit
    def run(wave, t):
        nonlocal compiled
        compiled += 1
        return wave(t)

    for frequency in (1.0, 2.0, 5e6):
        run(drive.Sine(amplitude=frequency / 7, frequency=frequency), jnp.ones(3))
    assert compiled == 1


@pytest.mark.parametrize(
    ("call", "fragment"),
    [
        (lambda: drive.make_waveform("sinus"), "Did you mean 'sine'?"),
        (lambda: drive.make_waveform("sine", amplitud=1.0), "Did you mean 'amplitude'?"),
        (lambda: drive.make_waveform("sampled", t=[0, 1]), "sampled: "),
        (lambda: drive.Sine(frequency=0.0), "sine: expected a positive frequency in Hz, found 0.0"),
        (lambda: drive.Square(amplitude=np.nan), "expected a finite amplitude in V, found nan"),
        (lambda: drive.Triangle(cycles=0), "expected a whole number of cycles >= 1, found 0"),
        (
            lambda: drive.make_waveform("triangle", cycles=1.5),
            "expected a whole number of cycles >= 1, found 1.5",
        ),
        (lambda: drive.PulseTrain(width=2e-6, interval=1e-6), "expected width < interval"),
        (lambda: drive.PulseTrain(count=0), "a whole number of pulses, found 0"),
        (lambda: drive.Sampled([0, 2, 1], [0, 0, 0]), "found t[2] = 1 s after 2 s"),
        (lambda: drive.Sampled([0, 1, 1], [0, 0, 0]), "found t[2] = 1 s after 1 s"),
        (lambda: drive.Sampled([0, 1], [0, 1, 2]), "as many voltages as times"),
        (lambda: drive.PiecewiseLinear([1, 2], [0, 1]), "expected times from 0 s, found 1 s"),
        (lambda: drive.PiecewiseLinear([0, 1], [0, np.inf]), "expected a finite voltage"),
        (lambda: drive.Sine().sample(0), "at least 1 point"),
    ],
)
def test_bad_input(call, fragment):
    with pytest.raises(BadInput) as caught:
        call()
    assert fragment in str(caught.value)
