"""Exact pulses of a million devices against one Euler step of the same model."""

from collections.abc import Iterator

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from ohmprop import devices  # noqa: E402

from ._timing import Row, interleaved, quantile  # noqa: E402

DEVICES = 1_000_000
CLOSED, ITERATED = 10.0, 200.0  # bars
BARS = {
    "linear_ion_drift": CLOSED, "mms": CLOSED, "vteam, no window": CLOSED,
    "joglekar": ITERATED, "biolek": ITERATED, "prodromakis": ITERATED, "zha": ITERATED,
    "vteam": ITERATED, "yakopcic": ITERATED,
}  # fmt: skip


def pulses_row(rounds: int) -> Iterator[Row]:
    """One call that writes a million devices: `pulse` over `euler`, model by model.

    A write as in training: states over the middle of the range, signs at random, and durations
    that move a device by up to a few per cent of the range.
    """
    # a discrete model's pulse is its own step
    makes = {m: devices.make(m) for m, model in devices.MODELS.items() if not model.discrete}
    makes["vteam, no window"] = devices.make("vteam", "published", window="none")
    for model, device in makes.items():
        bar = BARS.get(model)
        write = (device, *_write(device))
        # the device is an argument, as where its parameters are traced: nothing is folded
        exact = jax.jit(lambda device, *write: device.pulse(*write))
        euler = jax.jit(lambda device, *write: device.euler(*write))
        times = interleaved(
            {
                "exact": lambda f=exact, w=write: jax.block_until_ready(f(*w)),
                "euler": lambda f=euler, w=write: jax.block_until_ready(f(*w)),
            },
            rounds,
        )
        ours, step = (quantile(times[k], 0.1) for k in ("exact", "euler"))
        value = f"{ours * 1e3:.3g} / {step * 1e3:.3g} ms"
        yield Row(f"(f) 1e6 {model}: pulse / Euler", value, ours / step, bar)


def _write(device: devices.AbstractMemristor) -> tuple[jax.Array, jax.Array, jax.Array]:
    """States, voltages of either sign, and durations of a write, one a device."""
    rng = np.random.default_rng(0)
    span = device.upper - device.lower
    x = device.lower + span * rng.uniform(0.2, 0.8, DEVICES)
    v = rng.choice([-1.0, 1.0], DEVICES)
    middle = device.lower + span / 2
    speed = jnp.maximum(jnp.abs(device.rate(1.0, middle)), jnp.abs(device.rate(-1.0, middle)))
    t = 0.03 * span / speed * rng.uniform(0, 1, DEVICES)
    return jnp.asarray(x), jnp.asarray(v), t
