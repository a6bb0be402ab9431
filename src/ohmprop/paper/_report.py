"""The report: each figure beside what the paper says of it, the claims, and what lies beyond."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments import HIDDEN
from ..report import Page
from . import _answers as answers
from ._claims import FAILS, HOLDS, ONLY_AS_RUN, Claim
from ._limits import what_limits

if TYPE_CHECKING:
    import xarray as xr

_PAPER = "Döll, Müller, Ulmann (2025), arXiv 2512.12428"
_LEAD = (
    "The figures and statements of 'Learning Dynamics in Memristor-Based Equilibrium Propagation' "
    "recomputed with ohmprop, every statement judged by a stated criterion (where "
    "one was fixed after its numbers were seen, its row says so), "
    "and the questions that the paper leaves open."
)
_READINGS = (
    "Statements about training are judged in three readings. As run: the authors' code and files; "
    "these exist for R_off = 100 kΩ and the largest networks only, other cells take the rates of "
    "the file for the same model, dataset and modulation. As stated: all rows and one bias of "
    "0.5 V, as the paper describes its data, at the same rates. Tuned: as stated, a fifth of the "
    "rows held out, and the rate chosen for each cell, as the paper says its rates were. The last "
    "reading there is decides: a statement that is met there holds, one that is met only in the "
    "first holds only as run."
)
_FIGURES: tuple[tuple[str, str, str, str], ...] = (
    (
        "figure_4.png",
        "The ReLU exhibits a small leakage [...] two breakpoints, allowing the construction of a "
        "sigmoid-like profile.",
        "section 2.2.2",
        "Figure 4. Currents of the two nonlinearities, and the voltage of a hidden node over the "
        "current injected into it; with the seed's piecewise linear diodes and with exponential "
        "ones (1e-12 A) that draw 1 mA at the same voltages.",
    ),
    (
        "figure_6.png",
        "The pulse duration represented the absolute magnitude of the update [...] In the PAM "
        "implementation (Figure 7b), the pulse duration was fixed to the reciprocal of the "
        "operating frequency.",
        "section 3.2",
        "Figure 6. The same updates written by pulse width and by pulse amplitude.",
    ),
    (
        "figure_8.png",
        "The nonlinearity is barely noticeable under these settings.",
        "section 3.3",
        "Figure 8. Current of the Yakopcic device, and its distance from a straight line.",
    ),
    (
        "figure_9.png",
        "Across models, increasing frequency compresses the loop as the internal state has less "
        "time to evolve.",
        "section 4.1",
        "Figure 9. Hysteresis loops at two frequencies, the last of three cycles, earlier "
        "ones thin. "
        "The paper prints no frequencies; the lower "
        "one just takes the device from its initial state to its bound in half a wave.",
    ),
    (
        "figure_10.png",
        "Under PWM, EqProp achieved stable convergence when R_OFF ≥ 1 kΩ. At R_OFF = 500 Ω, all "
        "networks failed to converge.",
        "section 4.2",
        "Figure 10. Least loss of 168 runs with pulse width modulation, as the authors' code ran: "
        "the least before each of 50 epochs' updates and after the last.",
    ),
    (
        "figure_11.png",
        "PAM-based training revealed similar overall behaviour.",
        "section 4.2",
        "Figure 11. Least loss of 168 runs with pulse amplitude modulation, on the same scale.",
    ),
)


def write_report(
    out: Path,
    claims: Sequence[Claim],
    readings: "Mapping[str, xr.Dataset]",
    data: "Mapping[str, xr.Dataset]",
    *,
    quick: bool,
) -> Path:
    """Draw what is still to be drawn into `out` and write `out`/report.html; returns its path."""
    page = Page("The seed paper, reproduced and taken further", _LEAD)
    if quick:
        page.paragraph(
            "This is the quick report: beyond Figures 4 to 11 it covers Iris with ten hidden "
            "neurons only, with fewer seeds. Verdicts may differ from those of the whole one."
        )
    _claims(page, claims)
    page.heading("The paper's figures")
    for name, text, where, caption in _FIGURES:
        page.quote(text, f"{_PAPER}, {where}")
        page.picture(out / name, caption)
    page.paragraph(
        "cells.nc holds both figures with the dimensions modulation, dataset, hidden, r_off and "
        "model. Its variable spec is each cell's spec: saved to a file, `ohmprop train` gives the "
        "same loss."
    )
    floor = answers.linear_optimum("seed-iris-h10-r100k-linear-pwm")
    _rates(page, out, readings["tuned"], data)
    _confound(page, out, data, floor)
    _epochs(page, out, data)
    _diodes(page, out, data, floor)
    page.heading("(e) The data as stated and as run")
    page.paragraph(
        "The code uses the first 105 rows of Iris, without shuffling, and the first 398 of the "
        "cancer data, biases of 1 V in both layers, and conductances that start near the lower "
        "bound; the paper describes all rows, one bias of 0.5 V and a uniform memristance. Iris is "
        "sorted by class: its first 105 rows hold five of the fifty virginica, so that the task as "
        "run is easier than the one as stated."
    )
    page.table(
        *answers.readings_table(readings),
        caption="Least loss (V²) with pulse width modulation, median over models and sizes.",
    )
    for modulation, number in (("width", 10), ("amplitude", 11)):
        page.picture(
            out / f"figure_{number}_as_stated.png",
            f"Figure {number} with the data as the paper states them (pulse {modulation}).",
        )
    page.heading("(f) Better gradients")
    page.paragraph(
        "The paper's update signal, the gradient by a positive nudge, by a nudge to both "
        "sides, and "
        "the exact gradient, each through the paper's Adam."
    )
    page.table(
        *answers.estimators_table(data["estimators"]),
        caption=(
            "Iris, ten hidden neurons, pulse width modulation, at the best of two rates: mean over "
            "models, ranges, seeds."
        ),
    )
    page.heading("(g) Corrected device equations")
    page.paragraph(
        "A pulse as one Euler step, as in the authors' code, or integrated exactly; and "
        "VTEAM's and "
        "Yakopcic's windows as published instead of the code's."
    )
    page.table(
        *answers.equations_table(data["equations"]),
        caption="Least loss (V²) on Iris, range by range, at the best of "
        f"{data['equations'].sizes['factor']} rates; the best may lie beyond them.",
    )
    page.heading("What limits learning")
    for paragraph in what_limits(readings, data, floor):
        page.paragraph(paragraph)
    failed = sum(int((d["failure"] != "").sum()) for d in (*readings.values(), *data.values()))
    total = sum(d["failure"].size for d in (*readings.values(), *data.values()))
    page.paragraph(
        f"Of {total} runs, {failed} failed their certificate and are left out; data/ says which."
    )
    return page.write(out / "report.html")


def _claims(page: Page, claims: Sequence[Claim]) -> None:
    page.heading("What the paper states, and whether it holds")
    counts = {v: sum(c.verdict == v for c in claims) for v in (HOLDS, ONLY_AS_RUN, FAILS)}
    page.paragraph(
        f"Of {len(claims)} statements judged, {counts[HOLDS]} hold, {counts[ONLY_AS_RUN]} only as "
        f"run, and {counts[FAILS]} do not hold."
    )
    page.paragraph(_READINGS)
    rows = []
    for claim in claims:
        found = [
            f"{f.value} ({'met' if f.met else 'not met'})" if (f := claim.findings.get(r)) else ""
            for r in ("as run", "as stated", "tuned")
        ]
        rows.append([claim.section, claim.text, claim.criterion, *found, claim.verdict])
    columns = ("section", "statement", "criterion", "as run", "as stated", "tuned", "verdict")
    page.table(columns, rows)


def _rates(page: Page, out: Path, tuned: "xr.Dataset", data: "Mapping[str, xr.Dataset]") -> None:
    page.heading("(a) A rate for each cell, many seeds, held-out rows")
    page.paragraph(
        f"Each cell was run at {data['rates'].sizes['factor']} multiples of its published "
        "rate, and "
        f"then at the best of them with {tuned.sizes['seed']} other seeds, which set the first "
        "conductances and which fifth of the rows is held out."
    )
    page.picture(
        answers.draw_rates(data["rates"], out / "rates.png"),
        "Least loss in 50 epochs over the rate, median and quartiles (shaded) of the seven models, "
        "largest network, pulse width modulation.",
    )
    for modulation, number in (("width", 10), ("amplitude", 11)):
        page.picture(
            out / f"figure_{number}_tuned.png",
            f"Figure {number} at the best rate of every cell, mean of the seeds (pulse "
            f"{modulation}).",
        )
    page.table(
        *answers.tuned_table(tuned),
        caption="Largest networks, pulse width modulation: mean ± standard deviation over "
        "seeds; devices at a bound are a mean over the epochs.",
    )


def _confound(page: Page, out: Path, data: "Mapping[str, xr.Dataset]", floor: float) -> None:
    page.heading("(b) The ratio, and the conductance it was confounded with")
    page.paragraph(
        "In the paper a narrow range is also a range of high conductances, for R_on is held. "
        "A step "
        "of the same size is then a smaller part of a conductance, and moves the voltages less. "
        "Here the two are apart (linear device, all rows of Iris, ten hidden neurons): the ratio "
        "with the same first conductances for all, and the same ratio at other conductances."
    )
    page.picture(
        answers.draw_confound(data, floor, out / "confound.png"),
        f"Least loss over the ratio (left) and over the place of a range of ratio ten (right). "
        f"Grey: the least loss of any linear function, {floor:.4f} V².",
    )


def _epochs(page: Page, out: Path, data: "Mapping[str, xr.Dataset]") -> None:
    page.heading("(c) More epochs")
    floors = {
        f"epochs_{name}": answers.linear_optimum(f"seed-{name}-h{sizes[0]}-r100k-linear-pwm")
        for name, sizes in HIDDEN.items()
    }
    sweeps = {k: data[k] for k in (f"epochs_{name}" for name in HIDDEN) if k in data}
    page.picture(
        answers.draw_epochs(sweeps, out / "epochs.png"),
        "Loss over epochs, median of the seven models, at the published rate and at ten times it.",
    )
    page.table(
        *answers.epochs_table(sweeps, floors),
        caption="Models whose least loss comes within 1.5 times that of the best linear function.",
    )


def _diodes(page: Page, out: Path, data: "Mapping[str, xr.Dataset]", floor: float) -> None:
    page.heading("(d) Diodes that conduct")
    page.picture(
        answers.draw_diodes(data["diodes"], floor, out / "diodes.png"),
        "Least loss at the better of two rates, and conducting diodes, mean of both, over the "
        "threshold (the paper's is 0.3 V), median and "
        "quartiles (shaded) of the models, Iris. Grey: the least loss of any linear function, "
        f"{floor:.4f} V².",
    )
