"""Anderson and conjugate gradients against NumPy: KCL, dense matrices, a root finder."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import root

from ohmprop.circuit import (
    Amplifier,
    IdealClamp,
    Network,
    NoDiode,
    PiecewiseLinearDiode,
    ShockleyDiode,
)
from ohmprop.equilibrium._anderson import settle, tangent
from ohmprop.equilibrium._certificate import default_rtol
from ohmprop.equilibrium._conjugate import conjugate, solve_system

N_VT = 1.380649e-23 / 1.602176634e-19 * 300.15  # V, thermal voltage at 27 degC
NETWORKS = {  # a hidden layer each; together they hold every element and side
    "depth 0": (),
    "depth 1": (ShockleyDiode(1e-9, 1.5),),
    "depth 2": (IdealClamp(-0.1, 0.2), PiecewiseLinearDiode(0.1, 20.0, sides="lower")),
    "depth 3": (PiecewiseLinearDiode(0.3, 1.0), ShockleyDiode(1e-8, 1.0, 0.1, "upper"), NoDiode()),
    "depth 4": (
        ShockleyDiode(1e-9, 1.0, -0.1, "lower"), IdealClamp(0.0, np.inf),
        PiecewiseLinearDiode(0.05, 100.0, sides="upper"), ShockleyDiode(1e-10, 2.0, -0.05),
    ),
}  # fmt: skip
SAMPLES, WIDTH, OUTPUTS = 5, 6, 2


@eqx.filter_jit
def _settle(network, g, x, max_steps=200):
    circuit = network.scaled(g, x)
    u, certificate, steps = settle(network, circuit, default_rtol(x.dtype), max_steps)
    return [v * s for v, s in zip(u, circuit.scale, strict=True)], certificate, steps


def _network(diodes, seed=0, gain=3.0, width=WIDTH):
    """Amplified network with offsets and injected currents; conductances over four decades."""
    r = np.random.default_rng(seed)
    depth = len(diodes)
    network = Network(
        3, (width,) * depth, OUTPUTS, bias=(np.array([1.0, -0.5]),) * (depth + 1), diodes=diodes,
        amplifiers=tuple(Amplifier(gain, 0.1) for _ in diodes),
        currents=tuple(jnp.array(r.normal(size=n) * 1e-4) for n in (*(width,) * depth, 4)),
    )  # fmt: skip
    g = tuple(jnp.array(10 ** r.uniform(-6, -2, s)) for s in network.shapes)
    return network, g, jnp.array(r.uniform(-3, 3, (SAMPLES, 3)))


def _drawn(diode, v):
    """Current of an element, written down again; clamps draw nothing here."""
    if isinstance(diode, PiecewiseLinearDiode):

        def one(v):
            return np.maximum(v - diode.v_th, 0) / diode.r_on

    elif isinstance(diode, ShockleyDiode):

        def one(v):
            return diode.i_s * np.expm1((v - diode.v_bias) / (diode.n * N_VT))

    else:
        return 0 * v
    up = one(v) if diode.sides != "lower" else 0.0
    return up - (one(-v) if diode.sides != "upper" else 0.0)


def _kirchhoff(network, g, x, h):
    """Net current at every node in unscaled volts, and the sums over branches of |i| and G|v|."""
    g, x, h = ([np.asarray(c, float) for c in a] for a in (g, x, h))
    x, net, flow, size = np.stack(x), [], [], []
    wires, back = np.concatenate([x, -x], axis=1), None
    for l, v in enumerate(h):
        bias = np.broadcast_to(network.bias[l], (len(x), len(network.bias[l])))
        a = np.concatenate([wires, bias], axis=1)
        i = g[l] * (a[:, :, None] - v[:, None, :])
        m = g[l] * (abs(a)[:, :, None] + abs(v)[:, None, :])
        diode = network.diodes[l] if l < len(network.diodes) else NoDiode()
        d = _drawn(diode, v)
        injected = 0.0 if network.currents is None else np.asarray(network.currents[l])
        net.append(i.sum(1) - d + injected)
        flow.append(abs(i).sum(1) + abs(d))
        size.append(m.sum(1) + abs(d))
        if back is not None:
            gain, n = back, h[l - 1].shape[1]
            net[l - 1] = net[l - 1] - i[:, :n].sum(2) / gain
            flow[l - 1] = flow[l - 1] + abs(i[:, :n]).sum(2) / gain
            size[l - 1] = size[l - 1] + m[:, :n].sum(2) / gain
        if l < len(network.diodes):
            amplifier = network.amplifiers[l]
            back = amplifier.gain
            wires = amplifier.shift + back * (v - amplifier.shift)
    return net, flow, size


def _holds(network, g, x, h, rtol, eps):
    net, flow, size = _kirchhoff(network, g, x, h)
    for l, (r, f, m, v) in enumerate(zip(net, flow, size, h, strict=True)):
        lower, upper = (*network.diodes, NoDiode())[l].bounds()
        v = np.asarray(v)
        assert (v >= lower).all() and (v <= upper).all()
        held = ((v == upper) & (r > 0)) | ((v == lower) & (r < 0))  # the clamp takes r
        assert (held | (abs(r) <= rtol * f + 8 * eps * m)).all(), (l, abs(r / f)[~held].max())


@pytest.mark.parametrize("name", NETWORKS)
def test_currents_balance(name):
    network, g, x = _network(NETWORKS[name], seed=len(name))
    h, certificate, steps = _settle(network, g, x)
    assert certificate.passed.all()
    assert steps < 60
    # offsets enter the sums of the scaled circuit otherwise than here: twice the rounding
    _holds(network, g, x, h, 1e-10, 2 * np.finfo(float).eps)


def test_elements_conduct():
    """The networks above are not linear ones in disguise."""
    for name, diodes in NETWORKS.items():
        network, g, x = _network(diodes, seed=len(name))
        h, _, _ = _settle(network, g, x)
        on = [bool(d.conducting(v).any()) for d, v in zip(diodes, h, strict=False)]
        assert on == [not isinstance(d, NoDiode) for d in diodes]


@pytest.mark.parametrize("name", ["depth 1", "depth 2"])
def test_float32(name):
    network, g, x = _network(NETWORKS[name])
    exact, _, _ = _settle(network, g, x)
    single, g32, x32 = jax.tree.map(
        lambda a: jnp.asarray(a, jnp.float32) if eqx.is_array(a) else a, (network, g, x)
    )
    h, certificate, _ = _settle(single, g32, x32)
    assert certificate.passed.all()
    for a, b in zip(h, exact, strict=True):
        assert a.dtype == jnp.float32
        np.testing.assert_allclose(a, b, atol=2e-4, rtol=2e-4)


def _matrix(diagonal, couplings, stiffness=None):
    """The dense matrix of one sample."""
    edge = np.cumsum([0, *(len(d) for d in diagonal)])
    m = np.diag(np.concatenate(diagonal))
    for l, c in enumerate(couplings):
        m[edge[l] : edge[l + 1], edge[l + 1] : edge[l + 2]] = -c
        m[edge[l + 1] : edge[l + 2], edge[l] : edge[l + 1]] = -c.T
    if stiffness is not None:
        m[edge[-2] :, edge[-2] :] += stiffness
    return m


@pytest.mark.parametrize("depth", range(5))
def test_linear_network_against_dense_matrix(depth):
    network, g, x = _network((NoDiode(),) * depth, seed=depth)
    h, certificate, _ = _settle(network, g, x)
    assert certificate.passed.all()
    circuit = network.scaled(g, x)
    m = _matrix(
        [np.asarray(d) for d in circuit.diagonal], [np.asarray(c) for c in circuit.couplings]
    )
    expected = np.linalg.solve(m, np.concatenate(circuit.sources, axis=1).T).T
    found = np.concatenate([v / s for v, s in zip(h, circuit.scale, strict=True)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * abs(expected).max())


def _system(depth, stiff, seed=0):
    """Circuit's matrix with one node held 1e15 times harder, and a nudge at the outputs."""
    r = np.random.default_rng(seed)
    network, g, x = _network((NoDiode(),) * depth, seed=seed)
    circuit = network.scaled(g, x)
    diagonal = [d + jnp.array(r.uniform(0, 1e-2, (SAMPLES, len(d)))) for d in circuit.diagonal]
    if depth:
        diagonal[0] = diagonal[0].at[:, 1].multiply(1e15)
    root_ = r.normal(size=(SAMPLES, 4, 4))
    stiffness = jnp.array(1e-3 * root_ @ root_.transpose(0, 2, 1)) if stiff else None
    return tuple(diagonal), circuit.couplings, jnp.array(r.normal(size=(SAMPLES, 4))), stiffness


@pytest.mark.parametrize(("depth", "stiff"), [(0, True), (1, False), (2, True), (3, False)])
def test_response_against_dense_matrix(depth, stiff):
    diagonal, couplings, current, stiffness = _system(depth, stiff)
    solution = conjugate(diagonal, couplings, (*(None,) * depth, current), stiffness)
    assert (solution.residual <= 1e-11).all()
    for b in range(SAMPLES):
        extra = None if stiffness is None else np.asarray(stiffness[b])
        m = _matrix([np.asarray(d[b]) for d in diagonal], [np.asarray(c) for c in couplings], extra)
        rhs = np.zeros(len(m))
        rhs[-4:] = current[b]
        layers = np.split(np.linalg.solve(m, rhs), np.cumsum([WIDTH] * depth))
        for part, exact in zip(solution.x, layers, strict=True):
            # relative to its own layer, however far behind the nudge
            np.testing.assert_allclose(part[b], exact, rtol=0, atol=1e-8 * abs(exact).max())


@pytest.mark.parametrize("name", ["depth 2", "depth 3"])
def test_response_is_the_slope_of_the_settled_state(name):
    """Two settled states apart by a small current at the outputs, no diode changing state."""
    network, g, x = _network(NETWORKS[name])
    h, _, _ = _settle(network, g, x)
    circuit = network.scaled(g, x)
    u = tuple(v / s for v, s in zip(h, circuit.scale, strict=True))
    unit = 1e-3 * jnp.array(np.random.default_rng(1).normal(size=4)) + jnp.zeros((SAMPLES, 1))
    rhs = (*(None for _ in network.diodes), unit / circuit.scale[-1])
    d = conjugate(tangent(network, circuit, u), circuit.couplings, rhs).x
    currents = network.currents
    assert currents is not None and currents[-1] is not None
    small = 1e-4  # the slope's own error: curvature against the certificate's 1e-10
    moved = eqx.tree_at(
        lambda n: n.currents, network, (*currents[:-1], currents[-1] + small * unit[0])
    )
    after, _, _ = _settle(moved, g, x)
    for a, b, c, s in zip(after, h, d, circuit.scale, strict=True):
        np.testing.assert_allclose((a - b) / small, c * s, rtol=1e-3, atol=2e-3 * abs(c * s).max())


def test_response_is_differentiable():
    """Reverse derivatives with respect to matrix and right-hand side, against dense ones."""
    diagonal, couplings, current, stiffness = _system(2, True)
    zeros = tuple(jnp.zeros_like(d) for d in diagonal[:-1])

    def loss(x):
        return jnp.sum(jnp.sin(jnp.concatenate(x, axis=-1) * 1e-3))

    def iterative(diagonal, couplings, current):
        return loss(solve_system(diagonal, couplings, (*zeros, current), stiffness))

    def dense(diagonal, couplings, current):
        n = np.cumsum([0, *(d.shape[1] for d in diagonal)])
        m = jax.vmap(jnp.diag)(jnp.concatenate(diagonal, axis=1))
        for l, c in enumerate(couplings):
            m = m.at[:, n[l] : n[l + 1], n[l + 1] : n[l + 2]].add(-c)
            m = m.at[:, n[l + 1] : n[l + 2], n[l] : n[l + 1]].add(-c.T)
        m = m.at[:, n[-2] :, n[-2] :].add(stiffness)
        rhs = jnp.concatenate([*zeros, current], axis=1)
        return loss((jnp.linalg.solve(m, rhs[..., None])[..., 0],))

    found = jax.jit(jax.grad(iterative, (0, 1, 2)))(diagonal, couplings, current)
    expected = jax.jit(jax.grad(dense, (0, 1, 2)))(diagonal, couplings, current)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8 * float(jnp.abs(b).max()))


def test_shockley_against_root_finder():
    network, g, x = _network(NETWORKS["depth 1"], seed=7)
    h, _, _ = _settle(network, g, x)
    edge = WIDTH
    for b in range(2):

        def residual(v, b=b):
            parts = [v[None, :edge], v[None, edge:]]
            net, flow, _ = _kirchhoff(network, g, x[b : b + 1], parts)
            return np.concatenate([(n / f)[0] for n, f in zip(net, flow, strict=True)])

        found = np.concatenate([v[b] for v in h])
        solution = root(residual, found + 0.01, tol=1e-13)
        assert abs(solution.fun).max() < 1e-10
        np.testing.assert_allclose(found, solution.x, rtol=0, atol=1e-8)


def test_node_law():
    """conductance v + i(v) = current, over ten decades of current and from weak to strong wires."""
    conductance = jnp.logspace(-6, 0, 7)[:, None]
    current = jnp.concatenate([-jnp.logspace(-9, 1, 41), jnp.zeros(1), jnp.logspace(-9, 1, 41)])
    for diode in (
        PiecewiseLinearDiode(0.3, 1.0), PiecewiseLinearDiode(0.3, 1.0, sides="upper"),
        PiecewiseLinearDiode(0.3, 1.0, sides="lower"),
        ShockleyDiode(), ShockleyDiode(1e-8, 1.5, 0.3),
        ShockleyDiode(1e-9, 1.0, 0.1, "upper"), ShockleyDiode(1e-9, 1.0, -0.3, "upper"),
        ShockleyDiode(1e-9, 1.0, -0.3, "lower"), ShockleyDiode(1e-9, 1.0, -0.1, "both"),
    ):  # fmt: skip
        v = np.asarray(diode.balance(conductance, current))
        wire, drawn = np.asarray(conductance) * v, _drawn(diode, v)
        # a voltage has eps of itself, and the law magnifies that by its slope
        slope = abs(np.asarray(diode.conductance(jnp.asarray(v))) * v)
        allowed = 1e-12 * (abs(wire) + abs(drawn)) + 4e-15 * (slope + abs(np.asarray(current)))
        assert (abs(wire + drawn - np.asarray(current)) <= allowed).all(), diode


def test_no_signal_and_one_sample():
    """All sources at zero volts, and a batch of one."""
    network, g, x = _network((IdealClamp(0.0), PiecewiseLinearDiode(0.3, 1.0)))
    silent = eqx.tree_at(
        lambda n: (n.bias, n.currents, n.amplifiers),
        network,
        ((np.zeros(2),) * 3, None, (Amplifier(), Amplifier())),
    )
    h, certificate, _ = _settle(silent, g, 0 * x[:1])
    assert certificate.passed.all()
    assert all((v == 0).all() and len(v) == 1 for v in h)
    one, _, _ = _settle(network, g, x[:1])
    many, _, _ = _settle(network, g, x)
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-7, atol=1e-9)


def test_vmap_over_networks():
    network, g, x = _network(NETWORKS["depth 2"])
    stacked = tuple(jnp.stack([c, 2 * c, c[::-1]]) for c in g)
    many, certificate, _ = jax.vmap(lambda c: _settle(network, c, x))(stacked)
    assert certificate.passed.all()
    for k in range(3):
        h = [np.asarray(v[k]) for v in many]
        _holds(network, [c[k] for c in stacked], x, h, 1e-10, 2 * np.finfo(float).eps)


def test_too_few_evaluations_is_a_failure():
    network, g, x = _network(NETWORKS["depth 3"])
    _, certificate, steps = _settle(network, g, x, 2)
    assert steps == 2
    assert not certificate.passed.any()
    _, certificate, steps = _settle(network, g, x * jnp.nan)
    assert not certificate.passed.any()
    assert steps <= 20  # gives up where nothing improves


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(1024,), (1024, 1024)])
def test_wide_network(hidden):
    """1568-1024-10 and 1568-1024-1024-10 in float32, certified in float64 by NumPy."""
    r = np.random.default_rng(0)
    f32 = np.float32
    network = Network(
        784, hidden, 10, bias=(np.zeros(0, f32),) * (len(hidden) + 1),
        diodes=(IdealClamp(0.0),) * len(hidden), amplifiers=(Amplifier(),) * len(hidden),
        currents=tuple(jnp.asarray(0.1 * r.normal(size=n), f32) for n in (*hidden, 10)),
        doubled_outputs=False,
    )  # fmt: skip
    g = tuple(jnp.asarray(abs(r.normal(size=s)) / s[0] ** 0.5, f32) for s in network.shapes)
    x = jnp.asarray(r.uniform(size=(2, 784)), f32)
    h, certificate, steps = _settle(network, g, x)
    assert certificate.passed.all()
    assert steps <= 8
    _holds(network, g, x, h, 1e-5, np.finfo(f32).eps)
