"""Figures 10 and 11: 336 training runs, the least loss of each by pulse width and by amplitude."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..experiments import HIDDEN, MODELS, RANGES, SCHEMES
from ..report import draw_heatmaps, save_figure
from ._loops import SETTINGS

if TYPE_CHECKING:
    import xarray as xr

SIZES = ("large", "medium", "small")
DIMS = ("modulation", "dataset", "hidden", "r_off", "model")
READINGS = {"ebana": "as the code ran", "seed": "as the paper states"}


def title(model: str) -> str:
    """The model's name as people write it; another name as it is."""
    return SETTINGS[model].title if model in SETTINGS else {"linear": "Linear"}.get(model, model)


def spec_names(
    reading: str,
    *,
    modulations: Sequence[str] = SCHEMES,
    datasets: Sequence[str] = tuple(HIDDEN),
    sizes: Sequence[str] = SIZES,
    ranges: Sequence[str] = tuple(RANGES),
    models: Sequence[str] = MODELS,
) -> list[str]:
    """Names of the built-in specs of these cells, in the order of `DIMS`, the last one fastest."""
    return [
        f"{reading}-{dataset}-h{HIDDEN[dataset][SIZES.index(size)]}-{span}-{model}-{modulation}"
        for modulation, dataset, size, span, model in product(
            modulations, datasets, sizes, ranges, models
        )
    ]


def arrange(
    dataset: "xr.Dataset",
    axis: str = "base",
    *,
    modulations: Sequence[str] = SCHEMES,
    datasets: Sequence[str] = tuple(HIDDEN),
    sizes: Sequence[str] = SIZES,
    ranges: Sequence[str] = tuple(RANGES),
    models: Sequence[str] = MODELS,
) -> "xr.Dataset":
    """A sweep over `spec_names` of the same arguments with `DIMS` for dimensions.

    `neurons` [dataset, hidden] says how many a size is. The dimension `axis` is replaced; others
    (seeds, factors, epochs) stay.
    """
    import xarray as xr

    points: dict[str, Sequence[Any]] = {
        "modulation": modulations,
        "dataset": datasets,
        "hidden": sizes,
        "r_off": [RANGES[span] for span in ranges],
        "model": models,
    }
    index = np.arange(int(np.prod([len(p) for p in points.values()])))
    places = np.unravel_index(index, tuple(len(p) for p in points.values()))
    arranged = dataset.drop_vars([v for v in dataset.coords if dataset[v].dims == (axis,)])
    arranged = arranged.assign_coords(
        {
            dim: (axis, np.asarray(values, dtype=_kind(values))[place])
            for (dim, values), place in zip(points.items(), places, strict=True)
        }
    )
    arranged = arranged.set_index({axis: list(DIMS)}).unstack(axis)
    arranged = arranged.reindex({dim: list(values) for dim, values in points.items()})
    rest = [d for d in arranged.dims if d not in DIMS]
    arranged = arranged.transpose(*DIMS, *rest)
    arranged["failure"] = arranged["failure"].astype(object)
    neurons = [[HIDDEN[d][SIZES.index(size)] for size in sizes] for d in datasets]
    arranged = arranged.assign_coords(
        neurons=(("dataset", "hidden"), np.asarray(neurons), {"long_name": "hidden neurons"})
    )
    arranged["r_off"] = xr.DataArray(
        arranged["r_off"].values,
        dims="r_off",
        attrs={"units": "ohm", "key": "device.r_off", "long_name": "R_off"},
    )
    return arranged


def _kind(values: Sequence[Any]) -> Any:
    return object if isinstance(values[0], str) else float


def loss_limits(cells: "xr.Dataset") -> tuple[float, float]:
    """The ends of a colour scale that holds every least loss of `cells`."""
    found = cells["min_loss"].values
    finite = found[np.isfinite(found)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


_TITLES = {
    "pwm": "Figure 10: least loss in 50 epochs, pulse width modulation",
    "pam": "Figure 11: least loss in 50 epochs, pulse amplitude modulation",
}


def draw_training(
    cells: "xr.Dataset",
    modulation: str,
    png: str | Path,
    *,
    reading: str = "",
    limits: tuple[float, float] | None = None,
) -> Path:
    """Draw Figure 10 (`pwm`) or 11 (`pam`) into a PNG; returns its path.

    A panel for each dataset and size, models over R_off as in the paper; one colour scale for both
    figures, or between `limits`. Seeds are averaged. `reading` goes into the title.
    """
    both = cells["min_loss"]
    both = both.mean("seed") if "seed" in both.dims else both
    values = both.sel(modulation=modulation).transpose("dataset", "hidden", "model", "r_off")
    names = [
        f"{str(dataset).replace('_', ' ').capitalize()}, "
        f"{int(cells.neurons.sel(dataset=dataset, hidden=size))} hidden"
        for dataset in cells.dataset.values
        for size in cells.hidden.values
    ]
    values = values.assign_coords(model=[title(m) for m in values.model.values])
    figure = draw_heatmaps(
        values,
        label="least loss (V²)",
        title=_TITLES[modulation] + (f" ({reading})" if reading else ""),
        names=names,
        columns=len(cells.hidden),
        limits=limits or loss_limits(cells),
    )
    return save_figure(figure, png)
