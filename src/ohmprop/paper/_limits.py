"""The closing section of the report: what limits learning, with the numbers that say so.

Sentences that draw a conclusion are written only where this report's own numbers bear it out.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..report import in_units
from ._answers import best_after, best_factor, linear_optimum
from ._claims import CONVERGED, relative_loss
from ._further import FAST
from ._training import title

if TYPE_CHECKING:
    import xarray as xr

Datasets = Mapping[str, "xr.Dataset"]
ALIKE = 1.05  # the ratio up to which two losses count as the same


def what_limits(readings: Datasets, data: Datasets, floor: float) -> list[str]:
    """Paragraphs; `floor` is the least loss (V^2) of a linear function on Iris."""
    return [
        _steps(readings, data, floor),
        _ratio(data, floor),
        _place(data, floor),
        _linearity(readings, data, floor),
        _estimators(data),
        _pulses(data),
    ]


def _at(data: Datasets, name: str, r_off: float, epochs: int, factor: float | None) -> float:
    return float(best_after(data[name], epochs, factor).isel(base=0).sel(r_off=r_off))


def _steps(readings: Datasets, data: Datasets, floor: float) -> str:
    narrow = {
        name: relative_loss(cells.mean("seed", skipna=False) if "seed" in cells.dims else cells)
        .sel(modulation="pwm", r_off=500.0)
        .values
        for name, cells in readings.items()
    }
    reach = [
        f"{int((v <= CONVERGED).sum())} of {v.size}" for v in (narrow["as stated"], narrow["tuned"])
    ]
    name, many = "ratio_moving_start", data["ratio_moving_start"].sizes["epoch"]
    slow, quick, long = (
        _at(data, name, 500.0, *how) for how in ((50, 1.0), (50, None), (many, None))
    )
    one = best_after(data["ratio_fixed_start"], 50, 1.0).isel(base=0)
    same = one.sel(r_off=one.r_off[one.r_off >= 300])
    text = (
        "First, the size of a step. At 500 Ω the conductances are greater than at 100 kΩ, and the "
        "same step moves the voltages less. With the linear device on Iris the loss at 500 Ω is "
        f"{slow:.4f} V² after 50 epochs at the published rate, {quick:.4f} V² at the best of three "
        f"rates, and {long:.4f} V² after {many} epochs. Of the distance to the best linear "
        "function "
        f"({floor:.4f} V²), {100 * (slow - long) / (slow - floor):.0f} % was slowness. "
    )
    if float(same.max() / same.min()) < ALIKE:
        text += (
            "Where every network starts from the same conductances, at which it hardly learns in "
            "50 epochs at that rate, the ratio has no effect: from a ratio of 3 to 1000 the loss "
            f"then is {float(same.min()):.4f} "
            f"to {float(same.max()):.4f} V². The paper's fall of the loss with R_off is one of the "
            "initial conductances. "
        )
    return text + (
        f"With a rate for each cell, {reach[1]} cells of both datasets at 500 Ω come within "
        f"{CONVERGED:g} times the least loss of any range and model in their network, "
        f"{reach[0]} at the published rates (pulse width modulation). "
        f"{_grid_ends(data)}"
    )


def _grid_ends(data: Datasets) -> str:
    factors = best_factor(data["rates"])
    least, most = float(data["rates"].factor.min()), float(data["rates"].factor.max())
    low, high = (int((factors == end).sum()) for end in (least, most))
    return (
        f"Of {factors.size} cells, {low} have their best rate at the lower and {high} at the upper "
        f"end of those tried ({least:g} to {most:g} times the published one)."
    )


def _ratio(data: Datasets, floor: float) -> str:
    name, many = "ratio_fixed_start", data["ratio_fixed_start"].sizes["epoch"]
    spans = (200.0, 500.0, 1e3, 1e4)
    losses = [_at(data, name, r, many, None) for r in spans]
    shown = ", ".join(f"{v:.4f} V² at {r / 100:g}" for v, r in zip(losses, spans, strict=True))
    share = data[name]["clipped_fraction"].mean("seed").isel(base=0).sel(r_off=500.0)
    above = [100 * (v / floor - 1) for v in losses]
    text = (
        "Second, the ratio itself, for what a network can represent. A weight is a difference of "
        "conductances over their sum, and a narrow range bounds it. From one and the same start, "
        f"at the best rate and after {many} epochs, the least loss falls with R_off/R_on: {shown}. "
        f"A ratio of five stays {above[1]:.0f} % above the best linear function, with "
        f"{100 * float(share.max()):.0f} % of the linear device's states at a bound; a ratio "
        "of ten "
        f"is within {abs(above[2]):.0f} % of it. "
    )
    if losses[2] < ALIKE * floor < losses[1]:
        text += (
            "So on Iris the paper's ten is a good figure, for another reason than convergence: "
            "below it the network converges, to what it can still represent. "
        )
    return text + _on_cancer(data)


def _on_cancer(data: Datasets) -> str:
    """The other dataset, where it was trained for longer, too."""
    name = "epochs_breast_cancer"
    if name not in data:
        return ""
    floor = linear_optimum("seed-breast_cancer-h16-r100k-linear-pwm")
    many = data[name].sizes["epoch"]
    loss = best_after(data[name], many).isel(modulation=0, dataset=0, hidden=0).median("model")
    above = {r: 100 * (float(loss.sel(r_off=r)) / floor - 1) for r in (500.0, 1e3, 1e4)}
    text = (
        f"On the cancer data (16 hidden neurons, after {many} epochs at the better of two rates, "
        f"median of the models) a ratio of 5 stays {above[500.0]:.0f} %, one of 10 "
        f"{above[1e3]:.0f} % and one of 100 {above[1e4]:.0f} % above the best linear function"
    )
    enough = above[1e3] <= 100 * (ALIKE - 1)
    return text + ("." if enough else ": what ratio suffices depends on the task.")


def _place(data: Datasets, floor: float) -> str:
    many = data["shifted_range"].sizes["epoch"]
    loss = best_after(data["shifted_range"], many).isel(base=0)
    fifty = best_after(data["shifted_range"], 50, 1.0).isel(base=0)
    text = (
        f"Third, the place of the range. At a ratio of ten and R_on from "
        f"{in_units(float(loss.r_on.min()), 'Ω')} "
        f"to {in_units(float(loss.r_on.max()), 'Ω')}, the least loss is "
        f"{float(fifty.min()):.4f} to "
        f"{float(fifty.max()):.4f} V² after 50 epochs at one rate, and {float(loss.min()):.4f} to "
        f"{float(loss.max()):.4f} V² at the best rate after {many} (best linear function "
        f"{floor:.4f}). "
    )
    if float(loss.max() / loss.min()) < ALIKE:
        text += (
            "It does not matter, if the rate goes with it: while no diode conducts, voltages "
            "depend "
            "on the ratios of conductances only."
        )
    return text


def _linearity(readings: Datasets, data: Datasets, floor: float) -> str:
    on = readings["as stated"]["diode_on_fraction"]
    text = (
        "Fourth, the paper's diodes hardly conduct. At its rates and epochs "
        f"{100 * float(on.mean()):.2g} % of them do on average, and in "
        f"{100 * float((on < 1e-3).mean()):.0f} % of the cells fewer than one in a thousand. "
        "Such a "
        "network can learn a linear function only. "
    )
    name, many = "ratio_moving_start", data["ratio_moving_start"].sizes["epoch"]
    wide = _at(data, name, 1e5, many, None)
    if wide < floor / ALIKE:
        text += (
            "With a wide range, higher rates and more epochs some diodes come to conduct, and the "
            f"loss falls below that of every linear function: to {wide:.4f} V² at 100 kΩ after "
            f"{many} epochs, against {floor:.4f}. "
        )
    loss = data["diodes"]["min_loss"].mean("seed").min("factor").median("model").squeeze()
    loss = loss.sel(r_off=1e4)
    best = loss.isel(v_th=int(loss.argmin("v_th")))
    if float(best.v_th) < 0.3:
        text += (
            "With thresholds that the hidden voltages reach, 50 epochs suffice for it: at 10 kΩ "
            f"{float(best):.4f} V² at a threshold of {float(best.v_th):g} V against "
            f"{float(loss.sel(v_th=0.3)):.4f} V² at the paper's 0.3 V (median of the models); at "
            f"{float(loss.v_th.min()):g} V it is {float(loss.sel(v_th=loss.v_th.min())):.4f} V²."
        )
    return text


def _estimators(data: Datasets) -> str:
    loss = data["estimators"]["min_loss"].mean("seed").min("factor")
    ratio = loss / loss.sel(estimator="exact")
    paper = ratio.sel(estimator="the paper's", beta=1e-6)
    equations = data["equations"]["min_loss"].mean("seed").min("factor")
    names = [str(v) for v in equations["variant"].values]
    change = np.array(
        [
            float(equations.sel(variant=v.replace(", euler", ", exact")) / equations.sel(variant=v))
            for v in names
            if ", euler" in v
        ]
    )
    return (
        "Fifth, the gradient and the equations. At the best of the rates tried, the paper's update "
        f"signal at its β gives {float(paper.min()):.3f} to {float(paper.max()):.3f} times the "
        "least loss that the exact gradient gives, cell by cell (mean "
        f"{float(paper.mean()):.3f}); over all estimators and β the ratio is "
        f"{float(ratio.min()):.3f} "
        f"to {float(ratio.max()):.3f}. Pulses integrated exactly instead of by one Euler step give "
        f"{change.min():.3f} to {change.max():.3f} times the least loss (median "
        f"{np.median(change):.3f})."
    )


def _pulses(data: Datasets) -> str:
    parts, most = [], []
    for model, fast in FAST.items():
        sweep = data[f"frequencies_{model}"].isel(base=0).mean("seed")
        least = sweep["min_loss"].min("voltage")
        slow = float(least.frequency.min())
        there, here = (float(least.sel(frequency=f, method="nearest")) for f in (slow, fast))
        at_bound = sweep["clipped_fraction"].sel(frequency=slow).max("voltage")
        most.append(float(at_bound))
        parts.append(
            f"{title(model)} has {there:.4f} V² at {in_units(slow, 'Hz')} and {here:.4f} V² at "
            f"{in_units(fast, 'Hz')}"
        )
    return (
        "Sixth, the pulses of a threshold device under amplitude modulation. Long ones drive up to "
        f"{100 * min(most):.0f} and {100 * max(most):.0f} % of the devices to a bound (mean over "
        "the epochs, at the voltage that drives most of them there). Least loss at the best of the "
        f"voltages tried: {' and '.join(parts)}."
    )
