"""From numbers and labels to volts, and back: the part of a dataset that a saved run keeps."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core import BadInput, nearest


@dataclass(frozen=True)
class Encoding:
    """How features become input volts and labels become target volts.

    x = round(scale (X s + m)) V with s = 2/(max - min) and m = -1 - min s, per feature, so the
    rows the extrema came from span [-scale, scale]. New rows beyond the extrema map beyond that
    range: nothing is clipped. A feature with min == max carries no information and maps to 0 V.
    Targets are a one-hot code (or, if not `one_hot`, the label's bits, lowest first) plus
    `target_shift`.

    Attributes:
        minimum, maximum: extrema of each feature, in the feature's own unit.
        scale: half the span of the inputs, V.
        rounding: step the inputs are rounded to, V (half to even); None for no rounding.
        feature_names, class_names: in the order of the columns and of the label numbers.
        target_shift: added to each target's 0 or 1, V.
        one_hot: one output a class, or one output a bit.

    Source: the public code (ebana-with-memristors) of Döll, Müller and Ulmann, "Learning Dynamics
    in Memristor-Based Equilibrium Propagation" (2025).

    >>> Encoding((0.0,), (4.0,), ("a",), ("no", "yes")).encode([[0.0], [1.0], [4.0]]).tolist()
    [[-0.5], [-0.25], [0.5]]
    """

    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    scale: float = 0.5
    rounding: float | None = 0.01
    target_shift: float = -0.5
    one_hot: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise BadInput(f"scale: expected a positive voltage, found {self.scale!r}.")
        if self.rounding is not None and not (math.isfinite(self.rounding) and self.rounding > 0):
            raise BadInput(
                f"rounding: expected a positive step in volts or None, found {self.rounding!r}."
            )
        if not math.isfinite(self.target_shift):
            raise BadInput(f"target_shift: expected a finite voltage, found {self.target_shift!r}.")
        if not len(self.minimum) == len(self.maximum) == len(self.feature_names):
            raise BadInput(
                "encoding: minimum, maximum and feature_names must have one entry a feature, found "
                f"{len(self.minimum)}, {len(self.maximum)} and {len(self.feature_names)}."
            )

    @property
    def constant(self) -> tuple[str, ...]:
        """Names of the features that have one value only and so map to 0 V."""
        triples = zip(self.feature_names, self.minimum, self.maximum, strict=True)
        return tuple(name for name, low, high in triples if low == high)

    @property
    def outputs(self) -> int:
        """Number of target columns k: one a class if `one_hot`, otherwise one a bit."""
        classes = len(self.class_names)
        return classes if self.one_hot else max(1, (classes - 1).bit_length())

    def encode(self, features: ArrayLike) -> NDArray[np.float64]:
        """Input volts [n, f] of raw `features` [n, f] (or [f] for one row, giving [f]).

        Raises BadInput where the last axis is not one entry a feature.
        """
        raw = np.asarray(features, dtype=np.float64)
        if raw.ndim == 0 or raw.shape[-1] != len(self.feature_names):
            raise BadInput(
                f"features: expected {len(self.feature_names)} columns "
                f"({', '.join(self.feature_names)}), found an array of shape {raw.shape}."
            )
        minimum, maximum = np.array(self.minimum), np.array(self.maximum)
        varies = maximum > minimum
        slope = 2.0 / np.where(varies, maximum - minimum, 1.0)
        offset = -1.0 - minimum * slope  # this order of operations decides the rounding ties
        volts = np.where(varies, self.scale * (raw * slope + offset), 0.0)
        return volts if self.rounding is None else _round(volts, self.rounding)

    def targets(self, labels: ArrayLike) -> NDArray[np.float64]:
        """Target volts [n, k] of integer `labels` [n]: the label's 0/1 code + target_shift."""
        label = np.asarray(labels, dtype=np.int64)[:, None]
        column = np.arange(self.outputs)
        code = (label == column) if self.one_hot else (label >> column) & 1
        return code.astype(np.float64) + self.target_shift

    def decode(self, outputs: ArrayLike) -> NDArray[np.int64]:
        """Labels [n] of output volts [n, k]: the largest output, or bits cut midway (inverse of
        `targets`). A code beyond the classes is the last class."""
        volts = np.asarray(outputs, dtype=np.float64)
        if self.one_hot:
            return np.argmax(volts, axis=-1).astype(np.int64)
        bits = (volts > self.target_shift + 0.5).astype(np.int64)
        code = (bits << np.arange(self.outputs)).sum(axis=-1)
        return np.minimum(code, len(self.class_names) - 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for JSON; `from_dict` restores it bit for bit."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """The encoding `to_dict` wrote. Raises BadInput naming a missing, unknown or bad entry."""
        names = [f.name for f in fields(cls)]
        for key in record:
            if key not in names:
                raise BadInput(f"encoding: unknown entry {key!r}.{nearest(key, names)}")
        if missing := [name for name in names if name not in record]:
            raise BadInput(f"encoding: missing {', '.join(missing)}; save it with to_dict().")
        rounding = record["rounding"]
        try:
            return cls(
                minimum=tuple(float(v) for v in record["minimum"]),
                maximum=tuple(float(v) for v in record["maximum"]),
                feature_names=tuple(str(v) for v in record["feature_names"]),
                class_names=tuple(str(v) for v in record["class_names"]),
                scale=float(record["scale"]),
                rounding=None if rounding is None else float(rounding),
                target_shift=float(record["target_shift"]),
                one_hot=bool(record["one_hot"]),
            )
        except (TypeError, ValueError) as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(f"encoding: not what to_dict() writes: {error}.") from error


def _round(volts: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Nearest multiple of `step`, half to even; a power of ten uses np.round's decimals."""
    decimals = round(-math.log10(step))
    if math.isclose(10.0**-decimals, step, rel_tol=1e-12):
        return np.round(volts, decimals)
    return np.round(volts / step) * step
