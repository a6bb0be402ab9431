"""A training run in a folder: resumable, interruptible, the same bits however it was cut."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ohmprop import __version__
from ohmprop._core import BadInput, CertificateError
from ohmprop.circuit import Network
from ohmprop.experiments import _checkpoint as store
from ohmprop.experiments._build import Job, build, in_own_precision
from ohmprop.experiments._explain import explain
from ohmprop.experiments._load import dump
from ohmprop.experiments._records import history_text, model_arrays, summarise
from ohmprop.experiments._spec import Spec

Progress = Callable[[int, store.Records], None]
_SAVE_EVERY = 0.5  # s between checkpoints; with a chunk, less than a second is ever lost
_CHUNK_SECONDS = 0.15  # what a compiled call should take on two cores


def chunk_length(job: Job) -> int:
    """Epochs per compiled call, from the spec alone, so that no timing changes the bits.

    A divisor of the epochs where a fair one exists: one compiled program then serves all calls.
    """
    epochs = job.spec.learning.epochs
    seconds = epoch_seconds(job.spec, job.trainer.network, len(job.data.inputs))
    limit = int(np.clip(_CHUNK_SECONDS / seconds, 1, 50))
    divisor = max(k for k in range(1, limit + 1) if epochs % k == 0)
    return divisor if 4 * divisor >= min(limit, epochs) else limit


def epoch_seconds(spec: Spec, network: Network, samples: int) -> float:
    """Rough time of an epoch on two cores, within a factor of 3 where it was measured.

    Per sample: 3 ns a memristor, and as much a multiplication of the block elimination, which
    takes n m^2 of them from a layer of n nodes to the next, of m; per step and crossbar: 20 us.
    Exponential diodes take about three times the Newton steps.
    """
    shapes = network.shapes
    cells = sum(rows * columns for rows, columns in shapes)
    widths = [columns for _, columns in shapes]
    elimination = sum(n * m**2 for n, m in zip(widths, widths[1:], strict=False))
    steps = samples // (spec.learning.batch_size or samples)
    seconds = 3e-9 * samples * (cells + elimination) + 20e-6 * steps * len(shapes)
    return seconds * (3 if spec.network.diode.kind == "shockley" else 1)


@in_own_precision
def run_job(
    job: Job,
    *,
    start: store.Checkpoint | None = None,
    progress: Progress | None = None,
    keep: Callable[[store.Checkpoint], None] | None = None,
) -> store.Checkpoint:
    """Train `job` to its last epoch, in chunks; no files.

    `progress(epoch, records)` is called after each chunk, `keep(checkpoint)` about every half
    second, on Ctrl-C and on failure. Raises CertificateError where an equilibrium fails its
    certificate.
    """
    trainer, data = job.trainer, job.data
    epochs, chunk = job.spec.learning.epochs, chunk_length(job)
    now = start or store.Checkpoint(trainer.init(job.initial, seed=job.spec.seed), {}, 0, 0.0)
    kept, began, saved = now, time.perf_counter() - now.seconds, time.monotonic()
    dtype = np.dtype(job.spec.dtype)
    inputs, targets = data.inputs.astype(dtype), data.targets.astype(dtype)
    try:
        while now.epoch < epochs:
            count = min(chunk, epochs - now.epoch)
            try:
                state, new = trainer.run(now.state, inputs, targets, epochs=count)
                _require_finite(new, now.epoch)
            except CertificateError:
                if count == 1:
                    raise CertificateError(explain(trainer, now.state, inputs, targets)) from None
                chunk = 1  # again, epoch by epoch: keeps the good ones; the bits stay the same
                continue
            new = {k: np.asarray(v) for k, v in new.items()}
            new["accuracy"] = np.rint(np.float64(new["accuracy"]) * len(inputs)) / len(inputs)
            records = {k: np.concatenate([now.records[k], v]) if now.records else v
                       for k, v in new.items()}  # fmt: skip
            now = store.Checkpoint(state, records, now.epoch + count, time.perf_counter() - began)
            if progress:
                progress(now.epoch, records)
            if keep and time.monotonic() - saved > _SAVE_EVERY:
                keep(now)
                kept, saved = now, time.monotonic()
    finally:
        if keep and now is not kept:
            keep(now)
    return now


def _require_finite(new: store.Records, done: int) -> None:
    bad = ~np.isfinite(new["loss"])
    if bad.any():
        raise CertificateError(f"epoch {done + int(np.argmax(bad)) + 1}: the loss is not finite")


@in_own_precision
def train(
    spec: Spec,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    begin: Callable[[Job, int], None] | None = None,
) -> dict[str, Any]:
    """Train the network of `spec` and leave the results in the folder `out`.

    `out` gets history.csv, summary.json, spec.yaml, conductances.npz and checkpoint.npz. A
    non-empty folder is refused unless `resume` (continue, to the same bits) or `overwrite`.
    `begin(job, epoch)` is called once before the first epoch. Returns the summary.
    Raises BadInput before anything is written, CertificateError after keeping what is done.
    """
    out = Path(out)
    if resume and overwrite:
        raise BadInput("--resume and --overwrite exclude each other")
    occupied = _occupied(out)
    if occupied and not (resume or overwrite):
        raise BadInput(f"{out} is not empty; continue with --resume or replace with --overwrite")
    job = build(spec)
    fingerprint = job.fingerprint
    start = None
    if resume and occupied:
        like = job.trainer.init(job.initial, seed=spec.seed)
        start = store.load(out, like, fingerprint)
        if start is None and (out / "spec.yaml").exists() and not _same_spec(out, spec):
            raise BadInput(f"{out} holds a run with another spec; start again with --overwrite")
        if start and start.epoch >= spec.learning.epochs and (out / "summary.json").exists():
            return json.loads((out / "summary.json").read_text(encoding="utf-8"))
    _require_writable(out)
    if begin:
        begin(job, start.epoch if start else 0)
    prepared, history = False, ""

    def keep(checkpoint: store.Checkpoint) -> None:
        nonlocal prepared, history
        if not prepared:
            out.mkdir(parents=True, exist_ok=True)
            _clear(out, everything=overwrite)
            store.write_text(out / "spec.yaml", dump(spec))
            prepared = True
        store.save(out, checkpoint, fingerprint)
        history = history_text(checkpoint.records, history)
        store.write_text(out / "history.csv", history)

    end = run_job(job, start=start, progress=progress, keep=keep)
    if not prepared:
        keep(end)
    arrays = model_arrays(job, end.state)
    store.write_atomically(
        out / "conductances.npz",
        lambda file: np.savez(file, **arrays),  # pyright: ignore[reportArgumentType]
    )
    summary = summarise(job, end) | {"version": __version__}
    store.write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    return summary


_OURS = ("history.csv", "summary.json", "spec.yaml", "conductances.npz", "loss.png", store.NAME)


def _clear(out: Path, *, everything: bool) -> None:
    """Remove what a killed run left half-written, or all files of an earlier run; no others."""
    for name in _OURS:
        if everything:
            (out / name).unlink(missing_ok=True)
        for left in out.glob(f".{name}.*.tmp"):
            left.unlink(missing_ok=True)


def _occupied(out: Path) -> bool:
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; expected a folder")
    return out.is_dir() and any(out.iterdir())


def _require_writable(out: Path) -> None:
    """Refuse a folder that cannot be made or written to, before an hour of training is lost."""
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
        if new:
            out.rmdir()
    except OSError as error:
        raise BadInput(
            f"{out}: cannot be written to ({error.strerror or error}); choose another folder"
        ) from None


def _same_spec(out: Path, spec: Spec) -> bool:
    return (out / "spec.yaml").read_text(encoding="utf-8") == dump(spec)
