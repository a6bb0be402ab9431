"""Waveforms: 100,000 points on one device, and a batch of 10,000 devices beside 1,000."""

from collections.abc import Iterator

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from ohmprop import devices, drive  # noqa: E402
from ohmprop.characterise import simulate  # noqa: E402

from ._timing import Row, affordable, interleaved, quantile  # noqa: E402

POINTS, BAR_SECONDS = 100_000, 0.5
MANY, BATCH_POINTS, LINEAR = 10_000, 50, 1.1
BUDGET = 10.0  # s a row
# model, parameter set, amplitude in V, frequency in Hz, series resistance in ohm, whether barred
DRIVES = [
    ("biolek", "published", 1.0, 1.0, 0.0, True), ("vteam", "published", 1.0, 5e5, 0.0, True),
    ("yakopcic", "published", 0.5, 200.0, 0.0, True), ("mms", "published", 0.5, 200.0, 0.0, True),
    ("stanford_pku", "nanohub", 2.0, 1e7, 0.0, False), ("team", "xyce", 1.0, 0.1, 0.0, False),
    ("jart", "published", 1.0, 10.0, 0.0, False), ("biolek", "published", 1.0, 0.1, 1e3, False),
]  # fmt: skip


def waveforms_row(rounds: int) -> Iterator[Row]:
    """Seconds of `simulate`, checks and all, over half a second; and a batch's cost a device."""
    for model, params, amplitude, frequency, series, barred in DRIVES:
        device = devices.make(model, params)
        wave = drive.Sine(amplitude=amplitude, frequency=frequency, cycles=10)

        def job(d=device, w=wave, r=series):
            return jax.block_until_ready(simulate(d, w, points=POINTS // 10, r_series=r).x)

        taken = affordable(job, rounds, BUDGET)
        seconds = quantile(interleaved({"run": job}, taken)["run"], 0.1)
        behind = f" behind {series:g} ohm" if series else ""
        bar = 1.0 if barred else None
        name = f"(g) 1e5 points {model}{behind} / {BAR_SECONDS} s"
        yield Row(name, f"{seconds * 1e3:.3g} ms", seconds / BAR_SECONDS, bar)
    wave = drive.Sine(amplitude=1.0, frequency=1.0)
    few, many = (
        devices.make("biolek", "published", r_off=jnp.asarray(np.linspace(8e3, 16e3, n)))
        for n in (MANY // 10, MANY)
    )
    jobs = {"few": _job(few, wave), "many": _job(many, wave)}
    times = interleaved(jobs, affordable(jobs["many"], rounds, 3 * BUDGET))
    a, b = (quantile(times[k], 0.1) for k in ("few", "many"))
    name = f"(h) {MANY} devices / 10 x {MANY // 10}, {BATCH_POINTS} points"
    yield Row(name, f"{b:.3g} / 10 x {a:.3g} s", b / (10 * a), LINEAR)


def _job(device, wave):
    return lambda: jax.block_until_ready(simulate(device, wave, points=BATCH_POINTS).x)
