"""Measured sweeps from CSV files: instrument exports, units in headers, one clear complaint."""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._core import BadInput, nearest

RATE = 0.12  # V/s, assumed where a file has no time column and no rate is given
_LEAST = 10  # points
_PREFIX = {"": 1, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
# Words for units, beside the SI's own symbols: factor and symbol.
_WORDS = {
    **dict.fromkeys(("volt", "volts"), (1.0, "V")),
    **dict.fromkeys(("amp", "amps", "ampere", "amperes"), (1.0, "A")),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), (1.0, "s")),
    **dict.fromkeys(("min", "minute", "minutes"), (60.0, "s")),
    **dict.fromkeys(("h", "hour", "hours"), (3600.0, "s")),
}
_LIKE_TIME = re.compile(r"time|stamp|elapsed|second|minute|hour|\bsec\b|\bmin\b", re.IGNORECASE)
_COMMENT = ("#", "%", "//", "!")
_TAIL = re.compile(r"^(.*?)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\]|/\s*([^/\s]+)|_([^_\W]+))$")


class Quantity(NamedTuple):
    """A column a measurement needs: the names it goes by, in lower case, and its SI unit."""

    names: frozenset[str]
    unit: str
    needed: bool = True


SWEEP: Mapping[str, Quantity] = {
    "V": Quantity(frozenset({"v", "voltage", "volt", "volts", "u", "bias", "vd"}), "V"),
    "I": Quantity(frozenset({"i", "current", "id", "amps", "amp"}), "A"),
    "t": Quantity(frozenset({"t", "time", "timestamp"}), "s", needed=False),
}


@dataclass(frozen=True)
class Sweep:
    """A measured I-V sweep: time t (s), voltage v (V) and current i (A), each [n]."""

    t: NDArray[np.float64]
    v: NDArray[np.float64]
    i: NDArray[np.float64]
    name: str = "sweep"
    notes: tuple[str, ...] = field(default=())


class _Table(NamedTuple):
    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]  # line number of each row in the file


def read_sweep(
    path: str | os.PathLike[str], columns: str | None = None, rate: float | None = None
) -> Sweep:
    """Read an I-V sweep from a CSV file.

    Columns are known by common names (V, Voltage, I, Current, t, Time, `Smu1.V[1][1]`) and
    converted by the unit in the header (`V (mV)`, `I [uA]`, `t_ms`). Commas, semicolons, tabs or
    blanks separate; lines that begin with #, %, // or ! are comments. Where there is no header,
    columns are called 1, 2, 3.

    Args:
        path: the file.
        columns: names of the columns of V, I and, where there is one, t: "V1,I1,Time".
        rate: V/s, gives the time of a file without a time column: t = sum |dv| / rate. 0.12 where
            None.

    Returns:
        The sweep, in SI units, with a note on an assumed rate.

    Raises:
        BadInput: no such file, no or several candidates for a column, cells that are no numbers,
            time that runs backwards, too few points.
    """
    path = Path(path)
    found = read_columns(path, SWEEP, columns)
    v, i, notes = found["V"], found["I"], ()
    if rate is not None and not rate > 0:
        raise BadInput(f"rate: expected a positive number in V/s, found {rate:g}")
    if "t" not in found:
        speed = RATE if rate is None else rate
        t = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(v)))]) / speed
        why = "assumed" if rate is None else "as given"
        notes = (f"{path.name} has no time column: swept at {speed:g} V/s ({why})",)
    else:
        t = found["t"] - found["t"][0]
        if rate is not None:
            notes = (f"{path.name} has a time column: the rate of {rate:g} V/s is not used",)
    if np.ptp(v) == 0:
        raise BadInput(f"{path}: the voltage is {v[0]:g} V throughout; expected a sweep")
    if not np.any(i):
        raise BadInput(f"{path}: the current is 0 A throughout; expected a measured device")
    if np.sum(v * i) < 0:
        raise BadInput(
            f"{path}: the current runs against the voltage, as if the device gave power; expected "
            "i > 0 where v > 0: turn the sign of one column"
        )
    return Sweep(t, v, i, path.name, notes)


def require_points(name: str, model: str, points: int, unknowns: Sequence[str]) -> None:
    """Refuse to fit as many unknowns as there are points, or more."""
    if points <= len(unknowns):
        raise BadInput(
            f"{name}: a fit of {model} has {len(unknowns)} unknowns ({', '.join(unknowns)}); "
            f"expected more points than that, found {points}. Hold some with --set, or fit a model "
            "of fewer"
        )


def read_columns(
    path: str | os.PathLike[str],
    wanted: Mapping[str, Quantity],
    columns: str | None = None,
    *,
    least: int = _LEAST,
    hint: str = "name them with --columns",
) -> dict[str, NDArray[np.float64]]:
    """The columns of a CSV file that `wanted` names, each [n] in its SI unit.

    `columns` names them in the order of `wanted`, separated by commas. A quantity not needed is
    left out where no column has it. A column called "t" must not decrease. `hint` is how a message
    asks for columns it cannot find. Raises BadInput, also for fewer than `least` lines.
    """
    table = _read_table(Path(path), least)
    places = _find(table, wanted, columns, hint)
    found = {}
    for key, place in places.items():
        values = np.array([_number(table, row, place) for row in range(len(table.rows))])
        found[key] = values * _factor(table, place, wanted[key])
    if "t" in found and np.any(back := np.diff(found["t"]) < 0):
        raise BadInput(
            f"{table.path}, line {table.lines[int(np.argmax(back)) + 1]}: time runs backwards in "
            f"column {table.header[places['t']]!r}; expected one measurement in the order of time"
        )
    if "t" in found and found["t"][-1] == found["t"][0]:
        raise BadInput(
            f"{table.path}: column {table.header[places['t']]!r} is the same in every row; "
            "expected time"
        )
    return found


def _read_table(path: Path, least: int = _LEAST) -> _Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8 CSV") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from None
    kept = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith(_COMMENT)
    ]
    if len(kept) < least:
        raise BadInput(
            f"{path}: expected a header and at least {least} rows of data, found {len(kept)} "
            "line(s) that are not comments"
        )
    delimiter = next((mark for mark in ";\t," if mark in kept[0][1]), None)
    rows = [(number, _cells(line, delimiter)) for number, line in kept]
    if delimiter == ";":  # where a comma is the decimal sign
        rows = [(number, [cell.replace(",", ".") for cell in row]) for number, row in rows]
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width:
            raise BadInput(
                f"{path}, line {number}: expected {width} cells as in the first line, found "
                f"{len(row)}"
            )
    header = (
        rows.pop(0)[1] if any(map(_is_text, rows[0][1])) else [str(k + 1) for k in range(width)]
    )
    return _Table(path, header, [row for _, row in rows], [number for number, _ in rows])


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells  # a delimiter at the end


def _is_text(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _find(
    table: _Table, wanted: Mapping[str, Quantity], columns: str | None, hint: str
) -> dict[str, int]:
    """Index of the column of each quantity."""
    order = ",".join(wanted)
    if columns is not None:
        names = [name.strip() for name in columns.split(",")]
        least = sum(quantity.needed for quantity in wanted.values())
        if not least <= len(names) <= len(wanted):
            raise BadInput(
                f"--columns {columns}: expected the names of {least} to {len(wanted)} columns, "
                f"{order}, found {len(names)}"
            )
        if len(set(names)) < len(names):
            raise BadInput(f"--columns {columns}: expected different columns, {order}")
        for name in names:
            if name not in table.header:
                raise BadInput(f"{table.path}: no column {name!r}.{nearest(name, table.header)}")
            if table.header.count(name) > 1:
                raise BadInput(f"{table.path}: several columns are called {name!r}; rename them")
        return {key: table.header.index(name) for key, name in zip(wanted, names, strict=False)}
    places = {}
    for key, quantity in wanted.items():
        matching = [k for k, cell in enumerate(table.header) if _base(cell) in quantity.names]
        if len(matching) == 1:
            places[key] = matching[0]
            continue
        alike = [k for k, cell in enumerate(table.header) if _LIKE_TIME.search(cell)]
        unsure = key == "t" and bool(alike)  # a time that is overlooked would be made up
        if matching or quantity.needed or unsure:
            which = "several columns" if matching else "no column"
            candidates = [table.header[k] for k in matching or alike * unsure] or table.header
            raise BadInput(
                f"{table.path}: {which} may be {key} ({quantity.unit}): {hint} "
                f"{order}. Candidates: {', '.join(candidates)}"
            )
    return places


def _split(cell: str) -> tuple[str, str]:
    """A header's name and unit: ("V", "mV") of "V (mV)"; indices such as [1][1] are dropped."""
    cell = re.sub(r"(\[\d+\])+$", "", cell.strip().strip('"'))
    match = _TAIL.match(cell)
    unit = next((part for part in match.groups()[1:] if part is not None), "") if match else ""
    known = unit.lower() in _WORDS or re.fullmatch(r"[fpnuµμmkM]?(V|A|s|S|ohm|Ω)", unit)
    if match is None or not known:
        return cell, ""
    return match.group(1).strip(), unit.strip()


def _base(cell: str) -> str:
    """A header's name without unit, instrument, index and number, in lower case."""
    name = _split(cell)[0].rpartition(".")[2].lower()
    return re.sub(r"[\s_]*\d*$", "", name)


def _factor(table: _Table, place: int, quantity: Quantity) -> float:
    """What turns the column's numbers into the quantity's SI unit."""
    unit = re.sub(r"[µμ]", "u", _split(table.header[place])[1])
    factor, unit = _WORDS.get(unit.lower(), (1.0, unit.replace("Ω", "ohm")))
    if not unit or not quantity.unit:
        return 1.0
    prefix = unit.removesuffix(quantity.unit)
    if prefix == unit or prefix not in _PREFIX:
        raise BadInput(
            f"{table.path}: column {table.header[place]!r}: expected a unit of {quantity.unit}, "
            f"found {unit}"
        )
    return factor * float(_PREFIX[prefix])


def _number(table: _Table, row: int, place: int) -> float:
    cell = table.rows[row][place]
    value = np.nan if _is_text(cell) or "_" in cell else float(cell)
    if not np.isfinite(value):
        raise BadInput(
            f"{table.path}, line {table.lines[row]}, column {table.header[place]!r}: expected a "
            f"finite number, found {cell!r}"
        )
    return value
