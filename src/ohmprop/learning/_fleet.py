"""Many runs of one shape as one program: a map over trainers that differ in numbers only."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..devices import AbstractMemristor, Mixed
from ..drive import AbstractScheme, Selected
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


def stack_trainers(trainers: Sequence[Trainer], known: Sequence[Trainer] = ()) -> Trainer:
    """The trainers of a fleet as one, every number with a leading axis of runs.

    They may differ in numbers, in their device's model and in their pulse scheme. The program is
    to know the devices and schemes of `known` besides: fleets that know the same, in the same
    order, share a program. Raises ValueError where the trainers differ in more.
    """
    first = trainers[0]
    devices = tuple(
        _mix([t.devices[l] for t in trainers], [t.devices[l] for t in known])
        for l in range(len(first.devices))
    )
    policy = _select([t.policy for t in trainers], [t.policy for t in known])
    distinct = {id(t): t for t in trainers}
    bare = {
        key: eqx.tree_at(lambda t: (t.devices, t.policy), t, (first.devices, first.policy))
        for key, t in distinct.items()
    }
    stacked = _stack([bare[id(t)] for t in trainers])
    return eqx.tree_at(lambda t: (t.devices, t.policy), stacked, (devices, policy))


def _stack(trees: Sequence[Any]) -> Any:
    """Leaf by leaf; Python numbers become arrays of their own kind.

    What is one object in several runs is taken apart once.
    """
    order = {id(tree): k for k, tree in enumerate({id(tree): tree for tree in trees}.values())}
    distinct = list({id(tree): tree for tree in trees}.values())
    index = [order[id(tree)] for tree in trees]
    structures = {jax.tree.structure(tree) for tree in distinct}
    if len(structures) > 1:
        raise ValueError(f"expected runs of one structure, found {len(structures)}")
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(v) for v in leaves])[index], *distinct)


def _mix(devices: list[AbstractMemristor], known: list[AbstractMemristor]) -> AbstractMemristor:
    """One device a run; where there are several models, every run carries all of them."""
    examples: dict[Any, AbstractMemristor] = {}
    for device in (*known, *devices):
        examples.setdefault(_kind(device), device)
    if len(examples) == 1:
        return _stack(devices)
    kinds = [_kind(device) for device in devices]
    carried = tuple(
        _stack([d if own == kind else example for d, own in zip(devices, kinds, strict=True)])
        for kind, example in examples.items()
    )
    order = list(examples)
    index = jnp.asarray([order.index(kind) for kind in kinds])
    return Mixed(models=carried, index=index)  # pyright: ignore[reportCallIssue]


def _kind(device: AbstractMemristor) -> Any:
    """What two devices share that differ in numbers only."""
    shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves(device))
    return jax.tree.structure(device), shapes


def _select(policies: list[AbstractScheme], known: list[AbstractScheme]) -> AbstractScheme:
    """One scheme a run; where there are several kinds, every run carries all of them."""
    examples: dict[type, AbstractScheme] = {}
    for policy in (*known, *policies):
        examples.setdefault(type(policy), policy)
    kinds = list(examples)
    if len(kinds) == 1:
        return _stack(policies)
    of_kind = [_stack([p if type(p) is k else examples[k] for p in policies]) for k in kinds]
    return Selected(tuple(of_kind), jnp.asarray([kinds.index(type(p)) for p in policies]))


def run_fleet(
    trainers: Trainer,
    conductances: tuple[Array | np.ndarray, ...],
    seeds: Array | np.ndarray,
    rows: Rows,
    epochs: int,
    *,
    own: int | None = None,
) -> Outcome:
    """Train every run of the fleet for `epochs` epochs.

    On a CPU the runs follow each other within one program: it compiles in half the time of a
    program mapped by `vmap`, runs as fast, for the samples of a run fill the vector units, and
    costs each run its own device model alone. On an accelerator they run side by side.

    Args:
        trainers: made by `stack_trainers`, c runs.
        conductances: first values of each crossbar, [c, i, j], S.
        seeds: of each run's random key, [c].
        rows: the data, shared or one set a run.
        epochs: how many.
        own: the first so many runs are wanted; the rest, there to make fleets of one size, cost
            nothing and leave zeros.

    Returns:
        The outcome of each run. A run that fails its certificate goes on to no avail; `passed` says
        from where on.
    """
    wanted = np.arange(len(seeds)) < (len(seeds) if own is None else own)
    return _run(trainers, conductances, seeds, wanted, rows, epochs)


@eqx.filter_jit
def _run(trainers, conductances, seeds, wanted, rows: Rows, epochs: int) -> Outcome:
    own_rows = jnp.ndim(rows.inputs) == 3
    runs = (trainers, conductances, seeds, wanted, rows if own_rows else None)
    mapped, static = eqx.partition(runs, eqx.is_array)

    def train(run) -> Outcome:
        trainer, first, seed, _, own = eqx.combine(run, static)
        return _train(trainer, first, seed, own if own_rows else rows, epochs)

    def one(run) -> Outcome:
        blank = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(train, run)
        )
        return jax.lax.cond(run[3], train, lambda _: blank, run)

    if jax.default_backend() == "cpu":
        return jax.lax.map(one, mapped)
    return jax.vmap(one)(mapped)


def _train(trainer: Trainer, first, seed, rows: Rows, epochs: int) -> Outcome:
    """One run. The state after it is measured as the beginning of an epoch more: no second solver.

    Of that epoch's records those from before its updates count; the state it leaves is dropped.
    """

    def epoch(carry, _):
        state, _ = carry
        after, record = trainer.epoch(state, rows.inputs, rows.targets)
        return (after, state), record

    begin = trainer.init(first, seed=seed)
    (_, end), records = jax.lax.scan(epoch, (begin, begin), None, length=epochs + 1)
    if rows.test_inputs.shape[0]:
        test = trainer.observe(end, rows.test_inputs, rows.test_targets)["accuracy"]
    else:
        test = jnp.full_like(records["accuracy"][0], jnp.nan)
    return Outcome(
        **{name: record[:epochs] for name, record in records.items()},
        final_loss=records["loss"][epochs],
        final_accuracy=records["accuracy"][epochs],
        final_passed=records["passed"][epochs],
        test_accuracy=test,
    )
