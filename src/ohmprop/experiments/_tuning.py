"""The `tune` section of a spec: keys and the ranges a search may choose their values from."""

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ohmprop import __version__
from ohmprop._core import BadInput, nearest
from ohmprop.experiments._load import assignments, change, read_source, refusal
from ohmprop.experiments._quantity import read_quantity
from ohmprop.experiments._spec import Spec
from ohmprop.experiments._sweep._axes import unit_of
from ohmprop.experiments._sweep._cells import Refused, Sweep

if TYPE_CHECKING:
    import optuna

_FORMS = ("log", "linear", "whole", "choices")


class Range(NamedTuple):
    """The values a dotted key may take: between two `ends` in `unit`, or one of the `ends`."""

    key: str
    form: str
    ends: tuple[Any, ...]
    unit: str = ""

    def suggest(self, trial: "optuna.Trial") -> Any:
        """Let `trial` choose; returns what it stores."""
        if self.form == "choices":
            return trial.suggest_categorical(self.key, [json.dumps(v) for v in self.ends])
        low, high = self.ends
        if self.form == "whole":
            return trial.suggest_int(self.key, low, high)
        return trial.suggest_float(self.key, low, high, log=self.form == "log")

    def value(self, stored: Any) -> Any:
        """The value in the spec of what a trial has stored."""
        if self.form == "choices":
            return json.loads(stored)
        return f"{stored!r} {self.unit}" if self.unit else stored

    @property
    def extremes(self) -> list[Any]:
        """Values in the spec at the ends."""
        return list(self.ends) if self.form == "choices" else [self.value(end) for end in self.ends]


class Tuning:
    """A base spec and the ranges of the keys in its `tune` section.

    The section maps a dotted key of the spec to one of

        {log: [1 nS, 1 mS]}        between two positive ends, evenly in the logarithm
        {linear: [0.1, 0.9]}       between two ends
        {whole: [2, 20]}           whole numbers, both ends included
        {choices: [adam, sgd]}     one of a list

    Raises BadInput where the section is wrong, and where an end of a range is refused by the spec
    whatever the ends of the others.
    """

    def __init__(self, raw: dict[str, Any], folder: Path) -> None:
        self.base, self.folder = dict(raw), folder
        if "sweep" in raw:
            raise BadInput("sweep: a search has no sweep; remove this section or 'tune'")
        self.ranges = read_ranges(self.base.pop("tune", None))
        self.name = str(raw.get("name", "run"))
        self.spec = self._possible()

    @property
    def identity(self) -> str:
        """Hash of the base spec and of the ranges: what a continued search must share."""
        text = json.dumps([__version__, self.base, self.ranges], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def sweep(self, points: list[dict[str, Any]], seeds: int = 1) -> Sweep:
        """One run for each of `points` and each seed, that of the spec and those after it."""
        keys = {r.key: [point[r.key] for point in points] for r in self.ranges}
        axes: dict[str, Any] = {"trial": {"zip": keys}}
        if seeds > 1:
            axes["seed"] = {"count": seeds, "first": self.spec.seed}
        return Sweep(copy.deepcopy(self.base) | {"sweep": axes}, self.folder)

    def _possible(self) -> Spec:
        """The spec at some ends; raises BadInput for an end at which there is none."""
        base = refusal(self.base, self.folder)
        corners = [{r.key: r.extremes[k] for r in self.ranges} for k in (0, -1)]
        found = None
        for r in self.ranges:
            for end in r.extremes:
                specs = [self.sweep([corner | {r.key: end}]).spec(0) for corner in corners]
                good = [spec for spec in specs if not isinstance(spec, Refused)]
                found = found or next(iter(good), None)
                if not good:
                    reason = next(spec.reason for spec in specs if isinstance(spec, Refused))
                    raise BadInput(
                        reason if reason == base else f"tune.{r.key}, value {end!r}: {reason}"
                    )
        assert found is not None
        return found


def load_tuning(
    source: str | Path | dict[str, Any], sets: list[str] | None = None, seed: int | None = None
) -> Tuning:
    """The search in a YAML or JSON file or a table; `sets` and `seed` change the base spec."""
    raw, _, folder, _ = read_source(source)
    change(raw, assignments(sets, seed))
    return Tuning(raw, folder)


def read_ranges(section: Any) -> tuple[Range, ...]:
    """The ranges in a `tune` section; raises BadInput with the key at fault."""
    if not isinstance(section, Mapping) or not section:
        found = "no such section" if section is None else repr(section)
        raise BadInput(
            "tune: expected a table of ranges, such as "
            f"{{learning.rates: {{log: [1e-9, 1e-6]}}}}, found {found}"
        )
    return tuple(_range(str(key), value) for key, value in section.items())


def _range(key: str, table: Any) -> Range:
    where = f"tune.{key}"
    if not isinstance(table, Mapping) or len(table) != 1:
        raise BadInput(
            f"{where}: expected one of {', '.join(_FORMS)}, such as {{log: [1e-9, 1e-6]}}, "
            f"found {table!r}"
        )
    form, ends = next(iter(table.items()))
    if form not in _FORMS:
        raise BadInput(f"{where}: unknown form {str(form)!r}.{nearest(str(form), _FORMS)}")
    if form == "choices":
        texts = [json.dumps(v) for v in ends] if isinstance(ends, list) else []
        if len(texts) < 2 or len(set(texts)) < len(texts):
            raise BadInput(f"{where}.choices: expected two different values or more, found {ends}")
        return Range(key, form, tuple(ends))
    if not isinstance(ends, list) or len(ends) != 2:
        raise BadInput(f"{where}.{form}: expected its two ends, [from, to], found {ends!r}")
    if form == "whole" and not all(isinstance(e, int) and not isinstance(e, bool) for e in ends):
        raise BadInput(f"{where}.whole: expected whole numbers, found {ends!r}")
    unit = unit_of(ends[0])
    try:
        low, high = ends if form == "whole" else [read_quantity(end, unit) for end in ends]
    except ValueError as error:
        raise BadInput(f"{where}.{form}: {error}") from None
    if not low < high:
        raise BadInput(f"{where}.{form}: expected the lower end first, found {ends!r}")
    if form == "log" and not low > 0:
        raise BadInput(f"{where}.log: expected positive ends, found {ends!r}")
    return Range(key, form, (low, high), unit)
