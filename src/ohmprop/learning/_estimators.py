"""Equilibrium propagation: the loss gradient from changes of voltage drops.

For ohmic devices, with n amplifiers of gain A between a crossbar and the outputs,

    dC/dG_ij = A^2n / (2 beta) [ (dU_ij at beta)^2 - (dU_ij at 0)^2 ]

The change of a squared drop is d (2 dU + d) with d the change of the drop, and its sum over the
batch is two matrix products: no tensor of batch x rows x columns is formed. Estimators differ in
which beta they settle at:

    positive    D(b) / b                      bias O(b)
    negative    D(-b) / -b                    bias O(b)
    random_sign one of the two, by a coin     O(b) each, O(b^2) in expectation
    centred     [D(b) - D(-b)] / 2b           O(b^2)
    four_point  [8 (D(b) - D(-b)) - (D(2b) - D(-2b))] / 12b     O(b^4)
    exact       the limit b -> 0, one linear solve

Sources: Scellier and Bengio (2017); Laborieux et al. (2021); Scellier et al., arXiv 2312.15103;
Döll, Müller, Ulmann (2025), eq. 14, whose form (no 1/2, no 1/beta, no A^2n) is `proxy`.
"""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import BadInput, nearest
from ..bench import SimulatedBench
from ..equilibrium import ConstantNudge, Equilibrium
from ._losses import AbstractLoss

# settings and weights: the estimate is the sum of weight * D(multiple * beta) / beta
_STENCILS: dict[str, tuple[tuple[float, float], ...]] = {
    "positive": ((1.0, 1.0),),
    "negative": ((-1.0, -1.0),),
    "random_sign": ((1.0, 1.0),),
    "centred": ((1.0, 0.5), (-1.0, -0.5)),
    "four_point": ((1.0, 8 / 12), (-1.0, -8 / 12), (2.0, -1 / 12), (-2.0, 1 / 12)),
    "exact": (),
}
ESTIMATORS = tuple(_STENCILS)


class CostNudge(eqx.Module):
    """Currents -beta dC/dy re-evaluated in the nudged state (eq. 6 of the seed paper)."""

    beta: Array | float
    loss: AbstractLoss
    bench: SimulatedBench
    y: Float[Array, "b k"]
    target: Float[Array, "b k"]

    def current(self, d: Float[Array, "b n"]) -> Float[Array, "b n"]:
        """Currents (A) at the outputs after they moved by d (V)."""
        network = self.bench.network
        change = self.loss.slope_change(self.y, self.target, network.predict(d))
        slope = self.loss.slope(self.y, self.target) + change
        return network.output_currents(-self.beta * slope)

    def stiffness(self, d: Float[Array, "b n"]) -> Float[Array, "b n n"]:
        """beta P' (d2C/dy2) P: the conductance the nudge adds at the outputs."""
        network = self.bench.network
        pick = network.predict(jnp.eye(d.shape[-1], dtype=d.dtype))
        hessian = self.loss.hessian(self.y + network.predict(d), self.target)
        return self.beta * jnp.einsum("nk,bkl,ml->bnm", pick, hessian, pick)


class Estimate(NamedTuple):
    """Gradient per crossbar, the free state, its outputs, whether all settled.

    `changes`: of the node voltages (V) under the nudge of strength beta, to first order if exact.
    """

    gradient: tuple[Array, ...]
    free: Equilibrium
    outputs: Array
    passed: Array
    changes: tuple[Array, ...]


class Estimator(eqx.Module):
    """One of `ESTIMATORS` at nudging strength `beta`, with currents held constant or following C.

    `proxy`: return sum over samples of D / batch, the seed's update signal, instead of dC/dG.
    """

    name: str = eqx.field(static=True)
    beta: Array | float = 1e-6
    nudge: Literal["constant", "cost"] = eqx.field(static=True, default="constant")
    proxy: bool = eqx.field(static=True, default=False)

    def __call__(
        self, bench: SimulatedBench, loss: AbstractLoss, state, inputs, targets, key
    ) -> Estimate:
        """Gradient of the mean of C over the batch with respect to every conductance (1/S)."""
        network = bench.network
        free = bench.settle(state, inputs)
        y = network.predict(free.voltages[-1])
        slope = loss.slope(y, targets)
        passed = jnp.all(free.certificate.passed)
        if self.name == "exact":
            unit = network.output_currents(-slope)
            d = bench.derivative(state, inputs, free, unit)
            total = _squares(bench, state, inputs, free, d, exact=True)
            changes, per_beta = tuple(self.beta * x for x in d), 1.0
        else:
            sign = jnp.asarray(1.0, y.dtype)
            if self.name == "random_sign":
                sign = jax.random.rademacher(key, (), y.dtype)
            total = changes = None
            for multiple, weight in _STENCILS[self.name]:
                beta = multiple * sign * self.beta
                nudge = (
                    ConstantNudge(network.output_currents(-beta * slope))
                    if self.nudge == "constant"
                    else CostNudge(beta, loss, bench, y, targets)
                )
                nudged = bench.settle(state, inputs, nudge, free)
                assert nudged.change is not None
                passed = passed & jnp.all(nudged.certificate.passed)
                part = _squares(bench, state, inputs, free, nudged.change)
                part = [weight * sign * p for p in part]
                total = part if total is None else [a + b for a, b in zip(total, part, strict=True)]
                changes = nudged.change if changes is None else changes
            per_beta = self.beta
        assert total is not None and changes is not None
        batch, scale = inputs.shape[0], network.scale()
        if self.proxy:
            back = self.beta if self.name == "exact" else 1.0
            gradient = tuple(t * (back / batch) for t in total)
        else:
            gradient = tuple(
                t * ((scale[-1] / s) ** 2 / (2 * per_beta * batch))
                for t, s in zip(total, scale, strict=True)
            )
        return Estimate(gradient, free, y, passed, changes)


def _squares(bench, state, inputs, free, change, exact=False) -> list[Array]:
    """Sum over the batch of the change of each squared drop (V^2); to first order if `exact`."""
    network = bench.network
    circuit = network.scaled(bench.read(state), inputs)
    u = tuple(v / s for v, s in zip(free.voltages, circuit.scale, strict=True))
    result = []
    for l, s in enumerate(circuit.scale):
        a, h, dh = circuit.wordlines(l, u) * s, free.voltages[l], change[l]
        # only differences of a and h matter: without their common mode float32 keeps its digits
        common = jnp.mean(h, axis=-1, keepdims=True)
        a, h = a - common, h - common
        middle = h if exact else h + 0.5 * dh
        columns = jnp.sum(dh * middle, axis=0)
        if l == 0:
            result.append(2 * (columns - a.T @ dh))
            continue
        da = change[l - 1] * (s / circuit.scale[l - 1])
        n = da.shape[-1]
        start = a if exact else a.at[:, :n].add(0.5 * da)
        total = columns - start.T @ dh
        moved = jnp.sum(da * start[:, :n], axis=0)[:, None] - da.T @ middle
        result.append(2 * total.at[:n].add(moved))
    return result


def make_estimator(
    name: str,
    beta: Array | float = 1e-6,
    nudge: Literal["constant", "cost"] = "constant",
    proxy: bool = False,
) -> Estimator:
    """The estimator called `name`, one of `ESTIMATORS`."""
    if name not in ESTIMATORS:
        raise BadInput(
            f"learning.estimator: no estimator named {name!r}.{nearest(name, ESTIMATORS)}"
        )
    return Estimator(name, beta, nudge, proxy)
