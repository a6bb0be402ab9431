"""A sweep drawn: one number of every cell as lines or as heat maps with the values printed."""

import textwrap
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ohmprop.report._figure import STYLES, in_units, new_figure, save_figure

if TYPE_CHECKING:
    import xarray as xr

_PANELS = 24
_PRINTED = 400  # cells of a panel, beyond which values are not printed
COLOURS = "cividis"  # even steps of lightness: legible in grey and to the colour-blind


def plot_sweep(dataset: "xr.Dataset", png: str | Path, *, variable: str = "min_loss") -> Path:
    """Draw `variable` over the axes of a sweep into a PNG; returns its path."""
    return save_figure(draw_sweep(dataset, variable=variable), png)


def draw_sweep(dataset: "xr.Dataset", *, variable: str = "min_loss") -> Any:
    """The figure of `plot_sweep`.

    The axis of seeds is averaged. Of one axis left, a line is drawn; of more, heat maps over the
    last two on one colour scale, a panel for each point of the others. A cell of which any seed
    failed is marked with a cross.
    """
    if not dataset[variable].dims:  # one cell, such as the best point of a tuned axis
        dataset = dataset.expand_dims(run=["1"])
    values = dataset[variable]
    seeds = [d for d in values.dims if dataset[d].attrs.get("key") == "seed"]
    mean = values.mean(seeds, skipna=False) if seeds else values
    what = f"{values.attrs.get('long_name', variable)}{_unit(values)}"
    title = str(dataset.attrs.get("title", ""))
    averaged = f"\nmean of {int(np.prod([values.sizes[d] for d in seeds]))} seeds" if seeds else ""
    if mean.ndim <= 1:
        return _line(dataset, values, mean, seeds, what, title)
    return draw_heatmaps(mean, label=what + averaged, title=title)


def _unit(values: "xr.DataArray") -> str:
    unit = {"V^2": "V²"}.get(values.attrs.get("units", "1"), values.attrs.get("units", "1"))
    return "" if unit == "1" else f" ({unit})"


def _line(
    dataset: "xr.Dataset",
    values: "xr.DataArray",
    mean: "xr.DataArray",
    seeds: list[Any],
    what: str,
    title: str,
) -> Any:
    """The mean along one axis, and the range of the seeds about it."""
    figure = new_figure((6.4, 4.2))
    axes = figure.add_subplot()
    colour, dashes = STYLES[0]
    if mean.ndim == 0:
        over, labels, where = np.asarray(values), tick_labels(dataset[seeds[0]]), seeds[0]
        low = high = None
    else:
        where = mean.dims[0]
        over, labels = np.asarray(mean), tick_labels(dataset[where])
        low, high = (np.asarray(f(seeds)) if seeds else None for f in (values.min, values.max))
    points = np.asarray(dataset[where])
    numeric = points.dtype.kind in "if" and len(points) > 1
    x = points if numeric else np.arange(len(points))
    if low is not None and high is not None:
        axes.fill_between(x, low, high, color=colour, alpha=0.2, label="range of the seeds")
    axes.plot(x, over, color=colour, linestyle=dashes, marker="o", label="mean")
    if numeric and points.min() > 0 and points.max() / points.min() > 30:
        axes.set_xscale("log")
    if not numeric:
        axes.set_xticks(x, labels)
    axes.set(xlabel=dataset[where].attrs.get("key", where), ylabel=what, title=title)
    if low is not None:
        axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    return figure


def draw_heatmaps(
    values: "xr.DataArray",
    *,
    label: str,
    title: str = "",
    columns: int | None = None,
    names: Sequence[str] | None = None,
    limits: tuple[float, float] | None = None,
) -> Any:
    """Heat maps of an array over its last two dimensions, a panel for each point of the others.

    One colour scale for all, between `limits` if given; light is small. `label` stands at it,
    `names` over the panels.
    """
    *outer, rows, across = values.dims
    points = list(product(*(range(values.sizes[d]) for d in outer)))[:_PANELS]
    columns = columns or min(len(points), 3)
    lines = -(-len(points) // columns)
    height, width = values.sizes[rows], values.sizes[across]
    figure = new_figure(
        (
            max(min(0.75 * width + 1.6, 9) * columns, 5.0),
            max(min(0.36 * height + 1.1, 8) * lines, 3.4),
        )
    )
    finite = np.asarray(values)[np.isfinite(values)]
    ends = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = limits or ends
    image = None
    panels = figure.subplots(lines, columns, squeeze=False)
    for k, panel in enumerate(panels.flat):
        if k >= len(points):
            panel.set_axis_off()
            continue
        picked = values.isel(dict(zip(outer, points[k], strict=True)))
        table = np.asarray(picked)
        image = panel.imshow(table, aspect="auto", cmap=f"{COLOURS}_r", vmin=low, vmax=high)
        panel.set_xticks(range(width), tick_labels(values[across]), fontsize=8)
        panel.set_yticks(range(height), tick_labels(values[rows]), fontsize=8)
        panel.set_xlabel(_label(values[across]), fontsize=8)
        panel.set_ylabel(_label(values[rows]), fontsize=8)
        shown = ", ".join(
            f"{d} {tick_labels(values[d])[i]}" for d, i in zip(outer, points[k], strict=True)
        )
        panel.set_title(names[k] if names else shown, fontsize=9)
        if table.size <= _PRINTED:
            _print(panel, table, low, high)
    if image is not None:
        figure.colorbar(image, ax=panels.ravel().tolist(), label=label, shrink=0.9)
    more = int(np.prod([values.sizes[d] for d in outer])) - len(points)
    title += f" (first {_PANELS} panels; {more} more)" if more > 0 else ""
    figure.suptitle(textwrap.fill(title, int(9 * figure.get_size_inches()[0])))
    return figure


def _print(panel: Any, table: np.ndarray, low: float, high: float) -> None:
    """The values in the cells, white on dark; a cross where there is none."""
    finite = np.abs(table[np.isfinite(table) & (table != 0)])
    most = finite.max() if finite.size else 1.0
    digits = int(max(2 - np.floor(np.log10(most)), 0))
    # One number of decimals, where that leaves the least of them two digits.
    alike = finite.size and finite.min() >= 10.0 ** (1 - digits) and most < 1e4

    def shown(value: float) -> str:
        return f"{value:.{digits}f}" if alike else f"{value:.3g}"

    for (i, j), value in np.ndenumerate(table):
        if not np.isfinite(value):
            panel.text(j, i, "×", ha="center", va="center", fontsize=9)
            continue
        dark = value > low + 0.55 * (high - low)
        panel.text(
            j,
            i,
            shown(value),
            ha="center",
            va="center",
            fontsize=7,
            color="white" if dark else "black",
        )


def _axis_name(coordinate: "xr.DataArray") -> str:
    return str(coordinate.attrs.get("key", coordinate.name)).split(", ")[0]


def _label(coordinate: "xr.DataArray") -> str:
    return str(coordinate.attrs.get("long_name", _axis_name(coordinate)))


_UNITS = {"r_off": "Ω", "r_on": "Ω", "frequency": "Hz", "amplitude": "V"}


def tick_labels(coordinate: "xr.DataArray") -> list[str]:
    """The points of an axis in a few characters each."""
    unit = _UNITS.get(_axis_name(coordinate).rpartition(".")[2], "")
    labels = []
    for value in coordinate.values.tolist():
        if isinstance(value, float):
            labels.append(in_units(value, unit) if unit else f"{value:.4g}")
        else:
            labels.append(str(value))
    return labels
