"""Estimator against the exact gradient, and our node voltages against ngspice's."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import equinox as eqx
import numpy as np

from ohmprop._core import VerificationError
from ohmprop.equilibrium import raise_if_failed
from ohmprop.experiments._build import Job, build, in_own_precision
from ohmprop.experiments._explain import watch
from ohmprop.experiments._spec import LearningSpec, Spec
from ohmprop.learning import Estimator, make_estimator

_VOLT, _CLAMP_VOLT = 1e-9, 1e-6  # agreement expected of ngspice at its tightest options
_COSINE = 0.9  # least cosine with the exact gradient, in every crossbar
_ROWS = 32


@in_own_precision
def check(spec: Spec, say: Callable[[str], object] | None = None) -> list[str]:
    """Compare `spec`'s estimator with the exact gradient, and node voltages with ngspice.

    Returns lines to print, each given to `say` as soon as it is known: cosine and relative error
    per crossbar at the initial conductances, then the largest difference of node voltages, free
    and at every nudge the estimator applies (constant or following the cost, as the spec says),
    or why ngspice was not asked. Raises VerificationError, after the lines so far, where a
    crossbar's cosine is below 0.9 though its exact gradient is not zero, or voltages differ by
    more than 1e-9 V (1e-6 V with clamps).
    """
    job, lines = build(spec), []
    for part in (_gradients, _voltages):
        for line in part(job):
            lines.append(line)
            if say:
                say(line)
    return lines


def _gradients(job: Job) -> Iterator[str]:
    trainer, data = job.trainer, job.data
    dtype = np.dtype(job.spec.dtype)
    inputs, targets = data.inputs.astype(dtype), data.targets.astype(dtype)
    state = trainer.init(job.initial, seed=job.spec.seed)

    @eqx.filter_jit
    def gradient(estimator: Estimator) -> tuple[Any, ...]:
        estimate = estimator(trainer.bench, trainer.loss, state.device, inputs, targets, state.key)
        return estimate.gradient

    mine = gradient(trainer.estimator)
    oracle = gradient(make_estimator("exact", beta=job.spec.learning.beta))
    yield from judge(job.spec.learning, map(np.asarray, mine), map(np.asarray, oracle))


def judge(
    learning: LearningSpec, mine: Iterable[np.ndarray], oracle: Iterable[np.ndarray]
) -> Iterator[str]:
    """The table of estimated against exact gradients; then raises where a cosine is too small."""
    name, proxy = learning.estimator, learning.proxy
    yield f"estimator {name} against the exact gradient:"
    wrong = []
    for k, (a, b) in enumerate(zip(mine, oracle, strict=True)):
        scale = float(np.vdot(a, b) / np.vdot(a, a)) if proxy and np.any(a) else 1.0
        cosine, error = compare(a, b)[0], compare(scale * a, b)[1]
        line = f"  crossbar {k + 1}: cosine {cosine:.9f}, relative error {error:.3e}"
        yield f"{line} after scaling by {scale:.4g}" if proxy else line
        if np.any(b) and not cosine >= _COSINE:
            wrong.append(f"crossbar {k + 1} (cosine {cosine:.3f})")
    if proxy:
        yield "  (proxy: the seed's eq. 14 leaves out constant factors per crossbar)"
    if wrong:
        cures = [f"a learning.beta below {learning.beta:g}"]
        cures += ["learning.estimator=centred"] * (name not in ("centred", "four_point"))
        cures += ["learning.nudge=cost"] * (learning.nudge != "cost")
        raise VerificationError(
            f"estimator {name} disagrees with the exact gradient in {', '.join(wrong)}; expected a "
            f"cosine of at least {_COSINE:g}. Try {' or '.join(cures)}"
        )


def compare(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Cosine between `a` and `b` (0 where one is zero, 1 where both are), and |a - b|/|b|."""
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    cosine = float(np.vdot(a, b)) / norm if norm else float(not (np.any(a) or np.any(b)))
    return cosine, float(np.linalg.norm(a - b) / (np.linalg.norm(b) or 1.0))


def _voltages(job: Job) -> Iterator[str]:
    from ohmprop import spice

    if not spice.available():
        yield "ngspice: not found, so voltages were not compared"
        return
    if job.spec.dtype != "float64":
        yield "ngspice: not compared, float32 cannot reach its digits; set dtype=float64"
        return
    trainer, inputs, targets = job.trainer, job.data.inputs[:_ROWS], job.data.targets[:_ROWS]
    network, state = trainer.network, trainer.init(job.initial, seed=job.spec.seed)
    conductances = trainer.conductances(state)
    none: list[Any] = [None] * len(network.hidden)
    limit = _CLAMP_VOLT if job.spec.network.diode.kind == "clamp" else _VOLT
    for k, (current, ours) in enumerate(watch(trainer, state, inputs, targets)):
        raise_if_failed(ours.certificate)
        name = f"nudge {k}" if k else "free"
        injected = None if current is None else (*none, np.asarray(current))
        theirs = spice.operating_points(network, conductances, inputs, injected)
        worst = max(
            float(np.max(np.abs(np.asarray(a) - np.asarray(b))))
            for a, b in zip(ours.voltages, theirs, strict=True)
        )
        line = f"ngspice, {name}: {len(inputs)} samples, voltages differ by {worst:.3e} V at most"
        if not worst <= limit:
            raise VerificationError(f"{line}, above {limit:g} V")
        yield line
