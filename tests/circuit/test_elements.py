"""Current laws of the elements, and the crossbar of the publication's Figs. 1 and 2."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import circuit
from ohmprop._core import BadInput, thermal_voltage

DIODES = [circuit.PiecewiseLinearDiode(0.3, 2.0, sides) for sides in ("upper", "lower", "both")] + [
    circuit.ShockleyDiode(1e-9, 1.5, 0.1, sides) for sides in ("upper", "lower", "both")
]
V = jnp.array([-0.75, -0.31, -0.1, 0.0, 0.1, 0.31, 0.75])


def test_piecewise_linear_current():
    i = circuit.PiecewiseLinearDiode(0.3, 2.0).current(jnp.array([-0.5, 0.0, 0.3, 1.3]))
    np.testing.assert_allclose(i, [-0.1, 0, 0, 0.5], rtol=1e-14)


def test_shockley_current():
    i = circuit.ShockleyDiode(1e-9, 2.0, 0.1, "upper").current(V)
    expected = 1e-9 * (np.exp((np.asarray(V) - 0.1) / (2 * thermal_voltage())) - 1)
    np.testing.assert_allclose(i, expected, rtol=1e-12)


@pytest.mark.parametrize("diode", DIODES)
def test_slope_and_difference(diode):
    slope = jax.vmap(jax.grad(lambda v: diode.current(v)))(V)
    np.testing.assert_allclose(diode.conductance(V), slope, rtol=1e-12, atol=1e-20)
    assert (diode.conductance(V) >= 0).all()
    for d in (1e-3, -0.2, 0.9):
        exact = diode.current(V + d) - diode.current(V)
        np.testing.assert_allclose(diode.difference(V, d * jnp.ones_like(V)), exact, rtol=1e-9,
                                   atol=1e-16)  # fmt: skip
    tiny = diode.difference(V, jnp.full_like(V, 1e-25))
    np.testing.assert_allclose(tiny, 1e-25 * diode.conductance(V), rtol=1e-9)  # no cancellation


@pytest.mark.parametrize("diode", DIODES[3:])
def test_limit_keeps_sign_and_never_lengthens(diode):
    for v in (-2.0, 0.0, 0.5, 0.9):
        step = jnp.array([-5.0, -0.01, 0.0, 0.01, 5.0])
        limited = diode.limit(jnp.full_like(step, v), step)
        assert (jnp.sign(limited) * jnp.sign(step) >= 0).all()
        assert (jnp.abs(limited) <= jnp.abs(step)).all()


def test_doubled_lines_give_signed_weights():
    rng = np.random.default_rng(0)
    u, w = jnp.array(rng.normal(size=(5, 3))), jnp.array(rng.normal(size=(3, 4))) * 1e-3
    rows, g = circuit.double_wordlines(u, w, 1e-6)
    np.testing.assert_allclose(circuit.vmm(rows, g), u @ w, rtol=1e-12, atol=1e-15)
    columns = circuit.vmm(u, circuit.double_bitlines(w, 1e-6))
    np.testing.assert_allclose(columns[:, ::2] - columns[:, 1::2], u @ w, rtol=1e-12, atol=1e-15)


def test_network_refuses_what_does_not_fit():
    with pytest.raises(BadInput, match="network.diodes"):
        circuit.Network(2, (3,), 1, bias=(jnp.ones(1), jnp.ones(1)))
    net = circuit.Network(2, (), 1, bias=(jnp.ones(1),))
    assert net.shapes == ((5, 2),)
    with pytest.raises(BadInput, match="conductances"):
        net.scaled((jnp.ones((4, 2)),), jnp.ones((1, 2)))
    with pytest.raises(BadInput, match="inputs"):
        net.scaled((jnp.ones((5, 2)),), jnp.ones((1, 3)))


def test_output_currents_is_the_transpose_of_predict():
    net = circuit.Network(2, (), 2, bias=(jnp.ones(1),))
    rng = np.random.default_rng(1)
    o, i = jnp.array(rng.normal(size=(3, 4))), jnp.array(rng.normal(size=(3, 2)))
    left, right = (net.predict(o) * i).sum(), (o * net.output_currents(i)).sum()
    assert float(left) == pytest.approx(float(right))
