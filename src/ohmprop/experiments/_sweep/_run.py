"""A whole sweep: chunks trained side by side, stored as they end, put together at the last."""

import hashlib
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ohmprop import __version__
from ohmprop._core import BadInput
from ohmprop.experiments._build import load_data
from ohmprop.experiments._sweep._cells import Refused, Sweep
from ohmprop.experiments._sweep._chunk import Arrays, planned, records
from ohmprop.experiments._sweep._plan import Chunk, Plan
from ohmprop.experiments._sweep._store import Store, assemble

if TYPE_CHECKING:
    import xarray as xr

WORKERS = 2


class State(NamedTuple):
    """How far a sweep is: cells done and failed, of how many; cells done in this call; seconds."""

    done: int
    failed: int
    total: int
    fresh: int
    seconds: float


def run_sweep(
    sweep: Sweep,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int = WORKERS,
    scheduler: str | None = None,
    progress: Callable[[State], None] | None = None,
) -> "xr.Dataset":
    """Train every cell of `sweep` and leave one dataset in the NetCDF file `out`.

    Chunks that are done lie in `out`.parts until the end; `resume` goes on from there, to the same
    dataset. `workers` threads share this process's programs; `scheduler`, the address of a Dask
    cluster, sends the chunks there instead. `progress` is called after each chunk.

    Raises BadInput before anything is written. A cell that fails is marked, not raised.
    """
    store = Store(Path(out))
    text = sweep.text
    plan = planned(text)[1]
    if not plan.chunks:
        raise BadInput(f"no cell of this sweep can be trained: {next(iter(plan.refused.values()))}")
    if scheduler:
        from ohmprop.experiments._sweep._dask import connected

        with connected(scheduler):
            pass  # a wrong address is refused before anything is written
    identity = _identity(sweep, plan)
    stored = store.open(identity, resume=resume, overwrite=overwrite)
    if stored is not None:
        return stored
    done = store.done()
    todo = [chunk for chunk in plan.chunks if chunk.number not in done]
    count = {chunk.number: chunk.own for chunk in plan.chunks}
    began = time.perf_counter()
    finished = sum(count[number] for number in done) + len(plan.refused)
    failed = len(plan.refused) + sum(int((store.load(n)["failure"] != "").sum()) for n in done)
    fresh = 0

    def tell() -> None:
        if progress:
            progress(State(finished, failed, len(sweep), fresh, time.perf_counter() - began))

    tell()
    trained = _by_dask(text, todo, scheduler) if scheduler else _here(sweep, todo, workers)
    with closing(trained):  # an interruption between two chunks ends the workers, too
        for chunk, arrays in trained:
            store.keep(chunk.number, arrays)
            finished += count[chunk.number]
            fresh += count[chunk.number]
            failed += int((arrays["failure"] != "").sum())
            tell()
    dataset = assemble(sweep, (store.load(chunk.number) for chunk in plan.chunks), plan.refused)
    dataset.attrs["identity"] = identity
    store.finish(dataset)
    return dataset


def _identity(sweep: Sweep, plan: Plan) -> str:
    """Hash of the sweep, of its data and of this version: what a resumed sweep must share."""
    digest = hashlib.sha256(f"{__version__} {sweep.fingerprint} {plan.digest}".encode())
    for group in {chunk.group: chunk for chunk in plan.chunks}.values():
        spec = sweep.spec(group.cells[0])
        if not isinstance(spec, Refused):
            data = load_data(spec)
            for array in (data.inputs, data.targets, data.test_inputs, data.test_targets):
                digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _here(
    sweep: Sweep, chunks: list[Chunk], workers: int
) -> Generator[tuple[Chunk, Arrays], None, None]:
    """Train `chunks` on threads of this process, and yield each as it ends.

    The first chunk of a group compiles its program; others of the group wait for it.
    """
    first = {chunk.group: threading.Lock() for chunk in chunks}
    ready: set[int] = set()

    def train(chunk: Chunk) -> Arrays:
        if chunk.group in ready:
            return records(sweep, chunk)
        with first[chunk.group]:
            arrays = records(sweep, chunk)
        ready.add(chunk.group)
        return arrays

    pool = ThreadPoolExecutor(workers, thread_name_prefix="sweep")
    running: dict[Future[Arrays], Chunk] = {}
    waiting = iter(chunks)
    try:
        while True:
            while len(running) < workers + 1 and (chunk := next(waiting, None)) is not None:
                running[pool.submit(train, chunk)] = chunk
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _by_dask(
    text: str, chunks: list[Chunk], scheduler: str
) -> Generator[tuple[Chunk, Arrays], None, None]:
    """Train `chunks` on the workers of a Dask cluster, and yield each as it ends."""
    from ohmprop.experiments._sweep._dask import train

    by_number = {chunk.number: chunk for chunk in chunks}
    for number, arrays in train(text, list(by_number), scheduler):
        yield by_number[number], arrays
