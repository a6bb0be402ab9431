"""Many runs of one shape as one program: a map over trainers that differ in numbers only."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..devices import AbstractMemristor, Mixed
from ..drive import Selected
from ._trainer import Trainer


class Outcome(NamedTuple):
    """What c runs of e epochs leave. Losses and accuracies are those before each epoch's updates.

    `kcl_relative`: the largest of a run; `energy` in J; fractions are means over the epochs.
    `final_*` are those after the last update, `test_accuracy` that of held-out rows (NaN: none).
    """

    loss: Float[Array, "c e"]
    accuracy: Float[Array, "c e"]
    passed: Bool[Array, "c e"]
    kcl_residual: Float[Array, "c e"]
    kcl_relative: Float[Array, "c e"]
    diode_on_fraction: Float[Array, "c e"]
    clipped_fraction: Float[Array, "c e"]
    write_energy: Float[Array, "c e"]
    final_loss: Float[Array, " c"]
    final_accuracy: Float[Array, " c"]
    final_passed: Bool[Array, " c"]
    test_accuracy: Float[Array, " c"]


class Rows(NamedTuple):
    """Encoded rows (V): inputs [n, f] and targets [n, k], and the held-out ones [t, f], [t, k].

    Shared by all runs of a fleet, or with a leading axis of runs.
    """

    inputs: Array | np.ndarray
    targets: Array | np.ndarray
    test_inputs: Array | np.ndarray
    test_targets: Array | np.ndarray


def stack_trainers(trainers: Sequence[Trainer], counts: Sequence[int]) -> Trainer:
    """The trainers of a fleet as one, every number with a leading axis of runs.

    They may differ in numbers, in their device's model and in their pulse scheme; the first
    `counts[0]` have one model, the next `counts[1]` another. Raises ValueError where they differ
    in more.
    """
    devices = tuple(
        _mix([t.devices[l] for t in trainers], tuple(counts))
        for l in range(len(trainers[0].devices))
    )
    first = trainers[0]
    policy = _select([t.policy for t in trainers])
    rest = [
        eqx.tree_at(lambda t: (t.devices, t.policy), t, (first.devices, first.policy))
        for t in trainers
    ]
    return eqx.tree_at(lambda t: (t.devices, t.policy), _stack(rest), (devices, policy))


def _stack(trees: Sequence[Any]) -> Any:
    """Leaf by leaf; Python numbers become arrays of their own kind."""
    structures = {jax.tree.structure(tree) for tree in trees}
    if len(structures) > 1:
        raise ValueError(f"expected runs of one structure, found {len(structures)}")
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(v) for v in leaves]), *trees)


def _mix(devices: list[AbstractMemristor], counts: tuple[int, ...]) -> AbstractMemristor:
    """One device a run; where there are several models, every run carries all of them."""
    ends = np.cumsum(counts)
    groups = [_stack(devices[end - n : end]) for n, end in zip(counts, ends, strict=True)]
    if len(groups) == 1:
        return groups[0]
    total = len(devices)

    def widen(group, start: int):
        def wide(leaf: np.ndarray) -> np.ndarray:
            full = np.broadcast_to(leaf[:1], (total, *leaf.shape[1:])).copy()
            full[start : start + len(leaf)] = leaf
            return full

        return jax.tree.map(wide, group)

    models = tuple(
        widen(group, end - n) for group, n, end in zip(groups, counts, ends, strict=True)
    )
    index = jnp.repeat(jnp.arange(len(counts)), np.asarray(counts))
    return Mixed(models=models, index=index, counts=counts)  # pyright: ignore[reportCallIssue]


def _select(policies: list):
    """One scheme a run; where there are several kinds, every run carries all of them."""
    kinds = list(dict.fromkeys(map(type, policies)))
    if len(kinds) == 1:
        return _stack(policies)
    examples = {type(p): p for p in reversed(policies)}
    of_kind = [_stack([p if type(p) is k else examples[k] for p in policies]) for k in kinds]
    return Selected(tuple(of_kind), jnp.asarray([kinds.index(type(p)) for p in policies]))


@eqx.filter_jit
def run_fleet(
    trainers: Trainer,
    conductances: tuple[Array | np.ndarray, ...],
    seeds: Array | np.ndarray,
    rows: Rows,
    epochs: int,
) -> Outcome:
    """Train every run of the fleet for `epochs` epochs.

    Args:
        trainers: made by `stack_trainers`, c runs.
        conductances: first values of each crossbar, [c, i, j], S.
        seeds: of each run's random key, [c].
        rows: the data, shared or one set a run.
        epochs: how many.

    Returns:
        The outcome of each run. A run that fails its certificate goes on to no avail; `passed` says
        from where on.
    """

    def one(trainer: Trainer, first, seed, rows: Rows) -> Outcome:
        state, records = trainer.epochs(
            trainer.init(first, seed=seed), rows.inputs, rows.targets, epochs
        )
        final = trainer.observe(state, rows.inputs, rows.targets)
        if rows.test_inputs.shape[0]:
            test = trainer.observe(state, rows.test_inputs, rows.test_targets)["accuracy"]
        else:
            test = jnp.full_like(final["accuracy"], jnp.nan)
        return Outcome(
            **records,
            final_loss=final["loss"],
            final_accuracy=final["accuracy"],
            final_passed=final["passed"],
            test_accuracy=test,
        )

    shared = 0 if jnp.ndim(rows.inputs) == 3 else None
    return jax.vmap(one, in_axes=(0, 0, 0, shared))(trainers, conductances, seeds, rows)
