"""Reading CSV files: every complaint names the file, the row, the column and the cure."""

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._core import BadInput, nearest
from ._encoding import Encoding

_MISSING = {"", "nan", "na", "n/a", "null", "none", "?"}


@dataclass(frozen=True)
class Table:
    """A CSV file's cells as text; `lines` are the line numbers of the rows in the file."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> int:
        """Index of the column called `name`; BadInput with the nearest name otherwise."""
        if name not in self.header:
            raise BadInput(
                f"{self.path}: no column {name!r}.{nearest(name, self.header)}{self.header_hint}"
            )
        return self.header.index(name)

    @property
    def header_hint(self) -> str:
        """A suffix where the first row has numbers in it, so may not be a header at all."""
        numeric = any(cell.lstrip("+-").replace(".", "", 1).isdecimal() for cell in self.header)
        return " The first row must name the columns; add it if it is missing." if numeric else ""

    def where(self, index: int) -> str:
        """A data row in words: its number among the data rows and its line in the file."""
        return f"row {index + 1} (line {self.lines[index]})"

    def refuse_missing(self, bad: Sequence[int], what: str) -> None:
        """BadInput listing the rows in `bad`, if any, as having a `what`."""
        if bad:
            shown = ", ".join(self.where(index) for index in bad[:10])
            more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
            raise BadInput(
                f"{self.path}: {what} in {shown}{more}; fill these cells or remove the rows."
            )

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The named columns as a float64 matrix [n, len(names)], in the order of `names`."""
        columns = [self.column(name) for name in names]
        missing = [
            index
            for index, row in enumerate(self.rows)
            if any(row[column].lower() in _MISSING for column in columns)
        ]
        self.refuse_missing(missing, "empty or NaN feature")
        values = np.empty((len(self.rows), len(columns)))
        for index, row in enumerate(self.rows):
            for place, column in enumerate(columns):
                values[index, place] = self._number(index, row[column], names[place])
        return values

    def _number(self, index: int, cell: str, name: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or "_" in cell:
            raise BadInput(
                f"{self.path}: {self.where(index)}, column {name!r}: expected a finite number, "
                f"found {cell!r}; correct the cell or remove the column."
            )
        return value


def read_table(path: str | os.PathLike[str]) -> Table:
    """A CSV file with a header row, separated by commas (or semicolons or tabs throughout).

    Blank lines are skipped and cells stripped. Raises BadInput for a file that is missing,
    unreadable, empty, or has an unnamed or repeated column or rows of unequal length.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; check the path to the CSV file.") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8 CSV.") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}.") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in ",;\t" if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                numbers.append(reader.line_num)
    except csv.Error as error:
        raise BadInput(f"{path}: line {reader.line_num}: {error}.") from None
    if len(rows) < 2:
        raise BadInput(f"{path}: expected a header row and data rows, found {len(rows)} row(s).")
    table = Table(path, rows[0], rows[1:], numbers[1:])
    _check_shape(table)
    return table


def _check_shape(table: Table) -> None:
    header = table.header
    if "" in header:
        raise BadInput(
            f"{table.path}: column {header.index('') + 1} has no name in the header row; "
            "name it, or remove it if it only numbers the rows."
        )
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise BadInput(
            f"{table.path}: repeated column name(s) {', '.join(repeated)}; rename them."
            f"{table.header_hint}"
        )
    for index, row in enumerate(table.rows):
        if len(row) != len(header):
            raise BadInput(
                f"{table.path}: {table.where(index)}: expected {len(header)} cells "
                f"as in the header, found {len(row)}."
            )


def read_features(path: str | os.PathLike[str], encoding: Encoding) -> NDArray[np.float64]:
    """Raw features [n, f] of a CSV file, in the order and under the names of `encoding`.

    Columns are matched by name; others (a target, say) are ignored. Pass the result to
    `encoding.encode` for volts. Raises BadInput for a missing column, an empty cell or a cell
    that is not a finite number.
    """
    return read_table(path).numbers(encoding.feature_names)
