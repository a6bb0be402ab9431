"""Small networks with amplifiers, and their energy and gradients from first principles."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ohmprop.bench import SimulatedBench
from ohmprop.circuit import Amplifier, Network, PiecewiseLinearDiode, ShockleyDiode
from ohmprop.devices import make

PIECEWISE = PiecewiseLinearDiode(v_th=0.06, r_on=40.0)
SHOCKLEY = ShockleyDiode(i_s=2e-5, n=2.0)


class CompiledBench(SimulatedBench):
    """Each verb a program by itself, which estimators, losses and strengths then share."""

    @eqx.filter_jit
    def settle(self, state, inputs, nudge=None, base=None):
        return super().settle(state, inputs, nudge, base)

    @eqx.filter_jit
    def derivative(self, state, inputs, base, current):
        return super().derivative(state, inputs, base, current)


def circuit(diode, hidden, seed=0, outputs=2, gain=4.0, shift=0.03, batch=4, dtype=jnp.float64):
    """Bench of linear devices, its conductances, and a batch of inputs and one-hot-like targets."""
    rng = np.random.default_rng(seed)
    network = Network(
        features=2, hidden=hidden, outputs=outputs,
        bias=tuple(jnp.asarray([0.4], dtype) for _ in range(len(hidden) + 1)),
        diodes=(diode,) * len(hidden), amplifiers=(Amplifier(gain, shift),) * len(hidden),
    )  # fmt: skip
    g = tuple(jnp.asarray(rng.uniform(1e-3, 9e-3, s), dtype) for s in network.shapes)
    devices = tuple(make("linear") for _ in network.shapes)
    inputs = jnp.asarray(rng.uniform(-1.5, 1.5, (batch, 2)), dtype)
    signs = np.where(np.arange(outputs) == rng.integers(0, outputs, (batch, 1)), 1.0, -1.0)
    return CompiledBench(network, devices), g, inputs, jnp.asarray(0.3 * signs, dtype)


def drops(network, inputs, voltages):
    """Physical voltage drops a_i - h_j of every crossbar, [b, i, j], as tensors."""
    x = np.asarray(inputs)
    ones = np.ones((len(x), 1))
    rows = np.concatenate([x, -x, ones * np.asarray(network.bias[0])], axis=1)
    result = []
    for l, h in enumerate(map(np.asarray, voltages)):
        result.append(rows[:, :, None] - h[:, None, :])
        if l + 1 < len(voltages):
            amplifier = network.amplifiers[l]
            amplified = amplifier.shift + amplifier.gain * (h - amplifier.shift)
            rows = np.concatenate([amplified, ones * np.asarray(network.bias[l + 1])], axis=1)
    return result


def energy(network, g, inputs, voltages):
    """Co-content per sample in scaled voltages: sum of E^l / S_l^2, diodes included (W)."""
    total = 0.0
    for l, (u, c) in enumerate(zip(drops(network, inputs, voltages), g, strict=True)):
        scale = np.prod([a.gain for a in network.amplifiers[:l]])
        total = total + 0.5 * np.sum(np.asarray(c) * u**2, axis=(1, 2)) / scale**2
        if l < len(network.diodes) and isinstance(network.diodes[l], PiecewiseLinearDiode):
            diode = network.diodes[l]
            over = np.maximum(np.abs(np.asarray(voltages[l])) - diode.v_th, 0)
            total = total + np.sum(over**2, axis=1) / (2 * diode.r_on * scale**2)
    return total


def distance(found, wanted):
    """Relative error per layer, in the Euclidean norm."""
    return np.array(
        [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(found, wanted, strict=True)]
    )
