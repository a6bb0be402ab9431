"""The trainer: settle, nudge, settle, pulse; epochs as one scan, a run as a pure function."""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Float

from .._core import BadInput, CertificateError
from ..bench import SimulatedBench
from ..circuit import Network
from ..devices import AbstractMemristor
from ..drive import AbstractScheme
from ..equilibrium import raise_if_failed, solve
from ._estimators import Estimator
from ._losses import AbstractLoss, accuracy


class TrainState(NamedTuple):
    """All that a run carries: device states per crossbar, optimiser, random key, epochs done."""

    device: tuple[Array, ...]
    optimiser: optax.OptState
    key: Array
    epoch: Array


class Trainer(eqx.Module):
    """Trains `network` of `devices` (one model per crossbar) by equilibrium propagation.

    Each update q = rate * (optimiser's direction) becomes a write by `policy`. `batch_size` None
    is full batch, 1 per sample; mini-batches are drawn anew each epoch, and what does not fill
    the last one waits for another epoch. `integration`: see `SimulatedBench`.
    """

    network: Network
    devices: tuple[AbstractMemristor, ...]
    loss: AbstractLoss
    estimator: Estimator
    optimiser: optax.GradientTransformation = eqx.field(static=True)
    policy: AbstractScheme
    rates: tuple[Float[Array, ""] | float, ...]
    batch_size: int | None = eqx.field(static=True, default=None)
    multilabel: bool = eqx.field(static=True, default=False)
    rtol: float | None = eqx.field(static=True, default=None)
    integration: Literal["exact", "euler"] = eqx.field(static=True, default="exact")

    def __check_init__(self):
        crossbars = len(self.network.shapes)
        for name, found in (("devices", len(self.devices)), ("rates", len(self.rates))):
            if found != crossbars:
                raise BadInput(f"{name}: expected {crossbars}, one per crossbar, found {found}.")

    @property
    def bench(self) -> SimulatedBench:
        """The simulated hardware."""
        return SimulatedBench(self.network, self.devices, self.rtol, self.integration)

    def init(self, conductances: tuple[ArrayLike, ...], seed: int = 0) -> TrainState:
        """State of a run that starts from `conductances` (S)."""
        device = tuple(
            jnp.asarray(d.state(jnp.asarray(g)))
            for d, g in zip(self.devices, conductances, strict=True)
        )
        optimiser = self.optimiser.init(self.bench.read(device))
        return TrainState(device, optimiser, jax.random.PRNGKey(seed), jnp.asarray(0))

    def conductances(self, state: TrainState) -> tuple[Array, ...]:
        """Conductances (S) of every crossbar."""
        return self.bench.read(state.device)

    def step(self, state: TrainState, inputs, targets):
        """One update on one batch: the new state and what was measured before it."""
        draws = self.estimator.name == "random_sign"  # the only one that does
        key, coin = jax.random.split(state.key) if draws else (state.key, state.key)
        estimate = self.estimator(self.bench, self.loss, state.device, inputs, targets, coin)
        g = self.bench.read(state.device)
        steps, optimiser = self.optimiser.update(estimate.gradient, state.optimiser, g)
        writes = tuple(
            self.policy.write(-rate * step, device.polarity)
            for rate, step, device in zip(
                self.rates, jax.tree.leaves(steps), self.devices, strict=True
            )
        )
        written = self.bench.write(state.device, writes)
        record = self._observe(estimate.free, estimate.outputs, targets) | {
            "passed": estimate.passed,
            "clipped_fraction": written.clipped_fraction,
            "write_energy": written.energy,
        }
        return TrainState(written.state, optimiser, key, state.epoch), record

    def _observe(self, free, y, targets):
        hidden = [
            d.conducting(v) for d, v in zip(self.network.diodes, free.voltages[:-1], strict=True)
        ]
        on = jnp.mean(jnp.concatenate([h.ravel() for h in hidden or [y > jnp.inf]]).astype(y.dtype))
        return {
            "loss": self.loss.report(y, targets),
            "accuracy": accuracy(y, targets, self.multilabel),
            "kcl_residual": jnp.max(free.certificate.ampere),
            "kcl_relative": jnp.max(free.certificate.relative),
            "diode_on_fraction": on,
            "passed": jnp.all(free.certificate.passed),
        }

    def observe(self, state: TrainState, inputs, targets) -> dict[str, Array]:
        """Loss, accuracy, certificate and conducting diodes at rest, as one epoch records them."""
        free = self.bench.settle(state.device, inputs)
        return self._observe(free, self.network.predict(free.voltages[-1]), targets)

    def epoch(self, state: TrainState, inputs, targets):
        """One pass over the data; loss and accuracy are those before its first update."""
        n = inputs.shape[0]
        size = n if self.batch_size is None else min(self.batch_size, n)
        if size == n:
            state, record = self.step(state, inputs, targets)
            return state._replace(epoch=state.epoch + 1), record
        before = self.observe(state, inputs, targets)
        key, shuffle = jax.random.split(state.key)
        order = jax.random.permutation(shuffle, n)[: n // size * size].reshape(-1, size)
        state, records = jax.lax.scan(
            lambda s, rows: self.step(s, inputs[rows], targets[rows]),
            state._replace(key=key),
            order,
        )
        record = before | {
            "passed": before["passed"] & jnp.all(records["passed"]),
            "kcl_residual": jnp.maximum(before["kcl_residual"], jnp.max(records["kcl_residual"])),
            "kcl_relative": jnp.maximum(before["kcl_relative"], jnp.max(records["kcl_relative"])),
            "clipped_fraction": jnp.mean(records["clipped_fraction"]),
            "write_energy": jnp.sum(records["write_energy"]),
        }
        return state._replace(epoch=state.epoch + 1), record

    def epochs(self, state: TrainState, inputs, targets, epochs: int):
        """`epochs` epochs as one traceable scan: final state and stacked records."""
        return jax.lax.scan(lambda s, _: self.epoch(s, inputs, targets), state, None, length=epochs)

    def run(self, state: TrainState, inputs, targets, epochs: int):
        """Compiled `epochs`; records as NumPy arrays. Raises `CertificateError` if one fails."""
        after, records = _run(self, state, inputs, targets, epochs)
        records = {name: np.asarray(value) for name, value in records.items()}
        if not records["passed"].all():
            for _ in range(int(records["passed"].argmin())):  # again, to where the failed one began
                state, _ = _run(self, state, inputs, targets, 1)
            where = f"epoch {int(state.epoch) + 1} (good up to epoch {int(state.epoch)}): "
            free = _settle(self.network, self.bench.read(state.device), inputs, self.rtol)
            try:
                raise_if_failed(free.certificate)
            except CertificateError as error:
                raise CertificateError(f"{where}{error}") from None
            raise CertificateError(
                f"{where}the free states settle, but a nudged one, or one of a later mini-batch, "
                "does not. Try float64, a smaller beta or a smaller rate."
            )
        return after, records

    def predict(self, conductances: tuple[ArrayLike, ...], inputs) -> Float[Array, "b k"]:
        """Outputs y (V) for encoded `inputs` (V). Raises `CertificateError` if unsettled."""
        free = _settle(self.network, conductances, jnp.asarray(inputs), self.rtol)
        raise_if_failed(free.certificate)
        return self.network.predict(free.voltages[-1])

    def evaluate(self, state: TrainState, inputs, targets) -> dict:
        """What `observe` measures, and the nudge's response per crossbar (V)."""
        measured = _evaluate(self, state, jnp.asarray(inputs), jnp.asarray(targets))
        return {name: np.asarray(value) for name, value in measured.items()}


@eqx.filter_jit
def _run(trainer, state, inputs, targets, epochs):
    return trainer.epochs(state, inputs, targets, epochs)


@eqx.filter_jit
def _settle(network, conductances, inputs, rtol):
    return solve(network, conductances, inputs, rtol=rtol)


@eqx.filter_jit
def _evaluate(trainer, state, inputs, targets):
    estimate = trainer.estimator(
        trainer.bench, trainer.loss, state.device, inputs, targets, state.key
    )
    measured = trainer._observe(estimate.free, estimate.outputs, targets)
    median, largest = [], []
    for l, shape in enumerate(trainer.network.shapes):
        dh = estimate.changes[l]
        da = jnp.zeros((inputs.shape[0], shape[0]), dh.dtype)
        if l:
            gain = trainer.network.amplifiers[l - 1].gain
            da = da.at[:, : estimate.changes[l - 1].shape[-1]].set(gain * estimate.changes[l - 1])
        drop = jnp.abs(da[:, :, None] - dh[:, None, :])
        median.append(jnp.median(drop))
        largest.append(jnp.max(drop))
    return measured | {"nudge_median": jnp.stack(median), "nudge_max": jnp.stack(largest)}
