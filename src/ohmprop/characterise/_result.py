"""What a fit of a device model leaves: parameters with errors, statistics, curves."""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import devices
from ..devices import AbstractMemristor

PRECISION = 0.05  # half of a 95 % interval, relative: what counts as known
UNKNOWN = 0.5  # beyond this a quantity counts as not determined


class Fitted(NamedTuple):
    """One parameter after a fit, in its SI unit; `se` is its standard error, NaN where fixed.

    `doubt` says why the data do not determine it; empty where they do. `within` is two standard
    errors relative to the value, or to the span for a state; NaN where not known.
    """

    value: float
    unit: str
    se: float = math.nan
    doubt: str = ""
    within: float = math.nan

    @property
    def fixed(self) -> bool:
        """Whether it was given, not fitted."""
        return math.isnan(self.se)


@dataclass(frozen=True)
class FitResult:
    """A fitted device and how well it is known.

    Args:
        kind: what was fitted: "iv" or "pulses".
        model, params: the model and the parameter set whose options and fixed values were kept.
        options: structural options of the model (`window`).
        parameters: every parameter of the model.
        others: what was fitted beside them, such as the initial state `x0`.
        names, correlation: the fitted quantities and their correlation matrix [k, k].
        statistics: numbers by name: n, k, rms_log, rms_linear, aic, aicc, bic.
        curves: columns of equal length by name: data, model and what they are plotted against.
        how: how the fit was made: residual, floor, starts, evaluations, seconds, how it ended.
        notes: remarks for the user, one line each.
    """

    kind: str
    model: str
    params: str
    options: dict[str, str]
    parameters: dict[str, Fitted]
    others: dict[str, Fitted]
    names: tuple[str, ...]
    correlation: NDArray[np.float64]
    statistics: dict[str, float]
    curves: dict[str, NDArray[np.float64]]
    how: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    @property
    def unidentified(self) -> dict[str, str]:
        """What the data do not determine, and why."""
        every = self.parameters | self.others
        return {name: p.doubt for name, p in every.items() if p.doubt}

    @property
    def rough(self) -> dict[str, float]:
        """What the data determine, though not within 5 %: half the relative 95 % interval."""
        every = self.parameters | self.others
        return {k: p.within for k, p in every.items() if not p.doubt and p.within > PRECISION}

    def device(self) -> AbstractMemristor:
        """The fitted device."""
        values = {name: p.value for name, p in self.parameters.items()}
        return devices.make(self.model, self.params, **values, **self.options)

    def device_section(self) -> dict[str, Any]:
        """The `device` section of a spec, as plain numbers and text: what device.yaml holds."""
        values: dict[str, Any] = {name: float(p.value) for name, p in self.parameters.items()}
        first = {name: values.pop(name) for name in ("r_on", "r_off") if name in values}
        return {"model": self.model, "params": self.params, **first} | {
            "overrides": values | self.options
        }

    def record(self) -> dict[str, Any]:
        """Everything but the curves as numbers, text, lists and tables; None stands for NaN."""
        return {
            "kind": self.kind,
            "model": self.model,
            "params": self.params,
            "options": self.options,
            "parameters": {name: _plain(p) for name, p in self.parameters.items()},
            "others": {name: _plain(p) for name, p in self.others.items()},
            "unidentified": self.unidentified,
            "rough": self.rough,
            "correlation": {"names": list(self.names), "matrix": _finite(self.correlation)},
            "statistics": {name: _finite(value) for name, value in self.statistics.items()},
            "fit": self.how,
            "notes": list(self.notes),
        }


def _plain(p: Fitted) -> dict[str, Any]:
    return {
        "value": _finite(p.value),
        "unit": p.unit,
        "standard_error": _finite(p.se),
        "fixed": p.fixed,
        "doubt": p.doubt,
        "within": _finite(p.within),
    }


def _finite(value: Any) -> Any:
    """Floats for JSON, which knows neither NaN nor infinity."""
    if np.ndim(value):
        return [_finite(item) for item in value]
    return float(value) if math.isfinite(value) else None
