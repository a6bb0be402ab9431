"""The benchmarks: each yields rows of the table."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402

from ohmprop import spice  # noqa: E402

from ._job import EPOCHS, RATE, conductances, iris  # noqa: E402
from ._pulses import pulses_row  # noqa: E402
from ._reproduce import reproduce_row  # noqa: E402
from ._scale import scale_row  # noqa: E402
from ._sweeps import sweeps_row  # noqa: E402
from ._timing import Row, interleaved, quantile  # noqa: E402
from ._waveforms import waveforms_row  # noqa: E402
from ._yardstick import Iris  # noqa: E402

MEMBERS, CURVE = 64, 30  # runs under vmap; epochs whose loss must agree


def _compiled():
    """The compiled 50-epoch job, its initial state, and what else the rows need."""
    trainer, g, inputs, targets = iris()
    x, t = jnp.asarray(inputs), jnp.asarray(targets)
    run = jax.jit(lambda state: trainer.epochs(state, x, t, EPOCHS))
    return trainer, g, inputs, targets, run, trainer.init(g)


def numpy_row(rounds: int) -> Iterator[Row]:
    """The Iris job against the NumPy yardstick, whose loss curve must agree."""
    _, g, inputs, targets, run, state = _compiled()
    yardstick, start = Iris(inputs, targets, RATE), [np.asarray(c) for c in g]
    loss = np.asarray(run(state)[1]["loss"])
    apart = abs(yardstick.run(start, EPOCHS) / loss - 1)
    # a Biolek device at a bound makes the map of one epoch discontinuous: rounding grows late
    agree = apart[:CURVE].max() <= 1e-9
    shown = f"{apart[:CURVE].max():.0e}, {apart.max():.0e}"
    verdict = shown if agree else f"{shown} DISAGREE"
    yield Row(f"(a) curve vs NumPy: {CURVE} epochs, all {EPOCHS}", verdict)
    times = interleaved(
        {
            "ours": lambda: jax.block_until_ready(run(state)),
            "numpy": lambda: yardstick.run(start, EPOCHS),
        },
        2 * rounds,
    )
    ours, other = (quantile(times[k], 0.1) for k in ("ours", "numpy"))
    value = f"{ours * 1e3:.2f} / {other * 1e3:.2f} ms"
    yield Row(f"(a) Iris, {EPOCHS} epochs: ours / NumPy", value, ours / other, 0.5)


def vmap_row(rounds: int) -> Iterator[Row]:
    """64 runs under vmap against 64 times one."""
    trainer, _, inputs, targets, run, state = _compiled()
    x, t = jnp.asarray(inputs), jnp.asarray(targets)
    states = [trainer.init(conductances(trainer.network, seed)) for seed in range(MEMBERS)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    many = jax.jit(jax.vmap(lambda s: trainer.epochs(s, x, t, EPOCHS)))
    times = interleaved(
        {
            "one": lambda: jax.block_until_ready(run(state)),
            "many": lambda: jax.block_until_ready(many(stacked)),
        },
        rounds,
    )
    one, all_ = quantile(times["one"], 0.1), quantile(times["many"], 0.1)
    value = f"{all_ * 1e3:.0f} / {MEMBERS} x {one * 1e3:.2f} ms"
    yield Row(f"(b) vmap of {MEMBERS} / {MEMBERS} x one", value, all_ / (MEMBERS * one), 1.0)


def cold_row(rounds: int) -> Iterator[Row]:
    """A whole `ohmprop train` process, compilation cache warm, against importing JAX."""
    name = "(c) cold ohmprop train / import jax"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "OHMPROP_CACHE": str(Path(folder) / "cache")}
        train = [
            sys.executable, "-m", "ohmprop", "train", "ebana-iris-biolek-pwm",
            "--out", str(Path(folder) / "run"), "--overwrite",
        ]  # fmt: skip

        bare_command = [sys.executable, "-c", "import jax"]

        def call(command):
            return subprocess.run(command, env=environment, capture_output=True, check=False)

        first = call(train)
        if first.returncode:
            yield Row(name, f"exit status {first.returncode}", missing=True)
            return
        times = interleaved(
            {"train": lambda: call(train), "jax": lambda: call(bare_command)},
            rounds,
        )
    ours, bare = quantile(times["train"], 0.1), quantile(times["jax"], 0.1)
    yield Row(name, f"{ours:.2f} / {bare:.2f} s", ours / bare, 4.0)


def spice_row(rounds: int) -> Iterator[Row]:
    """One epoch against the two operating points per sample that ngspice would solve for it."""
    if not spice.available():
        yield Row("(d) ngspice", "program not found", missing=True)
        return
    trainer, g, inputs, _, run, state = _compiled()
    arrays = [np.asarray(c) for c in g]
    times = interleaved(
        {
            "ours": lambda: jax.block_until_ready(run(state)),
            "spice": lambda: spice.operating_points(trainer.network, arrays, inputs),
        },
        rounds,
    )
    point = quantile(times["spice"], 0.1) / len(inputs)
    epoch = quantile(times["ours"], 0.1) / EPOCHS
    factor = 2 * len(inputs) * point / epoch
    yield Row("(d) ngspice, one operating point", f"{point * 1e3:.3f} ms")
    yield Row("(d) one epoch: ngspice / ours (speed-up)", f"{factor:.0f} times", factor)


ROWS = {
    "numpy": numpy_row,
    "vmap": vmap_row,
    "cold": cold_row,
    "spice": spice_row,
    "scale": scale_row,
    "pulses": pulses_row,
    "waveforms": waveforms_row,
    "sweeps": sweeps_row,
    "reproduce": reproduce_row,
}
