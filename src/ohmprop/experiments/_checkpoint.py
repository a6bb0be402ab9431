"""Files of a run, written so that a kill at any moment leaves the old or the new one, whole."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ohmprop._core import BadInput

NAME = "checkpoint.npz"
Records = dict[str, np.ndarray]


class Checkpoint(NamedTuple):
    """A run's state after `epoch` epochs, its records so far and the seconds spent."""

    state: Any
    records: Records
    epoch: int
    seconds: float


def write_atomically(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    write_atomically(path, lambda file: file.write(text.encode()))


def save(folder: Path, checkpoint: Checkpoint, fingerprint: str) -> None:
    """Store `checkpoint` in `folder`: the leaves of the state, no pickle."""
    arrays = {f"leaf_{k}": _raw(leaf) for k, leaf in enumerate(jax.tree.leaves(checkpoint.state))}
    arrays |= {f"record_{name}": values for name, values in checkpoint.records.items()}
    header = {
        "fingerprint": fingerprint,
        "epoch": checkpoint.epoch,
        "seconds": checkpoint.seconds,
    }
    arrays["header"] = np.asarray(json.dumps(header))
    write_atomically(folder / NAME, lambda file: np.savez(file, **arrays))  # pyright: ignore[reportArgumentType]


def load(folder: Path, like: Any, fingerprint: str) -> Checkpoint | None:
    """Return the checkpoint in `folder`, or None; `like` gives the state's structure.

    Raises BadInput where it belongs to another spec, other data or another version.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {key: file[key] for key in file.files}
        header = json.loads(str(stored.pop("header")))
    except Exception as error:
        raise BadInput(
            f"{path}: not a checkpoint ({error}); start again with --overwrite"
        ) from None
    if header["fingerprint"] != fingerprint:
        raise BadInput(
            f"{path} belongs to a run with another spec or other data; resume with the spec in "
            f"{folder / 'spec.yaml'}, or start again with --overwrite"
        )
    leaves, structure = jax.tree.flatten(like)
    saved = [stored.get(f"leaf_{k}") for k in range(len(leaves))]
    if any(
        s is None or s.shape != _raw(leaf).shape or s.dtype != _raw(leaf).dtype
        for s, leaf in zip(saved, leaves, strict=True)
    ):
        raise BadInput(f"{path} was written by another version; start again with --overwrite")
    state = structure.unflatten(
        [_cooked(s, leaf) for s, leaf in zip(saved, leaves, strict=True) if s is not None]
    )
    records = {k.removeprefix("record_"): v for k, v in stored.items() if k.startswith("record_")}
    return Checkpoint(state, records, int(header["epoch"]), float(header["seconds"]))


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _raw(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _cooked(saved: np.ndarray, leaf: Any) -> Any:
    if _is_key(leaf):
        return jax.random.wrap_key_data(jnp.asarray(saved), impl=jax.random.key_impl(leaf))
    return jnp.asarray(saved) if hasattr(leaf, "dtype") else saved.item()
