"""Sweeps of tiny cells: what they spend outside computation, 100,000 of them, and two workers.

A cell is Iris, 105 rows, two hidden units, linear devices: it takes milliseconds, so that the
specs, objects, files and threads around it show. Programs are compiled before anything is timed.
The sweep of 100,000 cells takes two to three minutes on two cores.
"""

import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import jax
import numpy as np

from ohmprop.experiments import run_sweep
from ohmprop.experiments._sweep import Sweep, _chunk, load_sweep
from ohmprop.experiments._sweep._run import WORKERS

from ._timing import Row, quantile

FACTORS = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0]
TINY, TINY_EPOCHS, OUTSIDE = 10_000, 50, 0.2
MANY, MANY_EPOCHS = 100_000, 2
SHARED, SPEED_UP, DASK_ROUNDS = 2_560, 1.6, 3


def sweeps_row(rounds: int) -> Iterator[Row]:
    """Each measurement in processes of its own, which share compiled programs on disk."""
    with tempfile.TemporaryDirectory() as folder:
        with patch.dict(os.environ, JAX_COMPILATION_CACHE_DIR=str(Path(folder) / "programs")):
            yield from _outside(folder)
            yield from _many(folder)
            yield from _dask(folder, min(rounds, DASK_ROUNDS))


class _Run(NamedTuple):
    """What a sweep took: seconds of the wall and of all cores, its file; cells without a number."""

    wall: float
    cpu: float
    size: float
    lacking: int


def _outside(folder: str) -> Iterator[Row]:
    """The share of core-seconds that is not computation.

    The sweep runs twice: as it is, and with every call of `run_fleet` replaced by the result of an
    earlier one. What the second takes is everything but the computation: plan, specs, jobs,
    stacking, threads, parts, the dataset. The first row is the CPU time of the second run over
    that of the first: other programs on the machine hardly change it. The second row also counts
    cores that wait, 1 - (CPU time of the computation) / (threads x wall time of the first run),
    and needs a machine that does nothing else and has a core for each thread.
    """
    (full, bare), peak = _apart(_measure_outside, folder)
    name, workers = f"(i) {TINY} cells: ", f"{WORKERS} threads"
    value = f"{bare.cpu:.3g} / {full.cpu:.3g} s of CPU"
    yield Row(name + "CPU outside computation", value, bare.cpu / full.cpu, OUTSIDE)
    idle = 1 - (full.cpu - bare.cpu) / (WORKERS * full.wall)
    yield Row(name + "the same and waiting", f"{full.wall:.3g} s, {workers}", idle, OUTSIDE)
    yield Row(name + "peak memory, file", f"{peak:.0f}, {full.size:.1f} MiB")
    yield Row(name + "without a number", f"{full.lacking}", float(full.lacking), 0.0)


def _measure_outside(folder: str) -> tuple[_Run, _Run]:
    """The sweep of tiny cells, and the same without its computation."""
    out = Path(folder) / "tiny.nc"
    _warm(TINY_EPOCHS, out)
    real, kept = _chunk.run_fleet, []

    def keep(*arguments: Any, **options: Any) -> Any:
        outcome = real(*arguments, **options)
        if not kept:
            kept.append(jax.tree.map(np.asarray, outcome))
        return outcome

    sweep = _sweep("tiny", TINY, TINY_EPOCHS)
    with patch.object(_chunk, "run_fleet", keep):
        full = _timed(sweep, out)
    with patch.object(_chunk, "run_fleet", lambda *arguments, **options: kept[0]):
        return full, _timed(sweep, out)


def _many(folder: str) -> Iterator[Row]:
    """A sweep of very many cells: every one has a number."""
    name = f"(j) {MANY} cells: "
    run, peak = _apart(_measure_many, folder)
    value = f"{run.wall:.0f} s, {run.cpu:.0f} s of CPU"
    yield Row(name + "without a number", value, float(run.lacking), 0.0)
    yield Row(name + "peak memory, file", f"{peak:.0f}, {run.size:.0f} MiB")


def _measure_many(folder: str) -> _Run:
    out = Path(folder) / "many.nc"
    _warm(MANY_EPOCHS, out)
    return _timed(_sweep("many", MANY, MANY_EPOCHS), out)


def _dask(folder: str, rounds: int) -> Iterator[Row]:
    """Seconds of one sweep with two Dask workers over those with one: the least of the rounds.

    Workers are processes of one thread, in which XLA has one thread, too. They hold the program;
    each round is a sweep of another name, which client and workers plan anew.
    """
    name = "(k) Dask, two workers / one"
    try:
        from distributed import LocalCluster
    except ImportError:
        yield Row(name, "no distributed", missing=True)
        return
    options: dict[str, Any] = {
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
    }
    with LocalCluster(n_workers=1, **options) as one, LocalCluster(n_workers=2, **options) as two:
        clusters: dict[str, Any] = {"one": one, "two": two}
        for cluster in clusters.values():
            _warm_workers(cluster)
        seconds: dict[str, list[float]] = {key: [] for key in clusters}
        for k in range(rounds):
            for key, cluster in clusters.items():
                sweep = _sweep(f"{key} {k}", SHARED, TINY_EPOCHS)
                run = _timed(sweep, Path(folder) / "shared.nc", cluster.scheduler_address)
                seconds[key].append(run.wall)
    alone, together = (quantile(seconds[key], 0.1) for key in ("one", "two"))
    value = f"{together:.3g} / {alone:.3g} s, x {alone / together:.2f}"
    yield Row(name, value, together / alone, 1 / SPEED_UP)


def _warm_workers(cluster: Any) -> None:
    """Compile the program in every worker."""
    from distributed import Client

    text = _of_one_program(TINY_EPOCHS).text
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        for worker in workers:
            client.submit(_chunk.run_chunk, text, 0, workers=[worker], pure=False).result()


def _of_one_program(epochs: int) -> Sweep:
    """A sweep of one chunk, of the size that larger sweeps have: it compiles their program."""
    chunk = _chunk.planned(_sweep("plan", SHARED, epochs).text)[1].chunks[0]
    return _sweep("warm", len(chunk.cells), epochs)


def _sweep(name: str, cells: int, epochs: int) -> Sweep:
    """Ten rates, and as many seeds as make `cells` cells (or few cells: seeds alone)."""
    factors = FACTORS if cells % len(FACTORS) == 0 else FACTORS[:1]
    axes = {
        "spec": ["ebana-iris-h2-r1k-linear-pwm"],
        "factor": {"key": "learning.rates", "times": factors},
        "seed": {"count": cells // len(factors)},
    }
    return load_sweep({"name": name, "learning": {"epochs": epochs}, "sweep": axes})


def _warm(epochs: int, out: Path) -> None:
    """Import what a sweep imports, and compile its program."""
    run_sweep(_of_one_program(epochs), out, overwrite=True)


def _timed(sweep: Sweep, out: Path, scheduler: str | None = None) -> _Run:
    """Run `sweep`, whose plan is made within."""
    _chunk.planned.cache_clear()
    wall, cpu = time.perf_counter(), time.process_time()
    dataset = run_sweep(sweep, out, overwrite=True, scheduler=scheduler)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    lacking = (dataset["failure"] != "") | dataset["final_loss"].isnull()
    return _Run(wall, cpu, out.stat().st_size / 2**20, int(lacking.sum()))


def _apart(measure: Callable[[str], Any], folder: str) -> tuple[Any, float]:
    """What `measure` gives in a fresh process, and the most memory (MiB) that this held."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, folder).result(), pool.submit(_peak).result()


def _peak() -> float:
    """Most resident memory of this process so far in MiB; NaN where the system does not tell."""
    status = Path("/proc/self/status")  # getrusage counts the process before the exec, too
    if not status.is_file():
        return math.nan
    lines = status.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
