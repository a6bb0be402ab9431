"""Fits of JART stay where its current holds: at filaments near the nominal one."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices, drive
from ohmprop.characterise import simulate
from ohmprop.characterise._laws import plan
from ohmprop.characterise._problem import sampled
from ohmprop.characterise._read import Sweep


@pytest.mark.slow
@pytest.mark.parametrize(("waveform", "amplitude"), [("sine", 1.3), ("triangle", 1.4)])
def test_a_hundred_samples_a_cycle_show_the_path_of_a_reset_that_runs_away(waveform, amplitude):
    device = devices.make("jart")
    wave = drive.make_waveform(waveform, amplitude=amplitude, frequency=1e4, cycles=2)
    trace = simulate(device, wave, points=100, x0=10.0)
    i = jax.jit(sampled)(device, jnp.asarray(10.0), trace.t, trace.v)[0]
    used = np.abs(trace.v) > 0.1
    decades = np.log10(np.asarray(i)[used] / np.asarray(trace.i)[used])
    assert float(trace.x.max()) > 19 and float(trace.x.min()) < 0.1  # set and reset
    assert np.sqrt(np.mean(decades**2)) < 2e-3


def test_every_corner_of_the_box_is_a_filament_that_the_model_takes():
    t = np.arange(101) / 100
    v = -0.6 * np.sin(2 * np.pi * t)
    current = devices.make("jart").current(v, 0.2)
    layout, kept, box = plan("jart", None, {}, Sweep(t, v, np.asarray(current)))
    assert set(kept) == {"a", "T_0"}
    sides = [k for k, (name, _) in enumerate(layout.free) if name in ("r", "l")]
    for ends in itertools.product((box.low, box.high), repeat=2):
        z = np.copy(box.low)
        z[sides] = [end[k] for end, k in zip(ends, sides, strict=True)]
        filament: dict[str, Any] = {layout.names[k]: float(np.exp(z[k])) for k in sides}
        devices.make("jart", **filament)
