"""A training run in a folder: resumable, interruptible, the same bits however it was cut."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ohmprop import __version__
from ohmprop._core import BadInput, CertificateError
from ohmprop.experiments import _checkpoint as store
from ohmprop.experiments._build import Job, build
from ohmprop.experiments._load import dump
from ohmprop.experiments._records import history_text, model_arrays, summarise
from ohmprop.experiments._spec import Spec

Progress = Callable[[int, store.Records], None]
_SAVE_EVERY = 0.7  # s between checkpoints
_WORK_PER_CHUNK = 3e7  # weight updates times samples: about 0.2 s on two cores


def chunk_length(job: Job) -> int:
    """Epochs per compiled call, from the spec alone, so that no timing changes the bits.

    A divisor of the epochs where a fair one exists: one compiled program then serves all calls.
    """
    epochs = job.spec.learning.epochs
    cells = sum(rows * columns for rows, columns in job.trainer.network.shapes)
    limit = int(np.clip(_WORK_PER_CHUNK / (cells * len(job.data.inputs)), 1, 50))
    divisor = max(k for k in range(1, limit + 1) if epochs % k == 0)
    return divisor if 4 * divisor >= min(limit, epochs) else limit


def run_job(
    job: Job,
    *,
    start: store.Checkpoint | None = None,
    progress: Progress | None = None,
    keep: Callable[[store.Checkpoint], None] | None = None,
) -> store.Checkpoint:
    """Train `job` to its last epoch, in chunks; no files.

    `progress(epoch, records)` is called after each chunk, `keep(checkpoint)` about every second,
    on Ctrl-C and on failure. Raises CertificateError where an equilibrium fails its certificate.
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
            state, new = trainer.run(now.state, inputs, targets, epochs=count)
            new = {k: np.asarray(v) for k, v in new.items()}
            new["accuracy"] = np.rint(np.float64(new["accuracy"]) * len(inputs)) / len(inputs)
            records = {k: np.concatenate([now.records[k], v]) if now.records else v
                       for k, v in new.items()}  # fmt: skip
            _certify(new, now.epoch)
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


def _certify(new: store.Records, done: int) -> None:
    passed = np.asarray(new["passed"]).reshape(len(new["passed"]), -1).all(axis=1)
    bad = ~passed | ~np.isfinite(new["loss"])
    if bad.any():
        k = int(np.argmax(bad))
        ampere, relative = np.max(new["kcl_residual"][k]), np.max(new["kcl_relative"][k])
        raise CertificateError(
            f"epoch {done + k + 1}: equilibrium not solved: largest KCL residual "
            f"{ampere:.3g} A, relative {relative:.3g}; "
            "try a smaller rate, gain or conductance range, or dtype float64"
        )


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
    if begin:
        begin(job, start.epoch if start else 0)
    prepared = False

    def keep(checkpoint: store.Checkpoint) -> None:
        nonlocal prepared
        if not prepared:
            out.mkdir(parents=True, exist_ok=True)
            if overwrite:
                _clear(out)
            store.write_text(out / "spec.yaml", dump(spec))
            prepared = True
        store.save(out, checkpoint, fingerprint)
        store.write_text(out / "history.csv", history_text(checkpoint.records))

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


def _clear(out: Path) -> None:
    """Remove the files of an earlier run, and nothing else."""
    for name in _OURS:
        (out / name).unlink(missing_ok=True)
        for left in out.glob(f".{name}.*.tmp"):
            left.unlink(missing_ok=True)


def _occupied(out: Path) -> bool:
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; expected a folder")
    return out.is_dir() and any(out.iterdir())


def _same_spec(out: Path, spec: Spec) -> bool:
    return (out / "spec.yaml").read_text(encoding="utf-8") == dump(spec)
