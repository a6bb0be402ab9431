"""The `sweep` section of a spec: named axes, each a list of values for one key or for several."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ohmprop._core import BadInput, nearest
from ohmprop.experiments._quantity import is_number, read_quantity

_FORMS = ("values", "linear", "log", "count", "times", "zip")
_KEYS = (*_FORMS, "key", "points", "first", "labels", "tuned")
RESERVED = (  # names in the dataset
    *("epoch", "cell", "loss", "accuracy", "min_loss", "final_loss", "final_accuracy"),
    *("test_accuracy", "diode_on_fraction", "clipped_fraction", "write_energy"),
    *("kcl_residual", "kcl_relative", "failure", "spec"),
)


class Times(NamedTuple):
    """The value of a key is this many times what it was."""

    factor: float


class Axis(NamedTuple):
    """One dimension of a sweep: at point i, `keys[k]` has the value `values[i][k]`, or is `Times`.

    The key `spec` stands for a whole spec, by name. `labels` name the points where the values
    themselves do not serve. A `tuned` axis is run like any other and then reduced to its best
    point.
    """

    name: str
    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    labels: tuple[Any, ...] | None = None
    tuned: bool = False


def read_axes(section: Any) -> tuple[Axis, ...]:
    """The axes of a `sweep` section; raises BadInput with the axis at fault.

    The section maps a dotted key of the spec, or a name, to one of

        [500 ohm, 1 kOhm]                          the values
        {values: [...], labels: [...]}             the same, its points named
        {linear: [1, 8], points: 8}                equal steps, both ends included
        {log: [500 ohm, 100 kOhm], points: 4}      equal ratios
        {count: 10, first: 0}                      whole numbers: seeds
        {times: [0.1, 1, 10]}                      what the spec says, times these
        {zip: {key: [...], key: [...]}}            several keys that change together

    The key `spec` takes names of built-in specs or of files: the other sections of this spec are
    laid over each, and the dataset calls the axis `base`. `key: ...` gives the key of an axis that
    has a name of its own; `tuned: true` keeps only the best point of the axis, by the least mean
    loss.
    """
    if not isinstance(section, Mapping) or not section:
        raise BadInput(
            "sweep: expected a table of axes, such as {device.r_off: [1 kOhm, 10 kOhm]}, "
            f"found {section!r}"
        )
    short = [short_name(str(key)) for key in section]
    axes = tuple(
        _axis(str(key), value, last if short.count(last) == 1 else str(key).replace(".", "_"))
        for (key, value), last in zip(section.items(), short, strict=True)
    )
    _require_distinct(axes)
    return axes


def short_name(key: str) -> str:
    """The last part of a dotted key, where nothing else in the dataset has that name."""
    if key == "spec":
        return "base"
    last = key.rpartition(".")[2]
    return key.replace(".", "_") if last in RESERVED else last


def _axis(written: str, value: Any, name: str) -> Axis:
    where = f"sweep.{written}"
    table = value if isinstance(value, Mapping) else {"values": value}
    for key in table:
        if key not in _KEYS:
            raise BadInput(f"{where}: unknown key {str(key)!r}.{nearest(str(key), _KEYS)}")
    forms = [form for form in _FORMS if form in table]
    if len(forms) != 1:
        raise BadInput(f"{where}: expected exactly one of {', '.join(_FORMS)}, found {value!r}")
    form = forms[0]
    if form == "zip":
        keys, values = _zipped(table["zip"], where)
    else:
        keys = (str(table.get("key", written)),)
        values = tuple((v,) for v in _READ[form](table, where))
    if not values:
        raise BadInput(f"{where}: expected at least one value, found none")
    point, times = Counter(map(repr, values)).most_common(1)[0]
    if form != "zip" and times > 1:
        raise BadInput(f"{where}: the value {point.strip('(),')} comes {times} times")
    tuned = table.get("tuned", False)
    if not isinstance(tuned, bool):
        raise BadInput(f"{where}.tuned: expected true or false, found {tuned!r}")
    return Axis(name, keys, values, _labels(table, len(values), where), tuned)


def _listed(table: Mapping[str, Any], where: str) -> list[Any]:
    if not isinstance(table["values"], list):
        raise BadInput(f"{where}: expected a list of values, found {table['values']!r}")
    return table["values"]


def _range(table: Mapping[str, Any], where: str) -> list[Any]:
    """Numbers, or texts in the first end's unit, from one end to the other."""
    form = "log" if "log" in table else "linear"
    ends, points = table[form], _whole(table, "points", 2, where)
    if not isinstance(ends, list) or len(ends) != 2:
        raise BadInput(f"{where}.{form}: expected its two ends, [from, to], found {ends!r}")
    unit = unit_of(ends[0])
    try:
        low, high = (read_quantity(end, unit) for end in ends)
    except ValueError as error:
        raise BadInput(f"{where}.{form}: {error}") from None
    if form == "log" and not low * high > 0:
        raise BadInput(f"{where}.log: expected ends of one sign, found {ends!r}")
    space = np.geomspace if form == "log" else np.linspace
    numbers = [float(f"{v:.12g}") for v in space(low, high, points)]  # 0.30000000000000004 is 0.3
    return [f"{v!r} {unit}" for v in numbers] if unit else numbers


def unit_of(text: Any) -> str:
    """What follows the number in a text such as `10 kOhm`."""
    if not isinstance(text, str) or is_number(text):
        return ""
    if text[:1] not in "+-.0123456789":
        return ""
    unit = text.strip().lstrip("+-.0123456789_eE").strip()
    return unit.replace("Ω", "ohm").replace("Ohm", "ohm")


def _counted(table: Mapping[str, Any], where: str) -> list[int]:
    first = _whole(table, "first", 0, where) if "first" in table else 0
    return list(range(first, first + _whole(table, "count", 1, where)))


def _whole(table: Mapping[str, Any], key: str, least: int, where: str) -> int:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        found = "nothing" if value is None else repr(value)
        raise BadInput(f"{where}.{key}: expected a whole number of at least {least}, found {found}")
    return value


def _factors(table: Mapping[str, Any], where: str) -> list[Times]:
    factors = table["times"]
    if not isinstance(factors, list):
        raise BadInput(f"{where}.times: expected a list of factors, found {factors!r}")
    try:
        return [Times(read_quantity(factor, "")) for factor in factors]
    except ValueError as error:
        raise BadInput(f"{where}.times: {error}") from None


_READ = {
    "values": _listed,
    "linear": _range,
    "log": _range,
    "count": _counted,
    "times": _factors,
}


def _zipped(table: Any, where: str) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    if not isinstance(table, Mapping) or not table:
        raise BadInput(f"{where}.zip: expected a table of keys and lists, found {table!r}")
    for key, values in table.items():
        if not isinstance(values, list):
            raise BadInput(f"{where}.zip.{key}: expected a list of values, found {values!r}")
    lengths = {str(key): len(values) for key, values in table.items()}
    if len(set(lengths.values())) != 1:
        shown = ", ".join(f"{key} {n}" for key, n in lengths.items())
        raise BadInput(f"{where}.zip: expected lists of one length, found {shown}")
    return tuple(lengths), tuple(zip(*table.values(), strict=True))


def _labels(table: Mapping[str, Any], points: int, where: str) -> tuple[Any, ...] | None:
    labels = table.get("labels")
    if labels is None:
        return None
    if not isinstance(labels, list) or len(labels) != points or len(set(map(str, labels))) < points:
        raise BadInput(f"{where}.labels: expected {points} different labels, found {labels!r}")
    return tuple(labels)


def _require_distinct(axes: tuple[Axis, ...]) -> None:
    """Refuse a key or a name that two axes claim; factors multiply what another axis gives."""
    given = [axis for axis in axes if not isinstance(axis.values[0][0], Times)]
    for what, found in (
        ("key", [key for axis in given for key in axis.keys]),
        ("name", [axis.name for axis in axes]),
    ):
        twice = sorted({item for item in found if found.count(item) > 1})
        if twice:
            raise BadInput(f"sweep: the {what} {twice[0]!r} belongs to two axes; zip them")
    for axis in axes:
        if axis.name in RESERVED or not axis.name.replace("_", "a").isalnum():
            raise BadInput(f"sweep: an axis cannot be called {axis.name!r}; give it another name")
