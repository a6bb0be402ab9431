"""What a run leaves to read: history.csv, summary.json, conductances.npz; and prediction."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ohmprop._core import BadInput
from ohmprop.data import Encoding, read_features
from ohmprop.equilibrium import raise_if_failed, solve
from ohmprop.experiments._build import Job, in_own_precision, make_network
from ohmprop.experiments._checkpoint import Checkpoint, Records
from ohmprop.experiments._load import load_spec
from ohmprop.experiments._spec import Spec

_FIRST = ("epoch", "loss", "accuracy")


def history_text(records: Records, known: str = "") -> str:
    """The records as CSV, one row an epoch, floats as `repr` writes them.

    `known` is the text of the first epochs, which is only carried on.
    """
    done = max(known.count("\n") - 1, 0)
    columns: dict[str, np.ndarray] = {"epoch": np.arange(done + 1, len(records["loss"]) + 1)}
    for name in ("loss", "accuracy", *(k for k in records if k not in _FIRST)):
        values = np.asarray(records[name])[done:]
        if values.ndim == 1:
            columns[name] = values
        else:
            flat = values.reshape(len(values), -1)
            columns |= {f"{name}_{k + 1}": flat[:, k] for k in range(flat.shape[1])}
    rows = zip(*(c.tolist() for c in columns.values()), strict=True)
    head = known or ",".join(columns) + "\n"
    return head + "".join(",".join(_cell(v) for v in row) + "\n" for row in rows)


def _cell(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else repr(value)


def summarise(job: Job, end: Checkpoint) -> dict[str, Any]:
    """The summary of a finished run; losses in the loss's unit, the rest as the keys say."""
    trainer, data, records = job.trainer, job.data, end.records
    dtype = np.dtype(job.spec.dtype)
    final = trainer.evaluate(end.state, data.inputs.astype(dtype), data.targets.astype(dtype))
    conductances = trainer.conductances(end.state)

    def score(inputs: np.ndarray, labels: np.ndarray) -> float | None:
        if not len(inputs):
            return None
        outputs = np.asarray(trainer.predict(conductances, inputs.astype(dtype)))
        return float(np.mean(job.data.encoding.decode(outputs) == labels))

    losses = [*np.asarray(records["loss"]).tolist(), float(final["loss"])]
    return {
        "name": job.spec.name,
        "min_loss": min(losses),
        "final_loss": losses[-1],
        "train_accuracy": score(data.inputs, data.labels),
        "test_accuracy": score(data.test_inputs, data.test_labels),
        "max_kcl_residual_ampere": float(np.max(records["kcl_residual"])),
        "max_kcl_residual_relative": float(np.max(records["kcl_relative"])),
        "diode_on_fraction": float(np.mean(records["diode_on_fraction"])),
        "clipped_fraction": float(np.mean(records["clipped_fraction"])),
        "nudge_response_volt": {
            "median": np.atleast_1d(final["nudge_median"]).tolist(),
            "max": np.atleast_1d(final["nudge_max"]).tolist(),
        },
        "write_energy_joule": float(np.sum(records["write_energy"])),
        "epochs": end.epoch,
        "wall_seconds": end.seconds,
    }


def model_arrays(job: Job, state: Any) -> dict[str, np.ndarray]:
    """What prediction needs: conductances (S) of each crossbar, and the encoding as JSON."""
    arrays = {
        f"crossbar_{k + 1}": np.asarray(g) for k, g in enumerate(job.trainer.conductances(state))
    }
    arrays["encoding"] = np.asarray(json.dumps(job.data.encoding.to_dict()))
    return arrays


def load_model(folder: str | Path) -> tuple[Any, tuple[np.ndarray, ...], Encoding]:
    """Return spec, conductances and encoding of the finished run in `folder`."""
    folder = Path(folder)
    path = folder / "conductances.npz"
    if not path.is_file() or not (folder / "spec.yaml").is_file():
        raise BadInput(f"{folder}: no finished run here (conductances.npz or spec.yaml is missing)")
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {key: file[key] for key in file.files}
        encoding = Encoding.from_dict(json.loads(str(stored.pop("encoding"))))
        conductances = tuple(stored[f"crossbar_{k + 1}"] for k in range(len(stored)))
    except Exception as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    return load_spec(folder / "spec.yaml").spec, conductances, encoding


def predict(folder: str | Path, csv: str | Path) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Apply the trained network in `folder` to the rows of `csv`.

    Returns the predicted class of each row, the outputs (V) [n, k] and the class names.
    """
    spec, conductances, encoding = load_model(folder)
    inputs = encoding.encode(read_features(csv, encoding))
    y = _outputs(spec, conductances, inputs, encoding.outputs)
    names = encoding.class_names
    return [names[k] for k in encoding.decode(y)], y, names


@in_own_precision
def _outputs(
    spec: Spec, conductances: tuple[np.ndarray, ...], inputs: np.ndarray, outputs: int
) -> np.ndarray:
    network = make_network(spec, inputs.shape[1], outputs)
    x = jnp.asarray(inputs.astype(np.dtype(spec.dtype)))
    settled = solve(network, tuple(map(jnp.asarray, conductances)), x)
    raise_if_failed(settled.certificate)
    return np.asarray(network.predict(settled.voltages[-1]))
