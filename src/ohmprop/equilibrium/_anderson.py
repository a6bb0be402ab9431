"""Free equilibrium of a wide layered network: products only, no factorisation.

No two nodes of a layer are joined, so KCL solves a whole layer at once when its neighbours are
known: D h + i_d(h) = s, node by node. Sweeping over the layers this way is exact coordinate descent
on the co-content. All conductances being positive, one slow mode per layer governs it, and Anderson
acceleration removes that: every other layer is eliminated, the rest is extrapolated from its last
two steps, and a few evaluations do at any width.

Sources: Anderson, J. ACM 12, 547 (1965); Walker and Ni, SIAM J. Numer. Anal. 49, 1715 (2011);
Scellier, arXiv 2402.11674 (coordinate descent on layers).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._core._arrays import ratio
from ..circuit import Network, ScaledCircuit
from ._certificate import Certificate, certify
from ._conjugate import dot, eliminated, kept, neighbours
from ._kcl import HELD, Layers, bounds, diagonals, elements, hold, unmet

_IDLE = 20  # evaluations in which no residual halves: rounding, and no more to be had
# first tolerance of the layer-wise residual, in the certificate's rtol; float64 is SPICE's judge
_MARGIN = {4: 0.1, 8: 1e-3}


class _State(NamedTuple):
    e: dict  # layers iterated on, next to be evaluated
    u: Layers  # all layers, as last evaluated
    f: dict
    before: tuple  # the last two differences (of e, of f)
    norm: Array
    best: Array
    idle: Array
    tol: Array
    certificate: Certificate
    going: Array
    evaluations: Array


def settle(
    network: Network, circuit: ScaledCircuit, rtol: float, max_steps: int = 200
) -> tuple[Layers, Certificate, Array]:
    """Scaled free voltages [b, n_l], their certificate and the number of evaluations.

    A sample is frozen when in every layer its largest residual is below a fraction of the layer's
    largest current; when all are, the certificate is computed, and a sample that fails goes on with
    a smaller fraction. An evaluation costs two products per coupling. The certificate is sufficient
    for the exact one (see `certify`). Samples that do not settle fail it; nothing is raised.
    """
    count = len(circuit.sources)
    own, other = kept(count), eliminated(count)
    parts, sources, diagonal = elements(network), circuit.sources, circuit.diagonal
    limits = bounds(network, circuit)

    def solve(l, arriving):
        return parts[l].balance(diagonal[l], arriving * circuit.scale[l]) / circuit.scale[l]

    def evaluate(e):
        """All layers at `e`, the currents that arrive there, and where `e` would go next."""
        arriving = {l: sources[l] + neighbours(circuit.couplings, e, l) for l in other}
        o = {l: solve(l, arriving[l]) for l in other}
        arriving |= {l: sources[l] + neighbours(circuit.couplings, o, l) for l in own}
        u = e | o
        g = {l: solve(l, arriving[l]) for l in own}
        return tuple(u[l] for l in range(count)), arriving, g

    def shortfall(e, f):
        """Largest residual over the layer's largest current, per sample."""
        worst = []
        for l in own:
            s, d = circuit.scale[l], diagonal[l]
            r = d * f[l] + parts[l].difference(e[l] * s, f[l] * s) / s
            worst.append(ratio(jnp.max(jnp.abs(r), -1), jnp.max(d * jnp.abs(e[l] + f[l]), -1)))
        return jnp.max(jnp.stack(worst), axis=0)

    def certified(u, arriving):
        residual, element, weight = [], [], []
        for l, (x, part, d, s) in enumerate(zip(u, parts, diagonal, circuit.scale, strict=True)):
            drawn = part.current(x * s) / s
            net = arriving[l] - d * x - drawn
            held, target = hold(x, net, d, *limits[l])
            residual.append(unmet(held, target, x, net))
            element.append(jnp.abs(drawn) + jnp.abs(net - residual[-1]))
            weight.append(part.conductance(x * s) * jnp.abs(x))
        found = (tuple(residual), tuple(element), tuple(weight))
        return certify(circuit, u, *found, rtol, exact=False)

    def step(s: _State):
        u, arriving, g = evaluate(s.e)
        f = {l: g[l] - s.e[l] for l in own}
        size, norm = shortfall(s.e, f), dot(f, f, diagonal)
        halved = size < 0.5 * s.best
        idle = jnp.where(jnp.any(halved & (size > s.tol)), 0, s.idle + 1)
        small = jnp.all(size <= s.tol)
        last = (idle >= _IDLE) | (s.evaluations + 1 >= max_steps)
        certificate = jax.lax.cond(
            small | last, lambda: certified(u, arriving), lambda: s.certificate
        )
        short = small & ~certificate.passed
        tol = jnp.where(short, size * jnp.clip(0.5 / certificate.excess, 0.01, 0.5), s.tol)
        first = s.evaluations == 0
        change = (
            {l: jnp.where(first, 0.0, s.e[l] - s.u[l]) for l in own},
            {l: jnp.where(first, 0.0, f[l] - s.f[l]) for l in own},
        )
        guess = _extrapolate(f, g, change, s.before[0], diagonal, s.evaluations >= 3)
        rose = (norm > s.norm)[:, None]
        move = (size > tol)[:, None]
        e = {}
        for l in own:  # a node that its clamp holds stands at the bound, also in a frozen sample
            next = jnp.clip(jnp.where(rose, g[l], guess[l]), *limits[l])
            at_bound = (g[l] <= limits[l][0]) | (g[l] >= limits[l][1])
            e[l] = jnp.where(at_bound, g[l], jnp.where(move, next, s.e[l]))
        going = ~(last | jnp.all(certificate.passed))
        return _State(
            e, u, f, (change, s.before[0]), norm, jnp.where(halved, size, s.best), idle, tol,
            certificate, going, s.evaluations + 1,
        )  # fmt: skip

    e = _feed_forward(circuit, solve)
    zero = {l: jnp.zeros_like(x) for l, x in e.items() if l in own}
    shape = jax.eval_shape(lambda: certified(sources, dict(enumerate(sources))))
    unknown = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
    endless = jnp.full_like(unknown.excess, jnp.inf)
    first = jnp.full_like(endless, _MARGIN[endless.dtype.itemsize] * rtol)
    state = _State(
        {l: e[l] for l in own}, sources, zero, ((zero, zero), (zero, zero)), endless, endless,
        jnp.asarray(0), first, unknown, jnp.asarray(True),
        jnp.asarray(0),
    )  # fmt: skip
    state = jax.lax.while_loop(lambda s: s.going, step, state)
    return state.u, state.certificate, state.evaluations


def tangent(network: Network, circuit: ScaledCircuit, u: Layers) -> Layers:
    """Diagonal [b, n_l] of the Hessian at settled `u`, held where a clamp holds it; no products."""
    slopes, limits = diagonals(network, circuit, u), bounds(network, circuit)
    return tuple(
        jnp.where((x <= lower) | (x >= upper), HELD * d, s + jnp.zeros_like(x))
        for x, s, d, (lower, upper) in zip(u, slopes, circuit.diagonal, limits, strict=True)
    )


def _feed_forward(circuit, solve) -> dict:
    """Every layer at what the layers before it bring."""
    u = {}
    for l, source in enumerate(circuit.sources):
        u[l] = solve(l, source + (u[l - 1] @ circuit.couplings[l - 1] if l else 0.0))
    return u


def _extrapolate(f, g, last, older, weight, second):
    """Anderson's next iterate: g less the steps whose changes of f best explain f.

    By Gram-Schmidt in scalars: the determinant of the normal equations would underflow.
    """
    (x1, f1), (x2, f2) = last, older
    a11, a12, a22 = dot(f1, f1, weight), dot(f1, f2, weight), dot(f2, f2, weight)
    r1, r2 = dot(f1, f, weight), dot(f2, f, weight)
    c12 = ratio(a12, a11)
    s22 = a22 - c12 * a12
    c2 = jnp.where(second & (s22 > 1e-4 * a22), ratio(r2 - c12 * r1, s22), 0.0)
    c1 = (ratio(r1, a11) - c12 * c2)[:, None]
    c2 = c2[:, None]
    return {l: g[l] - c1 * (x1[l] + f1[l]) - c2 * (x2[l] + f2[l]) for l in g}
