"""Datasets like those that sweeps leave, with numbers made up."""

from typing import Any

import numpy as np
import xarray as xr

NUMBERS = ("min_loss", "final_loss", "final_accuracy", "test_accuracy", "diode_on_fraction")
NUMBERS += ("clipped_fraction", "write_energy", "kcl_residual", "kcl_relative")
LABELS: dict[str, list[Any]] = {
    "modulation": ["pwm", "pam"],
    "dataset": ["iris", "breast_cancer"],
    "hidden": ["large", "medium", "small"],
    "r_off": [500.0, 1e3, 1e4, 1e5],
    "model": ["linear", "linear_ion_drift", "joglekar", "biolek", "vteam", "yakopcic", "mms"],
}


def dataset_of(labels: dict[str, Any], epochs: int = 3) -> xr.Dataset:
    """Every number 1, every text empty, over `labels`; histories over `epochs` besides."""
    coordinates = {
        name: np.asarray(values, dtype=object if isinstance(values[0], str) else None)
        for name, values in labels.items()
    }
    shape = tuple(map(len, labels.values()))
    variables: dict[str, Any] = {name: (tuple(labels), np.ones(shape)) for name in NUMBERS}
    for name in ("failure", "spec"):
        variables[name] = (tuple(labels), np.full(shape, "", dtype=object))
    for name in ("loss", "accuracy"):
        variables[name] = ((*labels, "epoch"), np.ones((*shape, epochs)))
    return xr.Dataset(variables, coordinates | {"epoch": np.arange(1, epochs + 1)})


def cells(**labels: Any) -> xr.Dataset:
    """Cells as `paper.arrange` leaves them: those of Figures 10 and 11, or of other `labels`."""
    data = dataset_of(LABELS | labels)
    size = {"iris": [10, 5, 2], "breast_cancer": [16, 10, 5]}
    many = [
        [size[name][LABELS["hidden"].index(h)] for h in data["hidden"].values]
        for name in data["dataset"].values
    ]
    return data.assign_coords(neurons=(("dataset", "hidden"), np.asarray(many)))
