"""One chunk of a sweep: build its cells, train them together, keep what the store needs."""

from functools import lru_cache
from typing import NamedTuple

import jax
import numpy as np

from ohmprop._core import BadInput
from ohmprop.experiments._build import Job, Parts, build
from ohmprop.experiments._spec import Spec
from ohmprop.experiments._sweep._cells import Refused, Sweep
from ohmprop.experiments._sweep._plan import Chunk, Plan, make_plan
from ohmprop.learning import Outcome, Rows, Trainer, run_fleet, stack_trainers

Arrays = dict[str, np.ndarray]
HISTORIES = ("loss", "accuracy")
NUMBERS = (
    "min_loss",
    "final_loss",
    "final_accuracy",
    "test_accuracy",
    "diode_on_fraction",
    "clipped_fraction",
    "write_energy",
    "kcl_residual",
    "kcl_relative",
)


@lru_cache(maxsize=2)
def planned(text: str) -> tuple[Sweep, Plan]:
    """The sweep that `text` describes, and its plan: the same wherever it is made."""
    sweep = Sweep.from_text(text)
    return sweep, make_plan(sweep)


def run_chunk(text: str, number: int) -> Arrays:
    """The records of one chunk of the sweep in `text`: what a distant worker is asked for."""
    sweep, plan = planned(text)
    return records(sweep, plan.chunks[number])


class _Cell(NamedTuple):
    """A cell's spec and job, or why it has none."""

    spec: Spec | None
    job: Job | None
    reason: str


def records(sweep: Sweep, chunk: Chunk) -> Arrays:
    """What the cells of `chunk` leave, one row a cell.

    `loss` and `accuracy` [c, e] are histories, `NUMBERS` [c] sum a run up, `failure` [c] tells why
    a cell has none, `spec` [c] holds its spec as JSON in UTF-8 (as text it would take four times
    the space) and `cell` [c] its number. Where an equilibrium fails its certificate, the histories
    end and the numbers are NaN.
    """
    shared = Parts()
    cells = [_build(sweep, cell, shared) for cell in chunk.cells]
    epochs = next((c.spec.learning.epochs for c in cells if c.spec), 1)
    count = len(cells)
    arrays: Arrays = {name: np.full((count, epochs), np.nan) for name in HISTORIES}
    arrays |= {name: np.full(count, np.nan) for name in NUMBERS}
    reasons = [c.reason for c in cells]
    able = [k for k, c in enumerate(cells) if c.job is not None]
    if able:
        # A cell that cannot be is stood in for by another, so that the program stays the same.
        places = [k if k in able else able[0] for k in range(count)]
        jobs = [job for k in places if (job := cells[k].job) is not None]
        kinds = [_build(sweep, cell, shared).job for cell in chunk.kinds]
        known = [job.trainer for job in kinds if job is not None]
        for name, values in _train(jobs, known, chunk, reasons, places).items():
            arrays[name][places] = values
    arrays["failure"] = np.asarray(reasons, dtype=str)
    arrays["spec"] = np.asarray(
        [c.spec.model_dump_json().encode() if c.spec else b"" for c in cells]
    )
    arrays["cell"] = np.asarray(chunk.cells)
    return {name: values[: chunk.own] for name, values in arrays.items()}


def _build(sweep: Sweep, cell: int, shared: Parts) -> _Cell:
    spec = sweep.spec(cell)
    if isinstance(spec, Refused):
        return _Cell(None, None, spec.reason)
    try:
        return _Cell(spec, build(spec, shared), "")
    except BadInput as error:
        return _Cell(spec, None, str(error))


def _train(
    jobs: list[Job],
    known: list[Trainer],
    chunk: Chunk,
    reasons: list[str],
    places: list[int],
) -> Arrays:
    """Train the jobs, in a program that knows the devices and schemes of `known`.

    `reasons[places[k]]` tells of a job k that fails its certificate.
    """
    spec = jobs[0].spec
    with jax.enable_x64(spec.dtype == "float64"):
        dtype = np.dtype(spec.dtype)
        trainers = stack_trainers([job.trainer for job in jobs], known)
        initial = jax.tree.map(lambda *g: np.stack(g), *(job.initial for job in jobs))
        seeds = np.asarray([job.spec.seed for job in jobs], np.uint32)
        outcome = run_fleet(
            trainers,
            initial,
            seeds,
            _rows(jobs, dtype),
            spec.learning.epochs,
            own=chunk.own,
        )
        outcome = jax.tree.map(lambda leaf: np.asarray(leaf), outcome)
    good = good_epochs(outcome)
    for k, place in enumerate(places):
        if good[k] <= spec.learning.epochs:
            reasons[place] = _failure(outcome, k, good[k], spec.learning.epochs)
    return summed_up(outcome, good)


def _rows(jobs: list[Job], dtype: np.dtype) -> Rows:
    """The data of all jobs: once where they share it, else stacked.

    Where rows are held out their draw is a run's own: stacked even where all runs draw the same,
    for sweeps of one seed and of several to share a program.
    """
    names = ("inputs", "targets", "test_inputs", "test_targets")
    if jobs[0].spec.data.test_fraction == 0:
        return Rows(*(getattr(jobs[0].data, name).astype(dtype) for name in names))
    return Rows(*(np.stack([getattr(j.data, name) for j in jobs]).astype(dtype) for name in names))


def good_epochs(outcome: Outcome) -> np.ndarray:
    """Epochs before the first that failed, [c]; one more than there are for a run that passed."""
    passed = outcome.passed & np.isfinite(outcome.loss)
    last = outcome.final_passed & np.isfinite(outcome.final_loss)
    whole = np.concatenate([passed, last[:, None], np.zeros_like(last)[:, None]], axis=1)
    return np.argmin(whole, axis=1)


def _failure(outcome: Outcome, k: int, good: int, epochs: int) -> str:
    if good == epochs:
        return f"after epoch {epochs}: the network does not settle"
    if not np.isfinite(outcome.loss[k, good]):
        return f"epoch {good + 1}: the loss is not finite"
    return (
        f"epoch {good + 1}: an equilibrium fails its certificate (KCL residual of the free state "
        f"{outcome.kcl_relative[k, good]:.1e} of its currents); `ohmprop train` on the cell's spec "
        "tells where"
    )


def summed_up(outcome: Outcome, good: np.ndarray) -> Arrays:
    """Histories up to the failure, and the numbers of the runs without any."""
    epochs = outcome.loss.shape[1]
    alive = np.arange(epochs) < good[:, None]
    arrays: Arrays = {name: np.where(alive, getattr(outcome, name), np.nan) for name in HISTORIES}
    numbers = {
        "min_loss": np.minimum(outcome.loss.min(axis=1), outcome.final_loss),
        "final_loss": outcome.final_loss,
        "final_accuracy": outcome.final_accuracy,
        "test_accuracy": outcome.test_accuracy,
        "diode_on_fraction": outcome.diode_on_fraction.mean(axis=1),
        "clipped_fraction": outcome.clipped_fraction.mean(axis=1),
        "write_energy": outcome.write_energy.sum(axis=1),
        "kcl_residual": outcome.kcl_residual.max(axis=1),
        "kcl_relative": outcome.kcl_relative.max(axis=1),
    }
    return arrays | {name: np.where(good > epochs, v, np.nan) for name, v in numbers.items()}
