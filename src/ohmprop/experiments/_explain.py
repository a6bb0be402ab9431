"""Why an epoch failed: its steps once more, with every certificate in view."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from ohmprop.bench import SimulatedBench
from ohmprop.equilibrium import Certificate, Equilibrium, Nudge
from ohmprop.learning import Trainer, TrainState

_CURE = (
    "Try a smaller rate, beta or gain, a larger diode resistance, a narrower conductance range, "
    "or dtype=float64"
)


class WatchedBench:
    """A bench that remembers in `seen` each equilibrium and the current (A) it was nudged by."""

    def __init__(self, bench: SimulatedBench) -> None:
        self._bench = bench
        self.seen: list[tuple[Array | None, Equilibrium]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bench, name)

    def settle(
        self, state: Any, inputs: Any, nudge: Nudge | None = None, base: Equilibrium | None = None
    ) -> Equilibrium:
        """What the bench settles to."""
        settled = self._bench.settle(state, inputs, nudge, base)
        current = None
        if nudge is not None and settled.change is not None:
            current = nudge.current(settled.change[-1])
        self.seen.append((current, settled))
        return settled


def explain(trainer: Trainer, state: TrainState, inputs: np.ndarray, targets: np.ndarray) -> str:
    """Say at which sample and node the epoch that begins at `state` failed, and what to try.

    Samples are rows of `inputs` [b, f]; they, layers and nodes count from 0, the outputs last.
    """
    done = int(state.epoch)
    where = f"epoch {done + 1} failed (good up to epoch {done}):"
    for rows, certificates in _steps(trainer, state, inputs, targets):
        for phase, certificate in enumerate(certificates):
            passed = np.asarray(certificate.passed)
            if not passed.all():
                k = int(np.argmax(np.where(passed, 0.0, np.asarray(certificate.excess))))
                return (
                    f"{where} sample {int(rows[k])} did not settle "
                    f"{'when nudged' if phase else 'without a nudge'}: KCL residual "
                    f"{float(certificate.ampere[k]):.3g} A "
                    f"({float(certificate.relative[k]):.3g} of the node's current) at layer "
                    f"{int(certificate.worst_layer[k])}, node {int(certificate.worst_node[k])}. "
                    f"{_CURE}."
                )
    return f"{where} every network settled, but the loss is not finite. {_CURE}."


def _steps(
    trainer: Trainer, state: TrainState, inputs: np.ndarray, targets: np.ndarray
) -> Iterator[tuple[np.ndarray, list[Certificate]]]:
    """Rows and certificates of what `Trainer.epoch` settles, in its order."""
    n = len(inputs)
    size = min(trainer.batch_size or n, n)
    first = _certificates(trainer, state, inputs, targets)
    yield np.arange(n), first if size == n else first[:1]  # mini-batches: only observed
    if size == n:
        return
    key, shuffle = jax.random.split(state.key)
    state = state._replace(key=key)
    order = np.asarray(jax.random.permutation(shuffle, n))
    for rows in order[: n // size * size].reshape(-1, size):
        yield rows, _certificates(trainer, state, inputs[rows], targets[rows])
        state = _step(trainer, state, inputs[rows], targets[rows])


@eqx.filter_jit
def watch(
    trainer: Trainer, state: TrainState, inputs: Any, targets: Any
) -> list[tuple[Array | None, Equilibrium]]:
    """Every equilibrium of one step from `state`, with its nudging current (A; None: free)."""
    bench, coin = WatchedBench(trainer.bench), state.key
    if trainer.estimator.name == "random_sign":
        coin = jax.random.split(state.key)[1]  # as `Trainer.step` draws it
    trainer.estimator(bench, trainer.loss, state.device, inputs, targets, coin)  # pyright: ignore[reportArgumentType]
    return bench.seen


def _certificates(
    trainer: Trainer, state: TrainState, inputs: Any, targets: Any
) -> list[Certificate]:
    return [settled.certificate for _, settled in watch(trainer, state, inputs, targets)]


@eqx.filter_jit
def _step(trainer: Trainer, state: TrainState, inputs: Any, targets: Any) -> TrainState:
    return trainer.step(state, inputs, targets)[0]
