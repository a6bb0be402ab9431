"""`load`: from a name or a file to volts."""

import os
import warnings
from numbers import Integral

import numpy as np

from .._core import BadInput
from ._dataset import Dataset, split
from ._encoding import Encoding
from ._sources import Raw, from_csv, from_name


def load(
    source: str | os.PathLike[str],
    *,
    target: str | None = None,
    rows: int | None = None,
    scale: float = 0.5,
    rounding: float | None = 0.01,
    target_shift: float = -0.5,
    one_hot: bool | None = None,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """A dataset encoded into volts.

    x = round(scale (X s + m)), s = 2/(max - min), m = -1 - min s, with the extrema of each feature
    over *all* rows of the source, before `rows` and before the split, as in the seed paper's code.

    Args:
        source: a name in `NAMES`, or a CSV file with a header row and numeric features.
        target: the CSV column holding the class labels (any text); for CSV files only.
        rows: use only the first so many rows; None for all. The seed uses 105 for Iris and 398
            for Breast Cancer.
        scale: inputs span [-scale, scale], V.
        rounding: step the inputs are rounded to, V; None for none.
        target_shift: added to the targets' 0 and 1, V.
        one_hot: one output a class; False codes two classes in one output. None takes the
            dataset's own way: False for `xor` and `full_adder` (sum and carry), otherwise True.
        test_fraction: share of the rows held out, stratified by class; 0 for no split.
        seed: of the split's shuffle.

    Returns: a `Dataset`. Raises BadInput for an unknown name, a bad file or a bad argument. Warns
    of the constant features of a CSV file, which map to 0 V.

    >>> data = load("xor")
    >>> data.inputs.tolist(), data.targets.ravel().tolist()
    ([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]], [-0.5, 0.5, 0.5, -0.5])
    """
    name = os.fspath(source)
    raw = from_name(name) if isinstance(source, str) else None
    is_file = raw is None
    if raw is None:
        raw = from_csv(source, target)
    elif target is not None:
        raise BadInput(f"target: only for CSV files; the dataset {name!r} has its own. Remove it.")
    coding = _coding(raw, one_hot, name)
    used = _used(rows, raw.labels.size)
    encoding = Encoding(
        minimum=tuple(raw.features.min(axis=0).tolist()),
        maximum=tuple(raw.features.max(axis=0).tolist()),
        feature_names=raw.feature_names,
        class_names=raw.class_names,
        scale=scale,
        rounding=rounding,
        target_shift=target_shift,
        one_hot=coding,
    )
    _note_constants(encoding, name, warn=is_file)
    return _encoded(name, raw, encoding, used, test_fraction, seed)


def _coding(raw: Raw, one_hot: bool | None, name: str) -> bool:
    """Whether one output a class: as asked, else the dataset's own way."""
    wanted = raw.one_hot if one_hot is None else one_hot
    classes = len(raw.class_names)
    if not wanted and classes > 2 and not raw.binary_code:
        raise BadInput(
            f"one_hot: False needs two classes, and {name!r} has {classes}; leave it True."
        )
    return wanted


def _used(rows: int | None, total: int) -> int:
    """How many of the `total` rows to use."""
    used = total if rows is None else rows
    if isinstance(used, bool) or not isinstance(used, Integral) or not 1 <= used <= total:
        raise BadInput(f"rows: expected a whole number from 1 to {total}, found {rows!r}.")
    return int(used)


def _note_constants(encoding: Encoding, name: str, *, warn: bool) -> None:
    """Refuse data without any feature that varies; with `warn`, tell of those that do not."""
    if len(encoding.constant) == len(encoding.feature_names):
        raise BadInput(f"{name}: every feature is constant; there is nothing to learn from.")
    if warn and encoding.constant:
        warnings.warn(
            f"{name}: constant feature column(s) {', '.join(encoding.constant)}: mapped to 0 V; "
            "remove them to save crossbar rows.",
            stacklevel=3,  # the caller of `load`
        )


def _encoded(
    name: str, raw: Raw, encoding: Encoding, used: int, test_fraction: float, seed: int
) -> Dataset:
    """The first `used` rows in volts, divided into training and test rows."""
    labels = raw.labels[:used].astype(np.int64)
    train, test = split(labels, test_fraction, seed)
    inputs, targets = encoding.encode(raw.features[:used]), encoding.targets(labels)
    return Dataset(
        name=name,
        inputs=inputs[train],
        targets=targets[train],
        labels=labels[train],
        test_inputs=inputs[test],
        test_targets=targets[test],
        test_labels=labels[test],
        rows=train,
        test_rows=test,
        encoding=encoding,
    )
