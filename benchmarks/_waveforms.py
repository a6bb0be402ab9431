"""Waveforms: 100,000 points on one device, and a batch of 10,000 devices beside 1,000."""

from collections.abc import Iterator

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from ohmprop import devices, drive  # noqa: E402
from ohmprop.characterise import simulate  # noqa: E402

from ._timing import Row, interleaved, quantile  # noqa: E402

POINTS, BAR_SECONDS = 100_000, 0.5
MANY, BATCH_POINTS, LINEAR = 10_000, 200, 1.1
# model, parameter set, whether it has a bar, amplitude in V, frequency in Hz
DRIVES = [
    ("biolek", "published", True, 1.0, 1.0), ("vteam", "published", True, 1.0, 1e9),
    ("yakopcic", "published", True, 0.5, 200.0), ("mms", "published", True, 0.5, 200.0),
    ("stanford_pku", "nanohub", False, 2.0, 1e7),
]  # fmt: skip


def waveforms_row(rounds: int) -> Iterator[Row]:
    """Seconds of `simulate`, checks and all, over half a second; and a batch's cost a device."""
    for model, params, barred, amplitude, frequency in DRIVES:
        device = devices.make(model, params)
        wave = drive.Sine(amplitude=amplitude, frequency=frequency, cycles=10)
        seconds = _p10(lambda d=device, w=wave: simulate(d, w, points=POINTS // 10), rounds)
        bar = 1.0 if barred else None
        name = f"(g) {POINTS} points {model} / {BAR_SECONDS} s"
        yield Row(name, f"{seconds * 1e3:.3g} ms", seconds / BAR_SECONDS, bar)
    wave = drive.Sine(amplitude=1.0, frequency=1.0)
    few, many = (
        devices.make("biolek", "published", r_off=jnp.asarray(np.linspace(8e3, 16e3, n)))
        for n in (MANY // 10, MANY)
    )
    times = interleaved({"few": _job(few, wave), "many": _job(many, wave)}, rounds)
    a, b = (quantile(times[k], 0.1) for k in ("few", "many"))
    name = f"(h) {MANY} devices / 10 x {MANY // 10}"
    yield Row(name, f"{b:.3g} / 10 x {a:.3g} s", b / (10 * a), LINEAR)


def _job(device, wave):
    return lambda: jax.block_until_ready(simulate(device, wave, points=BATCH_POINTS).x)


def _p10(run, rounds: int) -> float:
    times = interleaved({"run": lambda: jax.block_until_ready(run().x)}, rounds)
    return quantile(times["run"], 0.1)
