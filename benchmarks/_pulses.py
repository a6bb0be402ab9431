"""Exact pulses of many devices against one Euler step of the same model, both a device.

A million devices where a pulse has a closed form, 1e5 where it is iterated and 1e4 where it is
integrated, for those take microseconds a device. Slow rows take fewer rounds, and say so.
"""

from collections.abc import Iterator

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from ohmprop import devices  # noqa: E402
from ohmprop.characterise import switching_amplitude  # noqa: E402

from ._timing import Row, affordable, interleaved, quantile  # noqa: E402

BUDGET = 8.0  # s of exact pulses a row
CLOSED, ITERATED = 10.0, 200.0  # bars
DEVICES = {CLOSED: 1_000_000, ITERATED: 100_000, None: 10_000}
BARS = {
    "linear": CLOSED, "linear_ion_drift": CLOSED, "mms": CLOSED, "gmss": CLOSED,
    "interface": CLOSED, "vteam, no window": CLOSED,
    "joglekar": ITERATED, "biolek": ITERATED, "prodromakis": ITERATED, "zha": ITERATED,
    "vteam": ITERATED, "yakopcic": ITERATED, "yakopcic2020": ITERATED,
}  # fmt: skip


def pulses_row(rounds: int) -> Iterator[Row]:
    """One call that writes all devices: `pulse` over `euler`, model by model.

    A write as in training: states over the middle of the range, signs at random, and durations
    that move a device by up to a few per cent of the range.
    """
    # a discrete model's pulse is its own step
    makes = {m: devices.make(m) for m, model in devices.MODELS.items() if not model.discrete}
    makes["vteam, no window"] = devices.make("vteam", "published", window="none")
    for model, device in makes.items():
        bar = BARS.get(model)
        count = DEVICES[bar]
        write = (device, *_write(device, count))
        # the device is an argument, as where its parameters are traced: nothing is folded
        exact = jax.jit(lambda device, *write: device.pulse(*write))
        euler = jax.jit(lambda device, *write: device.euler(*write))
        jobs = {
            "exact": lambda f=exact, w=write: jax.block_until_ready(f(*w)),
            "euler": lambda f=euler, w=write: jax.block_until_ready(f(*w)),
        }
        taken = affordable(jobs["exact"], rounds, BUDGET)
        times = interleaved(jobs, taken)
        ours, step = (quantile(times[k], 0.1) / count * 1e9 for k in ("exact", "euler"))
        fewer = f", {taken} rounds" if taken < rounds else ""
        name = f"(f) {count:.0e} {model} / Euler{fewer}".replace("e+0", "e")
        yield Row(name, f"{ours:.3g} / {step:.3g} ns each", ours / step, bar)


def _write(device: devices.AbstractMemristor, count: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """States, voltages of either sign, and durations of a write, one a device."""
    rng = np.random.default_rng(0)
    span = device.upper - device.lower
    x = device.lower + span * rng.uniform(0.2, 0.8, count)
    peak = switching_amplitude(device)
    v = peak * rng.choice([-1.0, 1.0], count)
    middle = device.lower + span / 2
    speed = jnp.maximum(jnp.abs(device.rate(peak, middle)), jnp.abs(device.rate(-peak, middle)))
    t = 0.03 * span / speed * rng.uniform(0, 1, count)
    return jnp.asarray(x), jnp.asarray(v), t
