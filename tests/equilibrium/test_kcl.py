"""Closed forms, and the certificate: it fails on wrong voltages and in neither precision lies."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from _networks import SMALL, draw
from ohmprop import equilibrium
from ohmprop._core import CertificateError
from ohmprop.circuit import Amplifier, Network, NoDiode, PiecewiseLinearDiode

_solve = eqx.filter_jit(equilibrium.solve)
_nudge = eqx.filter_jit(equilibrium.nudge)
_certify = eqx.filter_jit(equilibrium.certify_voltages)


def _chain(gain=1.0, shift=0.0, diode=None):
    """x -G1- h -amplifier- a -G2- o -G3- 0 V."""
    return Network(
        1, (1,), 1, bias=(jnp.zeros(0), jnp.zeros(1)), diodes=(diode or NoDiode(),),
        amplifiers=(Amplifier(gain, shift),), doubled_inputs=False, doubled_outputs=False,
    )  # fmt: skip


def test_divider():
    net = Network(
        1, (), 1, bias=(jnp.zeros(1),), doubled_inputs=False, doubled_outputs=False
    )  # x -G- o -G'- 0
    g = (jnp.array([[3e-3], [1e-3]]),)
    eq = equilibrium.solve(net, g, jnp.array([[2.0], [-1.0]]))
    np.testing.assert_allclose(eq.voltages[0][:, 0], [1.5, -0.75], rtol=1e-14)
    assert eq.certificate.passed.all()


@pytest.mark.parametrize(("gain", "shift"), [(1.0, 0.0), (4.0, 0.0), (4.0, 0.25)])
def test_amplifier(gain, shift):
    g1, g2, g3, x = 1e-3, 2e-4, 5e-4, 0.8
    eq = equilibrium.solve(
        _chain(gain, shift), (jnp.array([[g1]]), jnp.array([[g2], [g3]])), jnp.array([[x]])
    )
    series = g2 * g3 / (g2 + g3)  # a drives o through G2, loaded by G3
    # g1 (x - h) = series a / gain, a = gain h + shift (1 - gain)
    h = (g1 * x - series * shift * (1 - gain) / gain) / (g1 + series)
    a = gain * h + shift * (1 - gain)
    np.testing.assert_allclose(eq.voltages[0][0, 0], h, rtol=1e-13)
    np.testing.assert_allclose(eq.voltages[1][0, 0], a * g2 / (g2 + g3), rtol=1e-13)


def test_conducting_diode():
    """G1 (x - h) = (h - v_th)/r_on + h G2 G3/(G2 + G3)."""
    diode = PiecewiseLinearDiode(0.3, 100.0)
    g = (jnp.array([[1e-2]]), jnp.array([[2e-4], [2e-4]]))
    eq = equilibrium.solve(_chain(diode=diode), g, jnp.array([[1.0], [-1.0]]))
    h = (1e-2 + 0.3 / 100) / (1e-2 + 1 / 100 + 1e-4)
    np.testing.assert_allclose(eq.voltages[0][:, 0], [h, -h], rtol=1e-13)


@pytest.mark.parametrize("group", SMALL)
def test_certificate_fails_on_wrong_voltages(group):
    net, g, x, _ = draw(group, np.random.default_rng(3))
    eq = _solve(net, g, x)
    assert _certify(net, g, x, eq.voltages, rtol=1e-9).passed.all()
    for layer in range(len(g)):
        wrong = list(eq.voltages)
        wrong[layer] = wrong[layer].at[1, 0].add(1e-4)
        passed = _certify(net, g, x, tuple(wrong), rtol=1e-9).passed
        assert passed.tolist() == [True, False, True]
    nan = (eq.voltages[0] * jnp.nan, *eq.voltages[1:])
    assert not _certify(net, g, x, nan).passed.any()


def test_too_few_steps_is_a_failure():
    net, g, x, _ = draw(SMALL[1], np.random.default_rng(5))
    assert not equilibrium.solve(net, g, x, max_steps=1).certificate.passed.all()
    with pytest.raises(CertificateError, match="KCL residual"):
        equilibrium.solve(net, g, x, max_steps=1, throw=True)


@pytest.mark.parametrize("group", SMALL)
def test_float32(group):
    net, g, x, _ = draw(group, np.random.default_rng(4))
    exact = _solve(net, g, x)
    low = jax.tree.map(lambda a: a.astype(jnp.float32), (net, g, x))
    eq = _solve(*low)
    assert eq.voltages[0].dtype == jnp.float32
    assert eq.certificate.passed.all() and (eq.certificate.relative < 1e-4).all()
    for a, b in zip(eq.voltages, exact.voltages, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


@pytest.mark.parametrize("group", SMALL)
def test_nudge_change_is_the_difference_of_two_solutions(group):
    net, g, x, current = draw(group, np.random.default_rng(6))
    free = _solve(net, g, x)
    nudged = _nudge(net, g, x, free, equilibrium.ConstantNudge(current))
    pushed = eqx.tree_at(
        lambda n: n.currents,
        net,
        (None,) * len(net.hidden) + (current,),
        is_leaf=lambda v: v is None,
    )
    other = _solve(pushed, g, x)
    assert nudged.certificate.passed.all() and other.certificate.passed.all()
    assert nudged.change is not None
    assert float(jnp.abs(nudged.change[-1]).max()) > 1e-3  # a large nudge
    for d, a, b in zip(nudged.change, other.voltages, free.voltages, strict=True):
        np.testing.assert_allclose(d, a - b, atol=2e-9)


@pytest.mark.parametrize("group", SMALL)
def test_reciprocity(group):
    """Current at output j moves output k as much as current at k moves j."""
    net, g, x, _ = draw(group, np.random.default_rng(7))
    base = _solve(net, g, x)
    respond = eqx.filter_jit(equilibrium.respond)
    n = net.layers[-1]
    z = jnp.stack(
        [respond(net, g, x, base, jnp.broadcast_to(e, (len(x), n)))[-1] for e in jnp.eye(n)]
    )
    np.testing.assert_allclose(z, z.transpose(2, 1, 0), rtol=1e-9, atol=1e-12)
    assert float(jnp.abs(z[0, :, 1]).max()) > 0


def test_vmap_over_conductances():
    net, g, x, _ = draw(SMALL[1], np.random.default_rng(8))
    stack = tuple(a * jnp.array([1.0, 0.5, 3.0])[:, None, None] ** (i + 1) for i, a in enumerate(g))
    many = jax.jit(jax.vmap(lambda c: equilibrium.solve(net, c, x)))(stack)
    assert many.certificate.passed.all()
    for k in range(3):
        one = _solve(net, tuple(a[k] for a in stack), x)
        for a, b in zip(many.voltages, one.voltages, strict=True):
            np.testing.assert_allclose(a[k], b, atol=1e-9)


def test_float32_with_a_diode_far_stronger_than_the_wires():
    """Rounding of v on a 1 ohm diode is 1e-5 of these node currents: its branch counts in 8 eps."""
    bias = (np.asarray([1, -1], np.float32),) * 2
    network = Network(4, (10,), 3, bias, (PiecewiseLinearDiode(0.3, 1.0),), (Amplifier(4.0),))
    network = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), network)
    settle = jax.jit(lambda g, x: equilibrium.solve(network, g, x))
    for seed in range(10):
        r = np.random.default_rng(seed)
        g = tuple(jnp.asarray(r.uniform(1e-5, 2e-4, s), jnp.float32) for s in network.shapes)
        free = settle(g, jnp.asarray(r.uniform(-2, 2, (105, 4)), jnp.float32))
        assert network.diodes[0].conducting(free.voltages[0]).any()
        assert free.certificate.passed.all()
