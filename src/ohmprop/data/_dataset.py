"""The encoded dataset and its division into training and test rows."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from .._core import BadInput
from ._encoding import Encoding


@dataclass(frozen=True)
class Dataset:
    """Rows as the circuit sees them: n training and t test rows, f features, k outputs.

    Attributes:
        name: dataset name, or the CSV file's path.
        inputs [n, f], targets [n, k]: V, float64.
        labels [n]: class numbers, int64, indices into `class_names`.
        test_inputs [t, f], test_targets [t, k], test_labels [t]: the held-out rows (t may be 0).
        rows [n], test_rows [t]: each row's index in the source, counted from 0.
        encoding: how new rows become volts, for prediction.
    """

    name: str
    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    labels: NDArray[np.int64]
    test_inputs: NDArray[np.float64]
    test_targets: NDArray[np.float64]
    test_labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    test_rows: NDArray[np.int64]
    encoding: Encoding

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the f input columns."""
        return self.encoding.feature_names

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; `labels` index them."""
        return self.encoding.class_names


def split(
    labels: NDArray[np.int64], test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and test row indices: a stratified shuffle by `np.random.default_rng(seed)`.

    round(test_fraction n) rows are held out, shared among the classes in proportion (largest
    remainders first), and each class keeps at least one training row. With test_fraction 0 all
    rows train, in their own order.
    """
    if not 0.0 <= test_fraction < 1.0:
        raise BadInput(f"test_fraction: expected a number in [0, 1), found {test_fraction!r}.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise BadInput(f"seed: expected a whole number from 0, found {seed!r}.")
    everything = np.arange(labels.size)
    if test_fraction == 0.0:
        return everything, everything[:0]
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    ideal = test_fraction * counts
    held = np.minimum(np.floor(ideal + 1e-9).astype(np.int64), counts - 1)
    total = round(test_fraction * labels.size)
    for index in np.argsort(held - ideal, kind="stable"):
        if held.sum() < total and held[index] < counts[index] - 1:
            held[index] += 1
    if held.sum() == 0:
        raise BadInput(
            f"test_fraction: {test_fraction:g} of {labels.size} rows in {classes.size} classes "
            "leaves no test row (each class keeps one row for training); "
            "use a larger fraction, more rows, or 0."
        )
    test = np.concatenate(
        [
            rng.permutation(np.flatnonzero(labels == value))[:count]
            for value, count in zip(classes, held, strict=True)
        ]
    )
    train = np.setdiff1d(everything, test)
    return rng.permutation(train), rng.permutation(test)
