"""What the sweeps beyond the paper say: a picture, a table or a few numbers for each question."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report import STYLES, in_units, new_figure, save_figure
from ._claims import CONVERGED
from ._training import title

if TYPE_CHECKING:
    import xarray as xr

Datasets = Mapping[str, "xr.Dataset"]
Table = tuple[Sequence[str], list[list[Any]]]


def linear_optimum(spec_name: str) -> float:
    """Least loss (V^2) that any linear function of a spec's inputs and a bias can have.

    Least squares; the network without conducting diodes is such a function, with bounded weights.
    """
    from ..experiments import build, load_spec

    data = build(load_spec(spec_name).spec).data
    inputs = np.column_stack([data.inputs, np.ones(len(data.inputs))])
    weights = np.linalg.lstsq(inputs, data.targets, rcond=None)[0]
    return float(0.5 * np.mean((inputs @ weights - data.targets) ** 2))


def best_factor(rates: "xr.Dataset") -> "xr.DataArray":
    """The factor of the rate with the least mean loss, for every cell."""
    loss = rates["min_loss"].mean("seed", skipna=False)
    return loss["factor"].isel(factor=loss.fillna(np.inf).argmin("factor")).drop_vars("factor")


def draw_rates(rates: "xr.Dataset", png: Path) -> Path:
    """Least loss over the rate, a line for each range: median and quartiles of the models."""
    loss = rates["min_loss"].mean("seed").sel(modulation="pwm").isel(hidden=0)
    figure = new_figure((4.6 * loss.sizes["dataset"], 3.8))
    panels = figure.subplots(1, loss.sizes["dataset"], squeeze=False)[0]
    for a, dataset in zip(panels, loss["dataset"].values, strict=True):
        own = loss.sel(dataset=dataset)
        _lines(a, own, "factor")
        a.set(xscale="log", xlabel="rate over the published one", title=_plain(dataset))
    panels[0].set_ylabel("least loss in 50 epochs (V²)")
    panels[-1].legend(frameon=False, title="R_off")
    return save_figure(figure, png)


def tuned_table(tuned: "xr.Dataset") -> Table:
    """Loss and held-out accuracy at each cell's own rate, mean and spread over the seeds."""
    rows = []
    own = tuned.sel(modulation="pwm").isel(hidden=0)
    for dataset in own["dataset"].values:
        for span in own["r_off"].values:
            for model in own["model"].values:
                cell = own.sel(dataset=dataset, r_off=span, model=model)
                loss, accuracy = cell["min_loss"], 100 * cell["test_accuracy"]
                rows.append(
                    [
                        _plain(dataset),
                        in_units(float(span), "Ω"),
                        title(str(model)),
                        f"{float(loss.mean()):.4f} ± {float(loss.std(ddof=1)):.4f}",
                        f"{float(accuracy.mean()):.1f} ± {float(accuracy.std(ddof=1)):.1f}",
                        f"{100 * float(cell['clipped_fraction'].mean()):.1f}",
                    ]
                )
    heads = (
        "dataset",
        "R_off",
        "model",
        "least loss (V²)",
        "held-out (%)",
        "at a bound (%, mean over epochs)",
    )
    return heads, rows


def best_after(sweep: "xr.Dataset", epochs: int, factor: float | None = None) -> "xr.DataArray":
    """Least mean loss within `epochs`, at one factor of the rate or at the best of them."""
    loss = sweep["loss"].isel(epoch=slice(0, epochs)).min("epoch")
    loss = loss.mean("seed", skipna=False) if "seed" in loss.dims else loss
    if "factor" not in loss.dims:
        return loss
    return loss.min("factor") if factor is None else loss.sel(factor=factor)


def draw_confound(data: Datasets, floor: float, png: Path) -> Path:
    """Least loss over the ratio from two starts, and over the place of the range at one ratio."""
    figure = new_figure((10.4, 4.0))
    left, right = figure.subplots(1, 2, sharey=True)
    many = data["ratio_fixed_start"].sizes["epoch"]
    shown = (
        ("ratio_moving_start", 50, 1.0, "50 epochs, published rate, start as in the paper"),
        ("ratio_fixed_start", 50, 1.0, "50 epochs, published rate, one start"),
        ("ratio_moving_start", many, None, f"{many} epochs, best rate, start as in the paper"),
        ("ratio_fixed_start", many, None, f"{many} epochs, best rate, one start"),
    )
    for (name, epochs, factor, label), (colour, dashes) in zip(shown, STYLES, strict=False):
        loss = best_after(data[name], epochs, factor).isel(base=0)
        ratio = loss.r_off.values / 100
        left.plot(ratio, loss, color=colour, linestyle=dashes, marker="o", ms=3, label=label)
    left.set(xscale="log", xlabel="R_off/R_on, R_on = 100 Ω", ylabel="least loss (V²)")
    for (epochs, factor, label), (colour, dashes) in zip(
        ((50, 1.0, "50 epochs, published rate"), (many, None, f"{many} epochs, best rate")),
        STYLES,
        strict=False,
    ):
        loss = best_after(data["shifted_range"], epochs, factor).isel(base=0)
        right.plot(
            loss.r_on.values, loss, color=colour, linestyle=dashes, marker="o", ms=3, label=label
        )
    right.set(xscale="log", xlabel="R_on (Ω), R_off = 10 R_on")
    for a in (left, right):
        a.axhline(floor, color="#b0b0b0", linewidth=1, label="best linear function")
        a.legend(frameon=False, fontsize="small")
        a.grid(alpha=0.25)
    return save_figure(figure, png)


def draw_epochs(sweeps: Datasets, png: Path) -> Path:
    """Loss over epochs for every range, the median of the models, at two rates."""
    figure = new_figure((5.0 * len(sweeps), 4.0))
    panels = figure.subplots(1, len(sweeps), squeeze=False)[0]
    for a, (name, sweep) in zip(panels, sweeps.items(), strict=True):
        loss = sweep["loss"].isel(modulation=0, dataset=0, hidden=0).median("model")
        for (span, own), (colour, dashes) in zip(loss.groupby("r_off"), STYLES, strict=False):
            for factor, width in ((1.0, 0.9), (10.0, 2.2)):
                label = f"{in_units(float(span), 'Ω')}, {factor:g} × rate"  # pyright: ignore[reportArgumentType]
                line = own.sel(factor=factor).squeeze()
                style = {"color": colour, "linestyle": dashes, "linewidth": width}
                a.plot(loss.epoch, line, label=label, **style)
        a.set(xscale="log", xlabel="epoch", title=_plain(name.removeprefix("epochs_")))
        a.grid(alpha=0.25)
    panels[0].set_ylabel("loss (V²)")
    panels[-1].legend(frameon=False, fontsize="small", title="R_off")
    return save_figure(figure, png)


def epochs_table(sweeps: Datasets, floors: Mapping[str, float]) -> Table:
    """Models of seven that come near the best linear function, after 50 epochs and after all."""
    rows = []
    for name, sweep in sweeps.items():
        whole = sweep["loss"].isel(modulation=0, dataset=0, hidden=0)
        for epochs in (50, whole.sizes["epoch"]):
            for factor in whole.factor.values:
                loss = whole.sel(factor=factor).isel(epoch=slice(0, epochs)).min("epoch")
                reach = loss <= CONVERGED * floors[name]
                rows.append(
                    [_plain(name.removeprefix("epochs_")), epochs, f"{factor:g}"]
                    + [f"{int(n)} of {loss.sizes['model']}" for n in reach.sum("model").values]
                )
    return ("dataset", "epochs", "rate ×", *_ohms(next(iter(sweeps.values())))), rows


def draw_diodes(diodes: "xr.Dataset", floor: float, png: Path) -> Path:
    """Least loss and conducting diodes over the threshold: median and quartiles of the models."""
    loss = diodes["min_loss"].mean("seed").min("factor").isel(modulation=0, dataset=0, hidden=0)
    on = (
        diodes["diode_on_fraction"].mean(["seed", "factor"]).isel(modulation=0, dataset=0, hidden=0)
    )
    figure = new_figure((9.6, 3.8))
    left, right = figure.subplots(1, 2)
    for a, values, scale in ((left, loss, 1.0), (right, on, 100.0)):
        _lines(a, scale * values, "v_th")
        a.set(xscale="log", xlabel="threshold of the diodes (V)")
    left.axhline(floor, color="#b0b0b0", linewidth=1)
    left.set_ylabel("least loss (V²)")
    right.set_ylabel("conducting diodes (%)")
    right.legend(frameon=False, title="R_off")
    return save_figure(figure, png)


def readings_table(readings: Datasets) -> Table:
    """Least loss by range, median over models and sizes, in each reading of the paper."""
    rows = []
    shared = min((cells["hidden"].values for cells in readings.values()), key=len)
    for name, cells in readings.items():
        for dataset in cells["dataset"].values:
            loss = cells["min_loss"].sel(modulation="pwm", dataset=dataset, hidden=shared)
            loss = loss.mean("seed", skipna=False) if "seed" in loss.dims else loss
            rows.append([name, _plain(dataset), *loss.median(["model", "hidden"]).values.tolist()])
    return ("reading", "dataset", *_ohms(next(iter(readings.values())))), rows


def estimators_table(sweep: "xr.Dataset") -> Table:
    """Least loss of each estimator and nudge at the best rate; and over the exact gradient's."""
    own = sweep["min_loss"].mean("seed").min("factor")
    rows = []
    for estimator in own["estimator"].values:
        for beta in own["beta"].values:
            cells = own.sel(estimator=estimator, beta=beta)
            ratio = cells / own.sel(estimator="exact", beta=beta)
            mean, least, most = (float(v) for v in (cells.mean(), ratio.min(), ratio.max()))
            rows.append([str(estimator), f"{beta:g}", mean, f"{least:.3f} to {most:.3f}"])
    return ("estimator", "β (S)", "mean least loss (V²)", "over the exact gradient's"), rows


def equations_table(sweep: "xr.Dataset") -> Table:
    """Least loss of each model's variants at their best rates, range by range."""
    loss = sweep["min_loss"].mean("seed").min("factor")
    rows: dict[str, list[Any]] = {}
    for variant, value in zip(loss["variant"].values, loss.values, strict=True):
        name = str(variant).rpartition(", ")[0]
        rows.setdefault(name, [name]).append(float(value))
    return ("model, pulses", "500 Ω", "1 kΩ", "10 kΩ", "100 kΩ"), list(rows.values())


def _lines(a: Any, values: "xr.DataArray", over: str) -> None:
    """A line for each range: the median of the models, with their quartiles shaded."""
    low, middle, high = (
        values.quantile(q, "model").transpose("r_off", over).values for q in (0.25, 0.5, 0.75)
    )
    x = values[over].values
    for k, (label, (colour, dashes)) in enumerate(zip(_ohms(values), STYLES, strict=False)):
        a.fill_between(x, low[k], high[k], color=colour, alpha=0.12, linewidth=0)
        a.plot(x, middle[k], color=colour, linestyle=dashes, marker="o", ms=3, label=label)
    a.grid(alpha=0.25)


def _ohms(data: Any) -> list[str]:
    return [in_units(float(r), "Ω") for r in data["r_off"].values]


def _plain(name: Any) -> str:
    return str(name).replace("_", " ").capitalize()
