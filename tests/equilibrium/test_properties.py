"""Over random networks: what is certified obeys Kirchhoff's law as NumPy knows it, and the rest
fails openly. Never a NaN, never a hang.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _kirchhoff import crossbars, diode_current, tolerances, unbalanced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _networks import Group, cast_to, draw
from ohmprop import equilibrium
from ohmprop._core import CertificateError
from ohmprop.bench import SimulatedBench
from ohmprop.learning import make_loss
from ohmprop.learning._estimators import CostNudge

GROUPS = [
    Group(2, (4,), 1, ("shockley both",)),
    Group(2, (3, 2), 1, ("pwl both", "clamp")),
    Group(2, (2, 3, 2), 1, ("shockley upper", "none", "pwl lower")),
    Group(2, (2, 2, 2, 2), 1, ("clamp", "shockley lower", "pwl upper", "shockley both")),
]
RTOL = {jnp.float64: 1e-10, jnp.float32: 1e-5}
STEPS = 201  # the solvers' default limit of 200, and the start


@pytest.fixture(autouse=True, scope="module")
def quick_compilation():
    """XLA without its costly passes: these networks are tiny, and compiling them costs most."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@eqx.filter_jit
def settle(network, g, x, current, beta, target):
    """Free; nudged by constant currents; nudged down the squared error by `beta` siemens."""
    free = equilibrium.solve(network, g, x)
    constant = equilibrium.nudge(network, g, x, free, equilibrium.ConstantNudge(current))
    y = network.predict(free.voltages[-1])
    push = CostNudge(beta, make_loss("mse"), SimulatedBench(network, ()), y, target)
    return free, constant, equilibrium.nudge(network, g, x, free, push)


def free_balances(network, g, x, voltages):
    balances = crossbars(network, g, voltages, x)
    for l, diode in enumerate(network.diodes):
        drawn, weight = diode_current(diode, voltages[l])
        balances[l] = balances[l].add(-drawn, weight)
    return balances


def change_balances(network, g, base, change, injected, weight):
    balances = crossbars(network, g, change)
    for l, diode in enumerate(network.diodes):
        drawn, rounding = diode_current(diode, base[l], change[l])
        balances[l] = balances[l].add(-drawn, rounding)
    balances[-1] = balances[-1].add(injected, weight)
    return balances


def check_free(network, g, x, free, rtol, eps):
    """By how much each node misses its tolerance, layer by layer."""
    balances = free_balances(network, g, x, free.voltages)
    allowed = tolerances(network, balances, rtol, eps)
    return [
        unbalanced(b.net, t, np.asarray(v), diode, eps)
        for b, t, v, diode in zip(
            balances, allowed, free.voltages, (*network.diodes, None), strict=True
        )
    ]


def check_change(network, g, x, free, nudged, injected, weight, rtol, eps):
    """A change balances by itself; a node its clamp held starts with the current of the clamp."""
    before = free_balances(network, g, x, free.voltages)
    held = [e == -np.inf for e in check_free(network, g, x, free, rtol, eps)]
    changes = [
        d._replace(net=d.net + np.where(h, b.net, 0))
        for d, h, b in zip(
            change_balances(network, g, free.voltages, nudged.change, injected, weight),
            held, before, strict=True,
        )
    ]  # fmt: skip
    errors = []
    for b, t, h, allowed, v0, v, d, diode in zip(
        changes, tolerances(network, changes, rtol, eps),
        held, tolerances(network, before, rtol, eps),
        free.voltages, nudged.voltages, nudged.change, (*network.diodes, None), strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(v, v0 + d, rtol=4 * eps)
        errors.append(unbalanced(b.net, t + np.where(h, allowed, 0), np.asarray(v), diode, eps))
    return errors


@np.errstate(over="ignore", invalid="ignore")  # voltages that failed may be anything
def examine(network, g, x, current, beta, target, dtype):
    """Settle in that precision, check all that is said about it, and return what passed."""
    network, g, x, current, beta, target = case = cast_to(
        dtype, (network, g, x, current, jnp.asarray(beta), target)
    )
    free, constant, cost = settle(*case)
    rtol, eps = RTOL[dtype], float(jnp.finfo(dtype).eps)
    for state in (free, constant, cost):
        assert int(state.steps) <= STEPS
        assert all(np.isfinite(v).all() for v in (*state.voltages, *(state.change or ())))
        certificate = state.certificate
        for value in (certificate.excess, certificate.ampere, certificate.relative):
            assert not np.isnan(value).any()
        np.testing.assert_array_equal(certificate.passed, certificate.excess <= 1)
        if not certificate.passed.all():
            with pytest.raises(CertificateError, match="KCL residual"):
                equilibrium.raise_if_failed(certificate)
    assert constant.change is not None and cost.change is not None
    settled = np.asarray(free.certificate.passed)
    y, dy = (network.predict(np.asarray(v, np.longdouble))
             for v in (free.voltages[-1], cost.change[-1]))  # fmt: skip
    t, b = np.asarray(target, np.longdouble), np.longdouble(beta)
    pulled = np.stack([-b * (y + dy - t), b * (y + dy - t)], axis=-1).reshape(len(x), -1)
    spring = np.repeat(abs(b) * (abs(y) + abs(dy) + abs(t)), 2, axis=-1)  # a branch of beta S
    case = (network, g, x, free)
    for state, errors in (
        (free, check_free(*case, rtol, eps)),
        (constant, check_change(*case, constant, np.asarray(current), 0.0, rtol, eps)),
        (cost, check_change(*case, cost, pulled, spring, rtol, eps)),
    ):
        passed = settled & np.asarray(state.certificate.passed)
        for layer, error in enumerate(errors):
            assert (error[passed] <= 0).all(), (layer, error.max(axis=-1), state.certificate)
    return settled.mean(), [np.mean(s.certificate.passed) for s in (constant, cost)]


seeds, groups = st.integers(0, 2**32 - 1), st.sampled_from(GROUPS)
precisions = st.sampled_from([jnp.float64, jnp.float32])
quietly = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the first example of each shape compiles


@settings(quietly, max_examples=80)
@given(groups, seeds, st.floats(-1, 0.5), st.floats(-2, 2), st.floats(-7, -2), precisions)
def test_certified_states_obey_kirchhoff(group, seed, volts, push, beta, dtype):
    rng = np.random.default_rng(seed)
    network, g, x, current = draw(group, rng, volts=10**volts)
    target = jnp.array(rng.uniform(-0.5, 0.5, (len(x), group.outputs)))
    free, nudged = examine(network, g, x, current * 10**push, 10**beta, target, dtype)
    if dtype == jnp.float64:
        assert free == 1, "an everyday network must settle"
        assert nudged == [1, 1]


@settings(quietly, max_examples=60)
@given(
    groups, seeds, st.sampled_from([0.0, 1e-9, 1.0, 1e3]), st.sampled_from([(-12, 0), (-12, -9)]),
    st.sampled_from([0.0, 1e-6, 1e4]), st.sampled_from([-1e-3, 0.0, 1e-12, 1.0]), precisions,
)  # fmt: skip
def test_extremes_settle_or_fail_openly(group, seed, volts, decades, push, beta, dtype):
    rng = np.random.default_rng(seed)
    network, g, x, current = draw(group, rng, decades=decades, volts=volts)
    target = jnp.array(volts * rng.uniform(-0.5, 0.5, (len(x), group.outputs)))
    examine(network, g, x, current * push, beta, target, dtype)
