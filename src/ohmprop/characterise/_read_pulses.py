"""Measured pulse responses from CSV files: a column a branch, or pulse numbers and conductance."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._core import BadInput
from ._read import Quantity, _base, _read_table, _split, read_columns

_LEAST = 5  # readings a branch
_MOST_SIEMENS = 0.1  # numbers without a unit that reach this are not siemens


def _named(unit: str, needed: bool, *names: str) -> Quantity:
    """A column that goes by `names`, also with the unit in full behind."""
    return Quantity(frozenset(names) | {f"{name}_siemens" for name in names}, unit, needed)


_UP = _named("S", False, "potentiation", "up", "ltp", "set", "g_up", "up_data")
_DOWN = _named("S", False, "depression", "down", "ltd", "reset", "g_down", "down_data")
_BRANCHES: Mapping[str, Quantity] = {"up": _UP, "down": _DOWN}
_SEQUENCE: Mapping[str, Quantity] = {
    "pulse": Quantity(frozenset({"pulse", "pulses", "n", "number"}), ""),
    "g": _named("S", True, "g", "conductance", "weight", "w"),
}


@dataclass(frozen=True)
class PulseData:
    """A measured pulse response: readings before the first and after each of identical pulses.

    `up` [n] was read under potentiating pulses, `down` [m] under depressing ones; either may be
    empty. In S where `siemens`, else normalised: linear in the conductance, scale unknown.
    """

    up: NDArray[np.float64]
    down: NDArray[np.float64]
    siemens: bool
    name: str = "pulses"
    notes: tuple[str, ...] = field(default=())

    @property
    def branches(self) -> dict[str, NDArray[np.float64]]:
        """The branches that were measured, by name."""
        both = {"potentiation": self.up, "depression": self.down}
        return {name: y for name, y in both.items() if len(y)}


def read_pulses(path: str | os.PathLike[str], columns: str | None = None) -> PulseData:
    """Read a pulse response from a CSV file.

    Three layouts are known: one or two columns without header, potentiation and depression; such
    columns by name (potentiation, up, LTP; depression, down, LTD); columns `pulse` and `g`, where
    a column `branch` (up or potentiation, down or depression) or a pulse number that starts again
    begins the depression. One branch alone is a potentiation where it rises.

    Conductances are in S where the header gives a unit (`g_siemens`, `up (uS)`), or where all are
    positive and below 0.1; else they are normalised.

    Args:
        path: the file.
        columns: names of the column or columns of potentiation and depression: "LTP1,LTD1".

    Returns:
        The data, with a note on what they were taken for.

    Raises:
        BadInput: no such file, columns that cannot be told, cells that are no numbers, too few
            readings or readings that are all the same.
    """
    path = Path(path)
    header = _read_table(path).header
    bases = [_base(cell) for cell in header]
    sequence = columns is None and any(base in _SEQUENCE["pulse"].names for base in bases)
    if sequence:
        up, down, used = _sequence(path, header, bases)
    else:
        up, down, used = _columns(path, header, bases, columns)
    unit = any(_split(header[k])[1] or "siemens" in header[k].lower() for k in used)
    every = np.concatenate([up, down])
    siemens = unit or bool(np.all(every > 0) and np.max(every) < _MOST_SIEMENS)
    return pulse_data(up, down, siemens, path.name)


def pulse_data(
    up: NDArray[np.float64], down: NDArray[np.float64], siemens: bool, name: str = "pulses"
) -> PulseData:
    """Readings of either branch, [n] and [m] (empty where not measured), checked and noted."""
    shown = {"potentiation": up, "depression": down}
    for branch, y in shown.items():
        if 0 < len(y) < _LEAST:
            raise BadInput(
                f"{name}: expected at least {_LEAST} readings of the {branch}, found {len(y)}"
            )
        if len(y) and np.ptp(y) == 0:
            raise BadInput(f"{name}: all readings of the {branch} are {y[0]:g}; expected a change")
    if not len(up) and not len(down):
        raise BadInput(f"{name}: expected readings of at least one branch, found none")
    if siemens and min(y.min() for y in shown.values() if len(y)) <= 0:
        raise BadInput(f"{name}: expected positive conductances in S, found some that are not")
    counts = " and ".join(f"{len(y)} readings of {b}" for b, y in shown.items() if len(y))
    meaning = "in S" if siemens else "normalised (no unit, and no plausible conductances in S)"
    return PulseData(up, down, siemens, name, (f"{name}: {counts}, {meaning}",))


def _columns(
    path: Path, header: list[str], bases: list[str], columns: str | None
) -> tuple[NDArray, NDArray, list[int]]:
    if columns is None and not any(
        base in quantity.names for base in bases for quantity in _BRANCHES.values()
    ):
        if len(header) > 2 or header != [str(k + 1) for k in range(len(header))]:
            raise BadInput(
                f"{path}: expected columns potentiation and depression, or pulse and g, or one or "
                f"two columns without header; found {', '.join(header)}. Name the columns of "
                "potentiation and depression with --columns; with an I-V sweep leave out --kind "
                "pulses"
            )
        columns = ",".join(header)
    found = read_columns(path, _BRANCHES, columns)
    if columns is None:
        used = [k for k, b in enumerate(bases) if any(b in q.names for q in _BRANCHES.values())]
    else:
        used = [header.index(name.strip()) for name in columns.split(",")]
    none = np.empty(0)
    if list(found) == ["up"] and columns is not None:  # one column, of either direction
        return *_by_direction(found["up"]), used
    return found.get("up", none), found.get("down", none), used


def _sequence(
    path: Path, header: list[str], bases: list[str]
) -> tuple[NDArray, NDArray, list[int]]:
    found = read_columns(path, _SEQUENCE)
    g, pulse = found["g"], found["pulse"]
    used = [k for k, base in enumerate(bases) if base in _SEQUENCE["g"].names]
    if "branch" in bases:
        table = _read_table(path)
        cells = [row[bases.index("branch")].lower() for row in table.rows]
        down = np.array([cell in _DOWN.names for cell in cells])
        for cell, line in zip(cells, table.lines, strict=True):
            if cell not in _UP.names | _DOWN.names | {"start"}:
                raise BadInput(
                    f"{path}, line {line}: expected potentiation or depression as branch, found "
                    f"{cell!r}"
                )
        first = int(np.argmax(down)) if down.any() else len(g)
        if not down[first:].all():
            raise BadInput(f"{path}: expected the potentiation first and then the depression")
        before = max(first - 1, 0)  # the last reading of one branch is the first of the other
        return g[:first], g[before:] if down.any() else g[:0], used
    back = np.flatnonzero(np.diff(pulse) <= 0) + 1
    if len(back) > 1:
        raise BadInput(
            f"{path}: the pulse number starts again {len(back)} times; expected one potentiation "
            "and one depression"
        )
    if len(back):
        return g[: back[0]], g[back[0] :], used
    return *_by_direction(g), used


def _by_direction(g: NDArray) -> tuple[NDArray, NDArray]:
    """One branch, as the potentiation where it rises and the depression where it falls."""
    part = max(len(g) // 10, 1)
    rises = np.mean(g[-part:]) >= np.mean(g[:part])
    return (g, g[:0]) if rises else (g[:0], g)
