"""Training steps of wide networks against backpropagation in digital networks of the same shape.

A step is: free state with its certificate, exact response, gradient, new conductances; the digital
twin's is forward, backward, new weights. Both are plain gradient descent on the mean squared error,
float32, batch 64.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from ohmprop.bench import SimulatedBench
from ohmprop.circuit import Amplifier, IdealClamp, Network
from ohmprop.devices import make
from ohmprop.learning import make_estimator, make_loss

from ._timing import Row, interleaved, quantile

PIXELS, CLASSES, BATCH = 784, 10, 64
RATE = 0.1
SHAPES = ((1024,), (1024, 1024, 1024))


def resistive(hidden: tuple[int, ...], seed: int = 0):
    """Network with inputs [x, -x] and ideal clamps, half of each layer >= 0 and half <= 0; its
    conductances (S)."""
    draw = np.random.default_rng(seed)
    none, f32 = np.zeros(0, np.float32), np.float32
    clamps = tuple(
        IdealClamp(
            jnp.where(jnp.arange(n) < n // 2, 0.0, -jnp.inf).astype(f32),
            jnp.where(jnp.arange(n) < n // 2, jnp.inf, 0.0).astype(f32),
        )
        for n in hidden
    )
    network = Network(
        PIXELS, hidden, CLASSES, (none,) * (len(hidden) + 1), clamps,
        tuple(Amplifier() for _ in hidden), doubled_outputs=False,
        currents=(*(jnp.asarray(0.1 * draw.normal(size=n), f32) for n in hidden), None),
    )  # fmt: skip
    g = tuple(jnp.asarray(np.abs(draw.normal(size=s)) / s[0] ** 0.5, f32) for s in network.shapes)
    return network, g


def equilibrium_step(network: Network):
    """step(g, x, t) -> (g, passed): one training step of the resistive network."""
    devices = (make("linear"),) * len(network.shapes)  # whose state is the conductance
    bench = SimulatedBench(network, devices)
    loss, estimator = make_loss("mse"), make_estimator("exact")

    def step(g, x, t):
        estimate = estimator(bench, loss, g, x, t, jax.random.PRNGKey(0))
        new = tuple(
            jnp.maximum(c - RATE * d, 1e-6) for c, d in zip(g, estimate.gradient, strict=True)
        )
        return new, estimate.passed

    return jax.jit(step)


def backpropagation_step():
    """step(w, x, t) -> w: one step of the digital twin, rectified units, by backpropagation."""

    def loss(w, x, t):
        h = jnp.concatenate([x, -x], axis=-1)
        for i, (matrix, bias) in enumerate(w):
            h = h @ matrix + bias
            h = jax.nn.relu(h) if i < len(w) - 1 else h
        return 0.5 * jnp.mean(jnp.sum((h - t) ** 2, axis=-1))

    def step(w, x, t):
        return jax.tree.map(lambda p, d: p - 0.01 * d, w, jax.grad(loss)(w, x, t))

    return jax.jit(step)


def scale_row(rounds: int) -> Iterator[Row]:
    """A training step at 1568-1024-10 and 1568-1024-1024-1024-10 against the digital twin's."""
    draw = np.random.default_rng(1)
    lit = draw.uniform(size=(BATCH, PIXELS)) < 0.19  # the share of lit pixels in MNIST
    x = jnp.asarray(lit * draw.uniform(size=lit.shape), jnp.float32)
    t = jnp.asarray(np.eye(CLASSES)[draw.integers(0, CLASSES, BATCH)], jnp.float32)
    for hidden in SHAPES:
        network, g = resistive(hidden)
        w = [(c / 10, jnp.zeros(c.shape[1], jnp.float32)) for c in g]
        ours, twin = equilibrium_step(network), backpropagation_step()
        name = "-".join(map(str, (2 * PIXELS, *hidden, CLASSES)))
        passed = bool(ours(g, x, t)[1])
        times = interleaved(
            {
                "ours": lambda step=ours, g=g: jax.block_until_ready(step(g, x, t)),
                "twin": lambda step=twin, w=w: jax.block_until_ready(step(w, x, t)),
            },
            rounds,
        )
        a, b = (quantile(times[k], 0.1) for k in ("ours", "twin"))
        value = f"{a * 1e3:.1f} / {b * 1e3:.1f} ms" + ("" if passed else " UNCERTIFIED")
        yield Row(f"(e) step {name}: ours / backprop", value, a / b)
