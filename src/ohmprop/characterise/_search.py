"""Bounded nonlinear least squares from many starts, within a time budget, interruptible."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Vector = NDArray[np.float64]
Function = Callable[[Vector], Vector]  # of z [k]: residuals [n], or their derivatives [n, k]

# Weight of a pull to the centre of the box: it decides where the data say nothing, and moves a
# quantity known to 5 % by less than a thousandth of that.
_PULL = 1e-2
_ROUGH = 1e-4  # relative change of the cost at which an easier problem is solved well enough


class Progress(NamedTuple):
    """How far a search is: start number of how many, evaluations, least RMS residual, seconds."""

    start: int
    starts: int
    evaluations: int
    rms: float
    seconds: float


class Search(NamedTuple):
    """The best point found: coordinates, residuals, and how the search ended.

    `ended` is "converged", "starts used up" (no optimum was found twice), "budget" or
    "interrupted"; `agreeing` counts the starts that led to the best point's cost.
    """

    z: Vector
    residuals: Vector
    ended: str
    starts: int
    agreeing: int
    evaluations: int
    seconds: float


class _Stop(Exception):
    """The time budget is used up."""


class _Best:
    """Evaluates residuals, keeps the best point, watches the clock."""

    def __init__(self, function: Function, low: Vector, high: Vector, budget: float) -> None:
        self.function, self.began, self.budget = function, time.monotonic(), budget
        self.middle, self.weight = (low + high) / 2, _PULL / (high - low)
        self.cost, self.z, self.residuals = math.inf, np.empty(0), np.empty(0)
        self.evaluations = 0
        self.tell: Callable[[], object] = lambda: None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def __call__(self, z: Vector) -> Vector:
        r, pull = self.evaluated(self.function, z)
        if (cost := float(r @ r + pull @ pull)) < self.cost:
            self.cost, self.z, self.residuals = cost, np.array(z), r
        self.tell()
        return np.concatenate([r, pull])

    def evaluated(self, function: Function, z: Vector) -> tuple[Vector, Vector]:
        """Residuals of `function` and the pull at `z`, while there is time."""
        if self.z.size and self.seconds > self.budget:
            raise _Stop
        r = np.asarray(function(z), dtype=float)
        # A huge finite residual makes the trust region shrink; NaN would end the search.
        r = np.nan_to_num(r, nan=1e3, posinf=1e3, neginf=-1e3)
        self.evaluations += 1
        return r, self.weight * (z - self.middle)

    def roughly(self, function: Function) -> Function:
        """Residuals of another `function` and the pull: counted, but never the best point."""

        def told(z: Vector) -> Vector:
            both = np.concatenate(self.evaluated(function, z))
            self.tell()
            return both

        return told

    def slopes(self, jacobian: Function) -> Function:
        """Derivatives of residuals and pull."""

        def both(z: Vector) -> Vector:
            j = np.nan_to_num(jacobian(z), posinf=0.0, neginf=0.0)
            return np.concatenate([j, np.diag(self.weight)])

        return both


def search(
    residuals: Function,
    jacobian: Function,
    low: Vector,
    high: Vector,
    starts: Vector,
    *,
    budget: float = 60.0,
    agree: int = 5,
    first: tuple[Function, Function] | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Search:
    """Least sum of squares from each of `starts` [s, k], best first, inside the box.

    Trust-region reflective steps (Branch, Coleman, Li, SIAM J. Sci. Comput. 21:1, 1999). Ends when
    `agree` starts have led to one cost (within 0.1 %), the starts are used up, `budget` seconds
    have passed or the user interrupts; the best point evaluated so far is returned in every case.
    `first`, easier residuals of the same z and their derivatives, are minimised from each start
    before, and the point found takes the start's place.

    Raises:
        KeyboardInterrupt: before the first evaluation was done.
    """
    best = _Best(residuals, low, high, budget)

    costs: list[float] = []
    ended = "starts used up"
    inside = 1e-6 * (high - low)
    try:
        for k, start in enumerate(starts):
            best.tell = lambda k=k: (
                progress
                and progress(
                    Progress(k + 1, len(starts), best.evaluations, _rms(best), best.seconds)
                )
            )
            start = np.clip(start, low + inside, high - inside)
            if first is not None:
                best(start)  # lest the time be up with nothing found
                rough, slopes = best.roughly(first[0]), best.slopes(first[1])
                start = _descent(rough, slopes, start, low, high, _ROUGH, 60).x
                start = np.clip(start, low + inside, high - inside)
            slopes = best.slopes(jacobian)
            found = _descent(best, slopes, start, low, high, 1e-7, 60 + 20 * len(low))
            costs.append(2 * float(found.cost))
            if _agreeing(costs, best.cost) >= agree:
                ended = "converged"
                break
    except _Stop:
        ended = "budget"
    except KeyboardInterrupt:
        if not best.z.size:
            raise
        ended = "interrupted"
    return Search(
        best.z,
        best.residuals,
        ended,
        len(costs),
        _agreeing(costs, best.cost),
        best.evaluations,
        best.seconds,
    )


def _descent(function: Function, slopes: Function, start, low, high, ftol: float, most: int) -> Any:
    """The optimum downhill of `start`, to a relative change of the cost by `ftol`."""
    return least_squares(
        function,
        start,
        jac=slopes,  # pyright: ignore[reportArgumentType] (the stubs know names only)
        bounds=(low, high),
        method="trf",
        x_scale="jac",
        ftol=ftol,
        xtol=1e-9,
        gtol=1e-12,
        max_nfev=most,
    )


def _agreeing(costs: list[float], least: float) -> int:
    return sum(cost <= 1.001 * least for cost in costs)


def _rms(best: _Best) -> float:
    return math.sqrt(best.cost / max(best.residuals.size, 1))
