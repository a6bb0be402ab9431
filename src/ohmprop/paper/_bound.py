"""Equation 9: the surrogate loss bounds the loss, from below with a positive nudge, else above."""

from typing import Any

import jax
import numpy as np

from ..equilibrium import ConstantNudge, raise_if_failed
from ..learning import CostNudge
from ._claims import Claim, Finding

BETAS = (1e-6, 1e-4, 1e-3)  # S; the first is the paper's
_SPEC = "ebana-iris-h10-r10k-linear-pwm"


def about_bound() -> Claim:
    """Judge eq. 9 for every Iris sample, before training and after it.

    With F(b) the least of E + b C over the states, eq. 8 is the gradient of L_b = (F(b) - F(0))/b,
    and since dF/db = C(s_b),

        L_b = 1/b integral_0^b C(s_b') db'

    by Gauss and Legendre's rule with eight points. The nudge is that of eq. 6, which follows the
    loss, and the constant current that the authors' code injects.
    """
    findings = {}
    for nudge, name in (("cost", "nudge of eq. 6"), ("constant", "constant current")):
        worst = max(_violation(beta, nudge) for beta in BETAS)
        value = f"greatest violation over C: {worst:.1e}"
        findings[name] = Finding(value, worst <= 1e-9)
    return Claim(
        "2.2.1, eq. 9",
        "For β > 0 [...] a lower bound of the cost function. Conversely, when β < 0 [...] an upper "
        "bound on the cost function",
        "L_β ≤ C ≤ L_-β for each of 105 Iris samples, β = 1e-6, 1e-4 and 1e-3 S, at the initial "
        "and at the trained conductances, to 1e-9 of C",
        findings,
    )


def _violation(beta: float, nudge: str) -> float:
    """The greatest amount by which a surrogate lies on the wrong side of C, over C."""
    from ..experiments import build, load_spec, run_job

    job = build(load_spec(_SPEC).spec)
    with jax.enable_x64(True):
        trained = run_job(job).state
        worst = 0.0
        for state in (job.trainer.init(job.initial), trained):
            below, middle, above = (_surrogate(job, state, b, nudge) for b in (beta, 0.0, -beta))
            worst = max(worst, float(np.max((below - middle) / middle)))
            worst = max(worst, float(np.max((middle - above) / middle)))
        return worst


def _surrogate(job: Any, state: Any, beta: float, nudge: str) -> np.ndarray:
    """L_beta of every sample (V^2), [n]; at 0 the loss C itself."""
    nodes, weights = np.polynomial.legendre.leggauss(8) if beta else ([0.0], [2.0])
    parts = [
        0.5 * weight * _loss_at(job, state, beta * (1 + node) / 2, nudge)
        for node, weight in zip(nodes, weights, strict=True)
    ]
    return np.sum(parts, axis=0)


def _loss_at(job: Any, state: Any, beta: float, nudge: str) -> np.ndarray:
    """C (V^2) of every sample in the state that a nudge of strength `beta` leads to, [n]."""
    trainer, data = job.trainer, job.data
    bench, network, loss = trainer.bench, trainer.network, trainer.loss
    free = bench.settle(state.device, data.inputs)
    y = network.predict(free.voltages[-1])
    if not beta:
        return np.asarray(loss.cost(y, data.targets))
    if nudge == "cost":
        how = CostNudge(beta, loss, bench, y, data.targets)
    else:
        how = ConstantNudge(network.output_currents(-beta * loss.slope(y, data.targets)))
    nudged = bench.settle(state.device, data.inputs, how, free)
    raise_if_failed(nudged.certificate)
    return np.asarray(loss.cost(y + network.predict(nudged.change[-1]), data.targets))
