"""The search for good values of a spec's keys: trials in batches, each batch one fleet of runs."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ohmprop._core import BadInput, nearest
from ohmprop.experiments._spec import Spec
from ohmprop.experiments._sweep._cells import Sweep
from ohmprop.experiments._sweep._chunk import records
from ohmprop.experiments._sweep._plan import make_plan
from ohmprop.experiments._tuning import Tuning

if TYPE_CHECKING:
    import optuna

OBJECTIVES: dict[str, Literal["minimize", "maximize"]] = {  # and which way is better
    "min_loss": "minimize",
    "final_loss": "minimize",
    "final_accuracy": "maximize",
    "test_accuracy": "maximize",
}
BATCH = 8  # trials asked for together and trained together


class Trial(NamedTuple):
    """One point of the search: its keys' values, its objective or why it has none."""

    number: int
    values: dict[str, Any]
    objective: float | None
    failure: str


class Progress(NamedTuple):
    """How far a search is: trials done and failed, of how many, the best so far, seconds."""

    done: int
    failed: int
    total: int
    best: Trial | None
    seconds: float


class Tuned(NamedTuple):
    """A search's trials, the best of them and its spec; `interrupted` where it was cut short."""

    trials: list[Trial]
    best: Trial
    spec: Spec
    interrupted: bool


def tune(
    tuning: Tuning,
    *,
    trials: int = 50,
    objective: str = "min_loss",
    seeds: int = 1,
    sampler: Literal["tpe", "random"] = "tpe",
    storage: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Tuned:
    """Search for the values of the keys in `tuning` that make `objective` best.

    Trials are asked for eight at a time and trained together. One of which any run fails has no
    objective, and the search avoids its neighbourhood. The spec's seed decides every choice.

    Args:
        tuning: the base spec and the ranges.
        trials: to have in the end, with those that `storage` has already.
        objective: `min_loss`, `final_loss`, `final_accuracy` or `test_accuracy`, its mean over
            the seeds.
        seeds: runs of a trial, with the spec's seed and those after it.
        sampler: `tpe`, the tree-structured Parzen estimator, or `random`.
        storage: such as sqlite:///search.db, where a search is kept and continued; for one
            process at a time.
        progress: called after each batch.

    Returns:
        the trials and the best of them; after Ctrl-C those there are, where any has succeeded.

    Raises:
        BadInput: wrong options, another search in `storage`, or no trial that succeeds.

    Source: J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011 (TPE).
    """
    _require_objective(tuning, objective)
    study = _open(tuning, objective, seeds, storage)
    began = time.perf_counter()
    interrupted = False
    done = _finished(study, tuning)
    try:
        while len(done) < trials:
            study.sampler = _sampler(sampler, tuning.spec.seed, len(done))
            _run_batch(study, tuning, min(BATCH, trials - len(done)), objective, seeds)
            done = _finished(study, tuning)
            if progress:
                failed = sum(t.objective is None for t in done)
                best = _best(done, objective)
                progress(Progress(len(done), failed, trials, best, time.perf_counter() - began))
    except KeyboardInterrupt:
        interrupted = True
        _give_up_running(study)
        done = _finished(study, tuning)
    best = _best(done, objective)
    if best is None:
        if interrupted:
            raise KeyboardInterrupt
        raise BadInput(f"none of {len(done)} trials succeeds; the first: {done[0].failure}")
    spec = tuning.sweep([best.values], seeds).spec(0)
    assert isinstance(spec, Spec)
    return Tuned(done, best, spec, interrupted)


def _require_objective(tuning: Tuning, objective: str) -> None:
    if objective not in OBJECTIVES:
        raise BadInput(f"objective: unknown {objective!r}.{nearest(objective, OBJECTIVES)}")
    tuned = {r.key for r in tuning.ranges}
    if objective == "test_accuracy" and "data.test_fraction" not in tuned:
        if not tuning.spec.data.test_fraction:
            raise BadInput(
                "objective test_accuracy: there are no test rows; set data.test_fraction"
            )


def _open(tuning: Tuning, objective: str, seeds: int, storage: str | None) -> "optuna.Study":
    """A new study, or the one of this search in `storage`."""
    try:
        import optuna
    except ImportError:
        raise BadInput(
            "a search needs Optuna, which is not installed: install ohmprop[tune]"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=tuning.name,
            direction=OBJECTIVES[objective],
            load_if_exists=True,
        )
    except Exception as error:  # of the URL, of a driver, or of the database
        first = str(error).splitlines()[0]
        raise BadInput(
            f"--storage {storage}: cannot be opened ({first}); expected such as sqlite:///search.db"
        ) from None
    identity = f"{tuning.identity} {objective} {seeds}"
    if study.user_attrs.get("identity", identity) != identity:
        raise BadInput(
            f"--storage {storage}: its search {tuning.name!r} has another spec, other ranges, "
            "objective or seeds, or is of another version; give another file, or the spec another "
            "name"
        )
    study.set_user_attr("identity", identity)
    _give_up_running(study)
    return study


def _give_up_running(study: "optuna.Study") -> None:
    """Mark trials that will never end as failed: the sampler would wait for them."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _sampler(kind: str, seed: int, done: int) -> "optuna.samplers.BaseSampler":
    """A sampler whose choices follow from the seed and the trials done, resumed or not."""
    from optuna import samplers

    own = int(np.random.SeedSequence([seed, done]).generate_state(1)[0])
    return samplers.TPESampler(seed=own) if kind == "tpe" else samplers.RandomSampler(seed=own)


def _run_batch(
    study: "optuna.Study", tuning: Tuning, count: int, objective: str, seeds: int
) -> None:
    """Ask for `count` trials, train them, and tell their objectives.

    The last point fills the batch up, so that every batch has the same program.
    """
    from optuna.trial import TrialState

    asked = [study.ask() for _ in range(count)]
    points = [{r.key: r.value(r.suggest(trial)) for r in tuning.ranges} for trial in asked]
    sweep = tuning.sweep(points + points[-1:] * (BATCH - count), seeds)
    values, failures = _train(sweep, objective)
    for trial, own, reasons in zip(
        asked, values.reshape(BATCH, seeds), failures.reshape(BATCH, seeds), strict=False
    ):
        failure = next(
            (f"seed {k}: {r}" if seeds > 1 else r for k, r in enumerate(reasons) if r), ""
        )
        if failure:
            trial.set_user_attr("failure", failure)
            study.tell(trial, state=TrialState.PRUNED)  # the sampler holds it for the worst
        else:
            study.tell(trial, float(own.mean()))


def _train(sweep: Sweep, objective: str) -> tuple[np.ndarray, np.ndarray]:
    """The objective of every cell, and why it has none."""
    plan = make_plan(sweep)
    values = np.full(len(sweep), np.nan)
    failures = np.full(len(sweep), "", dtype=object)
    for cell, reason in plan.refused.items():
        failures[cell] = reason
    for chunk in plan.chunks:
        arrays = records(sweep, chunk)
        values[arrays["cell"]] = arrays[objective]
        failures[arrays["cell"]] = arrays["failure"]
    lost = (failures == "") & ~np.isfinite(values)
    failures[lost] = f"{objective} is not a number"
    return values, failures


def _finished(study: "optuna.Study", tuning: Tuning) -> list[Trial]:
    """Trials that have run, well or not."""
    from optuna.trial import TrialState

    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    return [
        Trial(
            t.number,
            {r.key: r.value(t.params[r.key]) for r in tuning.ranges},
            t.value if t.state == TrialState.COMPLETE else None,
            t.user_attrs.get("failure", ""),
        )
        for t in study.get_trials(deepcopy=False, states=ended)
    ]


def _best(trials: list[Trial], objective: str) -> Trial | None:
    """The best trial, the first of equals; None where none has succeeded."""
    sign = 1 if OBJECTIVES[objective] == "minimize" else -1
    good = [(sign * t.objective, t.number, t) for t in trials if t.objective is not None]
    return min(good)[2] if good else None
