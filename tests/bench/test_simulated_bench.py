"""The simulated bench: writes, their energy, clipping, and reading back."""

import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop.bench import SimulatedBench
from ohmprop.circuit import Amplifier, Network, PiecewiseLinearDiode
from ohmprop.devices import make
from ohmprop.drive import PAM, PWM, Increment, Pulse

NETWORK = Network(
    features=1, hidden=(2,), outputs=1, bias=(jnp.asarray([0.1]), jnp.zeros(0)),
    diodes=(PiecewiseLinearDiode(),), amplifiers=(Amplifier(4.0),),
)  # fmt: skip
SHAPES = ((3, 2), (2, 2))


def bench(model="linear"):
    return SimulatedBench(NETWORK, (make(model), make(model)))


def full(value):
    return tuple(jnp.full(s, value) for s in SHAPES)


def test_shapes():
    assert NETWORK.shapes == SHAPES


@pytest.mark.parametrize("model", ["linear", "linear_ion_drift", "vteam", "yakopcic"])
def test_state_reads_back_as_its_conductance(model):
    b = bench(model)
    g = tuple(jnp.linspace(2e-4, 8e-3, r * c).reshape(r, c) for r, c in SHAPES)
    state = tuple(d.state(x) for d, x in zip(b.devices, g, strict=True))
    for found, wanted in zip(b.read(state), g, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_write_energy_and_clipping_by_hand():
    v = tuple(jnp.full(s, 2.0) for s in SHAPES)
    t = tuple(jnp.full(s, 5e-4) for s in SHAPES)
    t = (t[0].at[0, 0].set(1.0), t[1])  # this one runs into the upper bound, 1e-2 S
    written = bench().write(full(1e-3), tuple(Pulse(*p) for p in zip(v, t, strict=True)))
    # nine devices: 1 mS -> 2 mS, mean 1.5 mS, 4 V^2 for 0.5 ms; one: mean 5.5 mS for 1 s
    np.testing.assert_allclose(written.energy, 9 * 4 * 5e-4 * 1.5e-3 + 4 * 1.0 * 5.5e-3)
    np.testing.assert_allclose(written.clipped_fraction, 1 / 10)
    wanted = np.full(SHAPES[0], 2e-3)
    wanted[0, 0] = 1e-2
    np.testing.assert_allclose(written.state[0], wanted)
    np.testing.assert_allclose(written.state[1], 2e-3)


def test_clipping_counts_both_bounds():
    dg = (jnp.zeros(SHAPES[0]).at[0].set(-1.0), jnp.zeros(SHAPES[1]).at[0, 0].set(1.0))
    written = bench().write(full(1e-3), tuple(map(Increment, dg)))
    np.testing.assert_allclose(written.clipped_fraction, 3 / 10)
    np.testing.assert_allclose(written.state[0][0], 1e-5)
    np.testing.assert_allclose(written.state[1][0, 0], 1e-2)


@pytest.mark.parametrize("model", ["linear", "linear_ion_drift", "vteam"])
def test_increments_are_exact_and_free(model):
    b = bench(model)
    state = tuple(d.state(g) for d, g in zip(b.devices, full(1e-3), strict=True))
    dg = tuple(jnp.linspace(-5e-4, 5e-4, r * c).reshape(r, c) for r, c in SHAPES)
    written = b.write(state, tuple(map(Increment, dg)))
    assert written.energy == 0 and written.clipped_fraction == 0
    for found, d in zip(b.read(written.state), dg, strict=True):
        np.testing.assert_allclose(found, 1e-3 + d, rtol=1e-9)


@pytest.mark.parametrize("model", ["linear", "linear_ion_drift", "vteam", "yakopcic", "mms"])
@pytest.mark.parametrize("scheme", [PWM(2.0), PAM(1e3)], ids=["pwm", "pam"])
def test_positive_updates_lower_the_conductance(model, scheme):
    """q > 0 asks for less conductance of every device, whatever its polarity."""
    b = bench(model)
    state = tuple(d.state(g) for d, g in zip(b.devices, full(2e-3), strict=True))
    q = 2e-3
    for sign in (1, -1):
        updates = [jnp.full(s, sign * q) for s in SHAPES]
        writes = tuple(scheme.write(u, d.polarity) for u, d in zip(updates, b.devices, strict=True))
        written = b.write(state, writes)
        for after, before in zip(b.read(written.state), b.read(state), strict=True):
            assert (sign * (np.asarray(after) - np.asarray(before)) < 0).all()
        assert written.energy > 0


def test_settle_nudge_starts_from_the_free_state():
    from ohmprop.equilibrium import ConstantNudge

    b, g, x = bench(), full(1e-3), jnp.asarray([[0.5]])
    push = ConstantNudge(jnp.asarray([[1e-5, -1e-5]]))
    free = b.settle(g, x)
    nudged = b.settle(g, x, push)
    assert nudged.change is not None
    for v, d, w in zip(free.voltages, nudged.change, nudged.voltages, strict=True):
        np.testing.assert_allclose(v + d, w, rtol=1e-12)
    response = b.derivative(g, x, free, push.value)
    for d, r in zip(nudged.change, response, strict=True):
        np.testing.assert_allclose(d, r, rtol=1e-8, atol=1e-15)
