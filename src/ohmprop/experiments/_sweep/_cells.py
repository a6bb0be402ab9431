"""A sweep and its cells: a base spec, axes, and the spec of every combination of their points."""

import copy
import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ohmprop._core import BadInput
from ohmprop.experiments._load import assignments, change, located, read_source, refusal, resolve
from ohmprop.experiments._quantity import read_quantity
from ohmprop.experiments._spec import Spec
from ohmprop.experiments._sweep._axes import Axis, Times, read_axes, short_name, unit_of


class Refused(NamedTuple):
    """Why a cell has no spec."""

    reason: str


class Sweep:
    """Cells in the order of their axes, the last one fastest.

    Args:
        raw: the spec's table, with its `sweep` section.
        folder: what the relative paths in it count from.
    """

    def __init__(self, raw: dict[str, Any], folder: Path) -> None:
        base = dict(raw)
        if "sweep" not in base:
            raise BadInput(
                "sweep: this spec has no such section; add one, such as "
                "'sweep: {device.r_off: [1 kOhm, 10 kOhm], seed: {count: 10}}'"
            )
        self.raw, self.folder = raw, folder
        self.axes = read_axes(base.pop("sweep"))
        self.base = base
        self.name = str(base.get("name", "sweep"))
        self.shape = tuple(len(axis.values) for axis in self.axes)
        self._sources: dict[str, dict[str, Any]] = {}

    @property
    def text(self) -> str:
        """The sweep as JSON, which `from_text` reads back."""
        return json.dumps({"raw": self.raw, "folder": str(self.folder)}, sort_keys=False)

    @classmethod
    def from_text(cls, text: str) -> "Sweep":
        """The sweep that `text` was made of."""
        stored = json.loads(text)
        return cls(stored["raw"], Path(stored["folder"]))

    def __len__(self) -> int:
        return int(np.prod(self.shape))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the base spec and the axes."""
        return hashlib.sha256(json.dumps(self.raw, sort_keys=False).encode()).hexdigest()

    def points(self, cell: int) -> tuple[int, ...]:
        """The point on every axis."""
        return tuple(int(k) for k in np.unravel_index(cell, self.shape))

    def spec(self, cell: int) -> Spec | Refused:
        """The validated spec of `cell`, or why there is none."""
        changes = [
            pair
            for axis, k in zip(self.axes, self.points(cell), strict=True)
            for pair in zip(axis.keys, map(_copied, axis.values[k]), strict=True)
        ]
        source = next((value for key, value in changes if key == "spec"), None)
        changes = [(key, value) for key, value in changes if key != "spec"]
        try:
            raw = _copied(self.base) if source is None else self._over(source)
            change(raw, [pair for pair in changes if not isinstance(pair[1], Times)])
            for key, value in changes:
                if isinstance(value, Times):
                    change(raw, [(key, _multiplied(raw, key, value.factor))])
            return resolve(raw, self.folder)
        except BadInput as error:
            return Refused(str(error))

    def _over(self, source: Any) -> dict[str, Any]:
        """The spec called `source`, with the base laid over it."""
        if not isinstance(source, str):
            raise BadInput(f"spec: expected the name of a spec, found {source!r}")
        if source not in self._sources:
            beside = self.folder / source
            raw, _, folder, _ = read_source(beside if beside.is_file() else source)
            for section in ("sweep", "tune"):
                if section in raw:
                    raise BadInput(
                        f"spec {source}: expected the spec of one run, found a {section}"
                    )
            self._sources[source] = located(raw, folder)
        base = {key: value for key, value in self.base.items() if key != "name"}
        return _laid_over(_copied(self._sources[source]), _copied(base))


def _copied(node: Any) -> Any:
    """A copy of a table as YAML has them: `copy.deepcopy` is half of a plan's time."""
    if isinstance(node, dict):
        return {key: _copied(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_copied(value) for value in node]
    plain = node is None or isinstance(node, (str, int, float, Times))
    return node if plain else copy.deepcopy(node)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are joined, anything else of `above` replaces what is below."""
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            value = _laid_over(under, value)
        below[key] = value
    return below


def _multiplied(raw: dict[str, Any], key: str, factor: float) -> Any:
    """`factor` times what `raw` has at the dotted `key`: a number, a text with a unit, a list."""
    node: Any = raw
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    many = isinstance(node, list)
    try:
        found = [_times(item, factor) for item in (node if many else [node])]
    except ValueError as error:
        raise BadInput(f"sweep.{key}.times: {error}") from None
    return found if many else found[0]


def _times(item: Any, factor: float) -> Any:
    unit = unit_of(item)
    number = factor * read_quantity(item, unit)
    return f"{number!r} {unit}" if unit else number


def load_sweep(
    source: str | Path | dict[str, Any], sets: list[str] | None = None, seed: int | None = None
) -> Sweep:
    """The sweep in a YAML or JSON file or a table; `sets` and `seed` change the base spec.

    Raises BadInput where the section is wrong, and where an axis has a value with which no cell
    can be: other cells that cannot be are left to the sweep, which marks them as failed.
    """
    raw, _, folder, _ = read_source(source)
    change(raw, assignments(sets, seed))
    sweep = Sweep(raw, folder)
    _require_possible(sweep)
    return sweep


def _require_possible(sweep: Sweep) -> None:
    """Refuse a value that no cell can have, by the first cell that has it, or that is there twice.

    What is wrong with the base spec itself is not laid to a value.
    """
    base = refusal(sweep.base, sweep.folder)
    for number, axis in enumerate(sweep.axes):
        for k in range(len(axis.values)):
            refused = sweep.spec(_first_at(sweep, number, k))
            if isinstance(refused, Refused) and _always(sweep, number, k):
                if refused.reason == base:
                    raise BadInput(base)
                shown = ", ".join(map(repr, axis.values[k])).replace("Times(factor=", "times (")
                raise BadInput(f"sweep.{axis.name}, value {k + 1} ({shown}): {refused.reason}")

        texts = any(isinstance(value, str) for value, *_ in axis.values)
        if texts and len(axis.keys) == 1 and axis.labels is None:
            values = axis_coordinate(sweep, axis)[axis.name]
            twice = next((v for k, v in enumerate(values) if v in values[:k]), None)
            if twice is not None:
                raise BadInput(
                    f"sweep.{axis.name}: {twice!r} is there twice, in two units or forms"
                )


def _first_at(sweep: Sweep, number: int, k: int) -> int:
    """The first cell at point `k` of axis `number`."""
    return k * int(np.prod(sweep.shape[number + 1 :]))


def _always(sweep: Sweep, number: int, k: int, tries: int = 200) -> bool:
    """Whether the cells at point `k` of an axis, or `tries` of them, have no spec."""
    cells = np.arange(len(sweep)).reshape(sweep.shape).take(k, axis=number).ravel()
    picks = cells[np.unique(np.linspace(0, cells.size - 1, tries).astype(int))]
    return all(isinstance(sweep.spec(int(cell)), Refused) for cell in picks)


def axis_coordinate(sweep: Sweep, axis: Axis) -> dict[str, list[Any]]:
    """Values of the dimension, and of the other keys of a zipped axis, as plain scalars in SI."""
    number = sweep.axes.index(axis)
    columns: dict[str, list[Any]] = {}
    for position, key in enumerate(axis.keys):
        values = []
        for k in range(len(axis.values)):
            spec = sweep.spec(_first_at(sweep, number, k))
            given = axis.values[k][position]
            if isinstance(given, Times):
                values.append(given.factor)
                continue
            values.append(_scalar(given if isinstance(spec, Refused) else _at(spec, key, given)))
        kinds = {type(v) for v in values}
        if len(kinds) > 1:
            values = [float(v) for v in values] if kinds <= {int, float} else list(map(str, values))
        name = short_name(key)
        taken = name in columns or name in (other.name for other in sweep.axes if other != axis)
        columns[key.replace(".", "_") if taken else name] = values
    first = next(iter(columns))
    if axis.labels is not None:
        return {axis.name: list(axis.labels)} | {k: v for k, v in columns.items() if k != axis.name}
    return {axis.name: columns.pop(first)} | columns


def _at(spec: Spec, key: str, given: Any) -> Any:
    """What the validated spec holds at a dotted key; else what was given."""
    node: Any = spec.model_dump(mode="json")
    for part in key.split("."):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return given
    return node


def _scalar(value: Any) -> Any:
    """A number or text that can label a point."""
    if isinstance(value, list) and len(value) == 1:
        return _scalar(value[0])
    if isinstance(value, bool) or value is None or isinstance(value, (list, dict)):
        return json.dumps(value)
    return value
