"""Equation 9: the surrogate loss bounds the loss, from below with a positive nudge, else above."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..equilibrium import ConstantNudge
from ..learning import CostNudge, Trainer
from ._claims import Claim, Finding

BETAS = (1e-6, 1e-4, 1e-3)  # S; the first is the paper's
_POINTS = 8  # of the rule
_SPEC = "ebana-iris-h10-r10k-linear-pwm"


def about_bound() -> Claim:
    """Judge eq. 9 for every Iris sample, before training and after it.

    With F(b) the least of E + b C over the states, eq. 8 is the gradient of L_b = (F(b) - F(0))/b,
    and since dF/db = C(s_b),

        L_b = 1/b integral_0^b C(s_b') db'

    by Gauss and Legendre's rule with eight points. The nudge is that of eq. 6, which follows the
    loss, and the constant current that the authors' code injects.
    """
    from ..experiments import build, load_spec, run_job

    job = build(load_spec(_SPEC).spec)
    with jax.enable_x64(True):
        states = (job.trainer.init(job.initial).device, run_job(job).state.device)
        rows = (jnp.asarray(job.data.inputs), jnp.asarray(job.data.targets))
        worst = {
            name: float(
                np.max(
                    [
                        _violation(job.trainer, state, rows, beta, nudge)
                        for state in states
                        for beta in BETAS
                    ]
                )
            )
            for name, nudge in (("nudge of eq. 6", "cost"), ("constant current", "constant"))
        }
    value = "greatest violation over C: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items())
    return Claim(
        "2.2.1, eq. 9",
        "For β > 0 [...] a lower bound of the cost function. Conversely, when β < 0 [...] an upper "
        "bound on the cost function",
        "L_β ≤ C ≤ L_-β for each of 105 Iris samples, β = 1e-6, 1e-4 and 1e-3 S, at the initial "
        "and at the trained conductances, to 1e-9 of C",
        {"as run": Finding(value, bool(np.max(list(worst.values())) <= 1e-9))},
    )


def _violation(
    trainer: Trainer, device: tuple, rows: tuple[Array, Array], beta: float, nudge: str
) -> float:
    """The greatest amount by which a surrogate lies on the wrong side of C, over C."""
    below, above = (_surrogate(trainer, device, *rows, b, nudge) for b in (beta, -beta))
    middle = _losses(trainer, device, *rows, jnp.zeros(_POINTS), nudge)[0]
    worst = jnp.maximum(jnp.max((below - middle) / middle), jnp.max((middle - above) / middle))
    return float(jnp.maximum(worst, 0.0))


def _surrogate(
    trainer: Trainer, device: tuple, inputs: Array, targets: Array, beta: float, nudge: str
) -> Array:
    """L_beta of every sample (V^2), [n]."""
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    losses = _losses(trainer, device, inputs, targets, jnp.asarray(beta * (1 + nodes) / 2), nudge)
    return jnp.asarray(weights / 2) @ losses


@eqx.filter_jit
def _losses(
    trainer: Trainer, device: tuple, inputs: Array, targets: Array, betas: Array, nudge: str
) -> Array:
    """C (V^2) of every sample where nudges of strengths `betas` lead, [m, n]; NaN if unsettled."""
    bench, network, loss = trainer.bench, trainer.network, trainer.loss
    free = bench.settle(device, inputs)
    y = network.predict(free.voltages[-1])

    def at(beta: Array) -> Array:
        if nudge == "cost":
            how = CostNudge(beta, loss, bench, y, targets)
        else:
            how = ConstantNudge(network.output_currents(-beta * loss.slope(y, targets)))
        nudged = bench.settle(device, inputs, how, free)
        assert nudged.change is not None
        cost = loss.cost(y + network.predict(nudged.change[-1]), targets)
        return jnp.where(jnp.all(nudged.certificate.passed), cost, jnp.nan)

    return jax.lax.map(at, betas)
