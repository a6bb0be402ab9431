"""Where raw features and labels come from: packaged files, truth tables, scikit-learn, CSV."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from .._core import BadInput, nearest
from ._csv import read_table


@dataclass(frozen=True)
class Raw:
    """Features [n, f] in their own units and labels [n]; `one_hot` is the default coding."""

    features: NDArray[np.float64]
    labels: NDArray[np.int64]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    one_hot: bool = True
    binary_code: bool = False  # whether the labels' bits mean something for more than two classes


@cache
def _packaged(name: str) -> Raw:
    text = files("ohmprop.data").joinpath("files", f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = (line.split(",") for line in text.splitlines())
    cells = np.array(rows)
    classes = list(dict.fromkeys(cells[:, -1].tolist()))
    labels = np.array([classes.index(name) for name in cells[:, -1].tolist()], dtype=np.int64)
    return Raw(cells[:, :-1].astype(np.float64), labels, tuple(header[:-1]), tuple(classes))


def _iris() -> Raw:
    """Iris: 150 x 4, three classes (Fisher 1936, doi 10.24432/C56C76)."""
    return _packaged("iris")


def _breast_cancer() -> Raw:
    """Breast Cancer Wisconsin: 569 x 30, two classes (Wolberg 1993, doi 10.24432/C5DW2B)."""
    return _packaged("breast_cancer")


def _bits(count: int) -> NDArray[np.int64]:
    return (np.arange(2**count)[:, None] >> np.arange(count)[::-1]) & 1


def _xor() -> Raw:
    """Exclusive or: a, b -> a XOR b, by default one output."""
    bits = _bits(2)
    return Raw(bits.astype(float), bits[:, 0] ^ bits[:, 1], ("a", "b"), ("0", "1"), one_hot=False)


def _full_adder() -> Raw:
    """One-bit full adder: a + b + cin = sum + 2 carry, by default the outputs sum and carry."""
    bits = _bits(3)
    names = ("0", "1", "2", "3")
    return Raw(bits.astype(float), bits.sum(axis=1), ("a", "b", "cin"), names, False, True)


def _digits() -> Raw:
    """Digits: 1797 x 64 pixels in 0..16, ten classes (scikit-learn's `load_digits`)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise BadInput("digits needs scikit-learn: pip install scikit-learn.") from None
    pixels, labels = load_digits(return_X_y=True)
    names = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    features = np.asarray(pixels, dtype=np.float64)
    return Raw(features, np.asarray(labels, dtype=np.int64), names, tuple("0123456789"))


_BUILT_IN: dict[str, Callable[[], Raw]] = {
    "iris": _iris,
    "breast_cancer": _breast_cancer,
    "xor": _xor,
    "full_adder": _full_adder,
    "digits": _digits,
}
NAMES: tuple[str, ...] = tuple(_BUILT_IN)
"""Names `load` knows; anything else must be a CSV file."""


def from_name(name: str) -> Raw | None:
    """The built-in dataset `name`, or None where it looks like a file; BadInput otherwise."""
    if name in _BUILT_IN:
        return _BUILT_IN[name]()
    if os.path.isfile(name) or os.path.dirname(name) or os.path.splitext(name)[1]:
        return None
    raise BadInput(f"unknown dataset {name!r}, and no such CSV file.{nearest(name, NAMES)}")


_MOST = 20  # classes that are taken for classes whatever they look like


def _classes(cells: list[str]) -> tuple[list[str], bool]:
    """The distinct labels, sorted, and whether they are numbers of which some are not whole."""
    try:
        classes = sorted(set(cells), key=float)
    except ValueError:
        return sorted(set(cells)), False
    return classes, not all(float(name).is_integer() for name in classes)


def from_csv(path: str | os.PathLike[str], target: str | None) -> Raw:
    """A CSV file: every column but `target` a numeric feature, `target`'s labels the classes.

    Classes are sorted, as numbers where all are numbers and as text otherwise.
    """
    table = read_table(path)
    if target is None:
        raise BadInput(
            f"{table.path}: target: name the column to predict. Columns: {', '.join(table.header)}."
        )
    place = table.column(target)
    names = [name for name in table.header if name != target]
    if not names:
        raise BadInput(f"{table.path}: no feature column besides the target {target!r}.")
    cells = [row[place] for row in table.rows]
    missing = [index for index, cell in enumerate(cells) if cell.lower() in ("", "nan")]
    table.refuse_missing(missing, f"empty or NaN target {target!r}")
    classes, fractional = _classes(cells)
    if len(classes) < 2:
        raise BadInput(
            f"{table.path}: target {target!r} has the one class {classes[0]!r}; "
            "learning needs at least two."
        )
    if len(classes) > (_MOST if fractional else max(_MOST, len(cells) // 2)):
        raise BadInput(
            f"{table.path}: target {target!r} has {len(classes)} different labels in {len(cells)} "
            "rows: a quantity rather than a class; choose another column or bin it."
        )
    number = {name: index for index, name in enumerate(classes)}
    labels = np.array([number[cell] for cell in cells], dtype=np.int64)
    return Raw(table.numbers(names), labels, tuple(names), tuple(classes))
