"""What the seed paper states of its training runs, each judged by a criterion on their numbers.

A criterion is a function of a dataset of cells. It was written down before the runs, or it says
that it was not. The same function judges the runs as the authors' code made them, the runs on the
data as the paper states them, and the runs at rates tuned for each cell.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..report import in_units
from ._statements import FLUX_CONTROLLED, Statement
from ._training import title

if TYPE_CHECKING:
    import xarray as xr

HOLDS, ONLY_AS_RUN, FAILS = "holds", "holds only as run", "does not hold"
CONVERGED = 1.5  # times the least loss of the same dataset and size: within this a run converged
ALIKE = 1e-6  # relative difference of two curves that count as identical
RATIO = 1e3  # ohm: R_off/R_on = 10


class Finding(NamedTuple):
    """The number that a criterion is about, in words, and whether the criterion is met."""

    value: str
    met: bool


class Claim(NamedTuple):
    """One statement of the paper, its criterion, what each reading gives, and the verdict.

    `findings` maps a reading to what was found: `as run`, by the authors' code and files, whose
    rates are borrowed where there is no file; `as stated`, on the data that the paper describes;
    `tuned`, so too and at a rate chosen for each cell, as the paper says its rates were. The last
    there is decides.
    """

    section: str
    text: str
    criterion: str
    findings: Mapping[str, Finding]

    @property
    def verdict(self) -> str:
        """`holds` in the last reading, else in the first (`holds only as run`), or in neither."""
        first, *_, last = (*self.findings.values(), *self.findings.values())
        if last.met:
            return HOLDS
        return ONLY_AS_RUN if first.met else FAILS


Judge = Callable[["xr.Dataset"], Finding]


def of_statements(statements: Iterable[Statement]) -> list[Claim]:
    """Statements about Figures 4, 6, 8 and 9, of which there is one reading.

    What is said of several models and judged by one criterion is one claim: it holds if it holds
    for all of them.
    """
    groups: dict[tuple[int, str, str], list[Statement]] = {}
    for statement in statements:
        key = (statement.figure, statement.text, statement.criterion)
        groups.setdefault(key, []).append(statement)
    claims = []
    for (figure, text, criterion), own in groups.items():
        values = [f"{s.value:.4g}" for s in own]
        if len(own) == 1:
            text = f"{text} ({title(own[0].subject)})"
        else:
            values = [
                f"{title(s.subject)} {value}{'' if s.holds else ' (not met)'}"
                for s, value in zip(own, values, strict=True)
            ]
        finding = Finding("; ".join(values), all(s.holds for s in own))
        claims.append(Claim(f"Figure {figure}", text, criterion, {"as run": finding}))
    return claims


def about_training(readings: Mapping[str, "xr.Dataset"]) -> list[Claim]:
    """Sections 4.2, 5 and 6, judged on cells with the dimensions of `arrange`, reading by reading.

    Seeds, where a reading has them, are averaged. A criterion that a reading cannot be asked, for
    its runs are not among the cells, is left out there.
    """
    means = {
        name: cells.mean("seed", skipna=False) if "seed" in cells.dims else cells
        for name, cells in readings.items()
    }
    claims = []
    for section, text, criterion, judge, asked in _CRITERIA:
        findings = {}
        for name, cells in means.items():
            if judge is _identical and not _at_one_rate(readings[name]):
                continue
            if all(label in cells[dim].values for dim, label in asked):
                findings[name] = judge(cells)
        if findings:
            claims.append(Claim(section, text, criterion, findings))
    return claims


def _at_one_rate(cells: "xr.Dataset") -> bool:
    """Whether each PWM run of a flux-controlled model has the rate of its PAM run."""
    specs = cells["spec"].sel(model=list(FLUX_CONTROLLED))
    specs = specs.isel(seed=0) if "seed" in specs.dims else specs
    pwm, pam = (
        [json.loads(text)["learning"]["rates"] if text else None for text in of.values.ravel()]
        for of in (specs.sel(modulation=m) for m in ("pwm", "pam"))
    )
    return pwm == pam


def relative_loss(cells: "xr.Dataset") -> "xr.DataArray":
    """Least loss over the least of the same modulation, dataset and size."""
    loss = cells["min_loss"]
    return loss / loss.min(["r_off", "model"])


def _fails_below(modulation: str) -> Judge:
    def judge(cells: "xr.Dataset") -> Finding:
        found = relative_loss(cells).sel(modulation=modulation, r_off=500.0).values
        few = int((found <= CONVERGED).sum())
        value = f"{few} of {found.size} converge; the nearest is {found.min():.3g} times the least"
        return Finding(value, few == 0)

    return judge


def _converges_above(modulation: str) -> Judge:
    def judge(cells: "xr.Dataset") -> Finding:
        wide = cells.r_off[cells.r_off >= RATIO]
        found = relative_loss(cells).sel(modulation=modulation, r_off=wide)
        out = int((~(found.values <= CONVERGED)).sum())
        by_range = ", ".join(
            f"{int((~(found.sel(r_off=r).values <= CONVERGED)).sum())} at {float(r) / 1e3:g} kΩ"
            for r in wide.values
        )
        value = f"{out} of {found.size} do not converge ({by_range}); worst {found.max():.3g} times"
        return Finding(value, out == 0)

    return judge


def _cancer_above_iris(cells: "xr.Dataset") -> Finding:
    loss = cells["min_loss"].sel(r_off=cells.r_off[cells.r_off >= RATIO])
    ratio = (loss.sel(dataset="breast_cancer") / loss.sel(dataset="iris")).values
    share = float((ratio > 1).mean())
    return Finding(
        f"{100 * share:.0f} % of {ratio.size} pairs; median ratio {np.median(ratio):.3g}",
        share >= 0.75,
    )


def _comparable(cells: "xr.Dataset") -> Finding:
    loss = cells["min_loss"].sel(modulation="pwm", r_off=cells.r_off[cells.r_off >= RATIO])
    ratio = loss.drop_sel(model="linear") / loss.sel(model="linear")
    worst = ratio.isel(ratio.argmax(...))
    value = (
        f"median {float(ratio.median()):.3g}; greatest {float(worst):.3g} "
        f"({title(worst.model.item())}, {str(worst.dataset.item()).replace('_', ' ')}, "
        f"{worst.hidden.item()}, {float(worst.r_off) / 1e3:g} kΩ)"
    )
    return Finding(value, bool(ratio.median() <= 1.25 and (ratio <= 2).all()))


def _identical(cells: "xr.Dataset") -> Finding:
    pwm, pam = (
        cells["loss"].sel(modulation=m, model=list(FLUX_CONTROLLED)) for m in ("pwm", "pam")
    )
    apart = (abs(pwm - pam) / pwm).max("epoch", skipna=False)
    worst, few = float(apart.max(skipna=False)), int((apart <= ALIKE).sum())
    value = f"greatest relative difference {worst:.1e}; {few} of {apart.size} pairs at most 1e-6"
    return Finding(value, worst <= ALIKE)


def _mms_worse(cells: "xr.Dataset") -> Finding:
    loss = cells["min_loss"].sel(
        modulation="pam", dataset="breast_cancer", r_off=cells.r_off[cells.r_off >= RATIO]
    )
    ratio = (loss.sel(model="mms") / loss.sel(model="linear")).mean("r_off", skipna=False)
    large, small = float(ratio.sel(hidden="large")), ratio.sel(hidden=["medium", "small"]).values
    value = f"large {large:.3g}, medium {small[0]:.3g}, small {small[1]:.3g}"
    return Finding(value, bool((small > 1.05).all() and (small > large).all()))


def _press(cells: "xr.Dataset") -> Finding:
    share = cells["clipped_fraction"]
    narrow, wide = share.sel(r_off=500.0), share.sel(r_off=1e5)
    more = float((narrow > wide).mean())
    value = (
        f"at 500 Ω {100 * float(narrow.mean()):.2g} % of devices stand at a bound, at 100 kΩ "
        f"{100 * float(wide.mean()):.2g} %; more in {100 * more:.0f} % of the cells"
    )
    return Finding(value, more >= 0.9 and float(narrow.mean()) >= 0.1)


def _sharply(cells: "xr.Dataset") -> Finding:
    loss = cells["min_loss"]
    step = (loss.sel(r_off=500.0) / loss.sel(r_off=1e3)).values
    next_ = (loss.sel(r_off=1e3) / loss.sel(r_off=1e4)).values
    value = (
        f"500 Ω over 1 kΩ: least {step.min():.3g}, median {np.median(step):.3g}; "
        f"1 kΩ over 10 kΩ: median {np.median(next_):.3g}"
    )
    return Finding(value, bool(step.min() >= 1.5 and np.median(step) > np.median(next_)))


def about_frequencies(model: str, sweep: "xr.Dataset", fast: float) -> list[Claim]:
    """The pulses that a threshold device needs under PAM, of a sweep over frequency and voltage."""
    cells = (
        sweep.isel(base=0).mean("seed", skipna=False)
        if "seed" in sweep.dims
        else sweep.isel(base=0)
    )
    slow = float(cells.frequency.min())
    least = cells["min_loss"].min("voltage")
    there, here = (float(least.sel(frequency=f, method="nearest")) for f in (slow, fast))
    at_bounds = cells["clipped_fraction"].sel(voltage=1.0)
    share, other = (float(at_bounds.sel(frequency=f, method="nearest")) for f in (slow, fast))
    name, hertz = title(model), in_units(fast, "Hz")
    section = "4.2, Figure 11"
    return [
        Claim(
            section,
            f"voltages near the switching thresholds caused excessive state changes ({name})",
            "at the frequency of Figure 9 and the paper's pulse voltage, at least half of the "
            f"devices stand at a bound, mean over the epochs, and at {hertz} fewer than a tenth",
            {
                "as run": Finding(
                    f"{100 * share:.3g} % at {in_units(slow, 'Hz')}, {100 * other:.3g} % at "
                    f"{hertz}",
                    share >= 0.5 and other < 0.1,
                )
            },
        ),
        Claim(
            section,
            f"To stabilise learning, higher excitation frequencies were applied ({hertz} for "
            f"{name})",
            "least loss at the frequency of Figure 9, best of "
            f"{cells.sizes['voltage']} pulse voltages, over that at "
            f"{hertz}: more than {CONVERGED:g}",
            {
                "as run": Finding(
                    f"{there:.3g} over {here:.3g} V²: {there / here:.3g}", there > CONVERGED * here
                )
            },
        ),
    ]


FORGIVEN = 1.2  # times the least loss: what a poor rate may cost


def decades(sweep: "xr.Dataset") -> tuple[float, float, float]:
    """Of a sweep over rates: decades of them within `FORGIVEN` of the least loss, and the ends."""
    loss = sweep["min_loss"].mean([d for d in sweep["min_loss"].dims if d != "rates"])
    good = loss["rates"].values[loss.values <= FORGIVEN * float(loss.min())]
    return float(np.log10(good.max() / good.min())), float(good.min()), float(good.max())


def about_adam(adam: "xr.Dataset", descent: "xr.Dataset") -> Claim:
    """Section 3.2, of two sweeps over the rate."""
    own, other = decades(adam)[0], decades(descent)[0]
    return Claim(
        "3.2",
        "Adam [...] permits effective convergence even under suboptimal learning rate settings.",
        f"rates within {FORGIVEN:g} times the least loss span at least a decade, and more than "
        "with plain gradient descent (Iris, linear model, 10 kΩ)",
        {
            "as stated": Finding(
                f"{own:.3g} decades; plain descent {other:.3g}", own >= 1 and own > other
            ),
        },
    )


# Section, statement, criterion, judge, and the labels that the cells must have to be asked.
_WITHIN = (
    f"least loss at most {CONVERGED:g} times the least of the same modulation, dataset and size"
)
_CRITERIA: tuple[tuple[str, str, str, Judge, tuple[tuple[str, str], ...]], ...] = (
    (
        "4.2, Figure 10",
        "At R_OFF = 500 Ω, all networks failed to converge, yielding persistently high loss "
        "values.",
        f"no PWM cell at 500 Ω converges: {_WITHIN}",
        _fails_below("pwm"),
        (),
    ),
    (
        "4.2, Figure 10",
        "Under PWM, EqProp achieved stable convergence when R_OFF ≥ 1 kΩ.",
        f"every PWM cell from 1 kΩ on converges: {_WITHIN}",
        _converges_above("pwm"),
        (),
    ),
    (
        "4.2, Figure 11",
        "PAM-based training revealed similar overall behaviour. Again, effective learning occurred "
        "for R_OFF ≥ 1 kΩ.",
        f"every PAM cell from 1 kΩ on converges: {_WITHIN}",
        _converges_above("pam"),
        (),
    ),
    (
        "4.2, Figure 11",
        "PAM-based training revealed similar overall behaviour (at 500 Ω).",
        f"no PAM cell at 500 Ω converges: {_WITHIN}",
        _fails_below("pam"),
        (),
    ),
    (
        "4.2",
        "Models trained on the breast cancer dataset generally exhibited higher minimal loss "
        "values than those trained on the iris dataset",
        "cancer's least loss exceeds Iris's, same modulation, size, R_OFF and model, from 1 kΩ on, "
        "in at least 75 % of the pairs",
        _cancer_above_iris,
        (("dataset", "iris"), ("dataset", "breast_cancer")),
    ),
    (
        "4.2",
        "Nonlinear memristor models performed comparably to the linear baseline.",
        "PWM from 1 kΩ on: least loss over that of the linear model, median at most 1.25 and "
        "greatest at most 2",
        _comparable,
        (),
    ),
    (
        "4.2",
        "For models whose state change depends only on the voltage-time integral (linear updates, "
        "linear ion drift, Joglekar, and Biolek), PWM and PAM yielded identical learning curves",
        "greatest relative difference of their loss histories: at most 1e-6 (rounding grows where "
        "steps are large, so that a high rate can take equal runs apart)",
        _identical,
        (),
    ),
    (
        "4.2",
        "Compared to the linear baseline, the MMS model exhibited higher losses for networks with "
        "smaller hidden layer sizes on the breast cancer dataset.",
        "PAM, cancer, mean over R_OFF ≥ 1 kΩ of MMS's least loss over the linear model's: above "
        "1.05 for 10 and for 5 neurons, and above that for 16",
        _mms_worse,
        (("dataset", "breast_cancer"), ("hidden", "medium"), ("hidden", "small")),
    ),
    (
        "4.2",
        "Performance degraded sharply when this ratio fell below that threshold, independent of "
        "model, hidden layer size, or dataset.",
        "least loss at 500 Ω over that at 1 kΩ: at least 1.5 in every cell, and in the median more "
        "than that at 1 kΩ over that at 10 kΩ",
        _sharply,
        (),
    ),
    (
        "5",
        "When this range narrows, weights press against the bounds of the realisable interval "
        "[...] and the weight updates are effectively clipped at the device limits.",
        "devices at a bound, mean over the epochs: at 500 Ω at least 10 %, and in at least 90 % of "
        "the cells more than at 100 kΩ; a state that a window holds back from its bound does not "
        "count",
        _press,
        (),
    ),
)
