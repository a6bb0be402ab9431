"""The closing section of the report: what limits learning, with the numbers that say so."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._answers import best_after
from ._claims import Claim, relative_loss

if TYPE_CHECKING:
    import xarray as xr


def what_limits(
    claims: "Sequence[Claim]",
    readings: "Mapping[str, xr.Dataset]",
    data: "Mapping[str, xr.Dataset]",
    floor: float,
) -> list[str]:
    """Paragraphs; every number in them is of this report's own runs."""
    del claims
    return [
        _steps(readings, data),
        _ratio(data, floor),
        _place(data, floor),
        _linearity(readings, data, floor),
        _rest(data),
    ]


def _steps(readings: "Mapping[str, xr.Dataset]", data: "Mapping[str, xr.Dataset]") -> str:
    narrow = {
        name: relative_loss(cells.mean("seed") if "seed" in cells.dims else cells)
        .sel(modulation="pwm", r_off=500.0)
        .values
        for name, cells in readings.items()
    }
    stated, tuned = narrow["as stated"], narrow["tuned"]
    reach = [f"{int((v <= 1.5).sum())} of {v.size}" for v in (stated, tuned)]
    slow = best_after(data["ratio_moving_start"], 50, 1.0).isel(base=0).sel(r_off=500.0)
    quick = best_after(data["ratio_moving_start"], 50).isel(base=0).sel(r_off=500.0)
    many = data["ratio_moving_start"].sizes["epoch"]
    long = best_after(data["ratio_moving_start"], many).isel(base=0).sel(r_off=500.0)
    return (
        "First, the size of a step. At R_off = 500 Ω the published rates are too small, for a "
        "conductance there is greater and the same step moves the voltages less. With the linear "
        f"device on Iris the loss is {float(slow):.4f} V² after 50 epochs at the published rate, "
        f"{float(quick):.4f} V² at the best of three rates, and {float(long):.4f} V² after "
        f"{many} epochs: what was called a failure to converge was mostly slowness. With a rate "
        f"for each cell, {reach[1]} cells at 500 Ω come within 1.5 times the least loss of their "
        f"network, against {reach[0]} at the published rates (pulse width modulation)."
    )


def _ratio(data: "Mapping[str, xr.Dataset]", floor: float) -> str:
    many = data["ratio_fixed_start"].sizes["epoch"]
    loss = best_after(data["ratio_fixed_start"], many).isel(base=0)
    shown = ", ".join(
        f"{float(loss.sel(r_off=r)):.4f} at {r / 100:g}" for r in (200.0, 500.0, 1e3, 1e4)
    )
    return (
        "Second, the ratio itself, for what a network can represent. A weight is a difference of "
        "conductances over their sum, and a narrow range bounds it. From one and the same "
        "start, at "
        f"the best rate and after {many} epochs, the least loss falls with R_off/R_on: {shown} V². "
        f"The best linear function has {floor:.4f} V²: a ratio of ten reaches it to "
        f"{100 * (float(loss.sel(r_off=1e3)) / floor - 1):.0f} %, a ratio of five stays "
        f"{100 * (float(loss.sel(r_off=500.0)) / floor - 1):.0f} % above. So the paper's figure of "
        "ten is a good one, but it is no cliff, and not a matter of convergence: below it the "
        "network converges to what it can still represent, and most of its devices stand at a "
        "bound."
    )


def _place(data: "Mapping[str, xr.Dataset]", floor: float) -> str:
    many = data["shifted_range"].sizes["epoch"]
    loss = best_after(data["shifted_range"], many).isel(base=0)
    fifty = best_after(data["shifted_range"], 50, 1.0).isel(base=0)
    return (
        "Third, where the range lies does not matter, if the rate goes with it. At a ratio of ten, "
        f"R_on from {float(loss.r_on.min()):g} Ω to {float(loss.r_on.max()) / 1e3:g} kΩ, the least "
        f"loss at the best rate is {float(loss.min()):.4f} to {float(loss.max()):.4f} V² (linear "
        f"optimum {floor:.4f}); at one rate and 50 epochs it is {float(fifty.min()):.4f} to "
        f"{float(fifty.max()):.4f} V². Voltages depend on ratios of conductances only."
    )


def _linearity(
    readings: "Mapping[str, xr.Dataset]", data: "Mapping[str, xr.Dataset]", floor: float
) -> str:
    on = readings["as stated"]["diode_on_fraction"]
    loss = data["diodes"]["min_loss"].mean("seed").min("factor").median("model")
    wide = loss.sel(r_off=1e4).squeeze()
    best = wide.isel(v_th=int(wide.argmin("v_th")))
    return (
        "Fourth, the network is linear. With the paper's diodes "
        f"{100 * float(on.mean()):.2g} % of them conduct on average, and "
        f"{100 * float((on < 1e-3).mean()):.0f} % of the cells have next to none that do. "
        "What such "
        "a network can learn is a linear function. With thresholds that the hidden voltages reach, "
        f"the least loss on Iris at 10 kΩ goes from {float(wide.sel(v_th=0.3)):.4f} V² to "
        f"{float(best):.4f} V² at {float(best.v_th):g} V (median of the models; best linear "
        f"function {floor:.4f}); diodes that conduct all the time short the signal instead."
    )


def _rest(data: "Mapping[str, xr.Dataset]") -> str:
    estimators = data["estimators"]["min_loss"]
    mean = estimators.sel(beta=1e-6).mean(
        [d for d in estimators.dims if d not in ("estimator", "beta")]
    )
    spread = float(mean.max() / mean.min() - 1)
    equations = data["equations"]["min_loss"].mean("seed").min("factor")
    names = [str(v) for v in equations["variant"].values]
    change = [
        float(equations.sel(variant=exact) / equations.sel(variant=euler) - 1)
        for euler in names
        if ", euler" in euler
        for exact in (euler.replace(", euler", ", exact"),)
    ]
    return (
        "What does not limit it: the estimator, for at the paper's β all four end within "
        f"{100 * spread:.1g} % of each other; and the integration of the pulses, which changes the "
        f"least loss by {100 * float(np.median(np.abs(change))):.1g} % in the median and "
        f"{100 * float(np.max(np.abs(change))):.2g} % at most. The device matters through its rate "
        "of change: one whose speed depends on its state needs a rate of its own for every range, "
        "and a threshold device needs pulses that are short, not weak."
    )
