"""The command sweep: many runs of one spec, along named axes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ohmprop._core import BadInput
from ohmprop.cli._option import SeedOption, SetOption, WorkersOption


def sweep(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML or JSON spec with a `sweep` section.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.nc", help="NetCDF file for the results.")
    ],
    set_: SetOption = None,
    seed: SeedOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the sweep in FILE.nc.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.nc.")] = False,
    workers: WorkersOption = 2,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="tcp://HOST:PORT", help="Run on this Dask cluster instead."
        ),
    ] = None,
) -> None:
    """Train every combination of a spec's axes and leave one labelled dataset and a picture."""
    from rich.console import Console

    from ohmprop.cli._cache import prepare_jax
    from ohmprop.cli._live import SweepMonitor
    from ohmprop.experiments import load_sweep

    if out.suffix != ".nc":
        raise BadInput(f"--out {out}: expected a NetCDF file, such as {out.with_suffix('.nc')}")
    if not out.absolute().parent.is_dir():
        raise BadInput(f"--out {out}: the folder {out.parent} does not exist; make it first")
    png = out.with_suffix(".png")
    if png.exists() and not (resume or overwrite or out.exists()):
        raise BadInput(f"{png} exists; choose another --out, or replace it with --overwrite")
    plan = load_sweep(spec, set_, seed)
    prepare_jax()
    from ohmprop.experiments import run_sweep
    from ohmprop.report import plot_sweep

    console = Console(highlight=False)
    with SweepMonitor(console, len(plan)) as monitor:
        dataset = run_sweep(
            plan,
            out,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            scheduler=scheduler,
            progress=monitor.update,
        )
    picture = plot_sweep(dataset, png)
    _report(console, dataset, out, picture)


def _report(console: Any, dataset: Any, out: Path, picture: Path) -> None:
    """The best cell, the failures, and where everything is."""
    losses, failures = dataset["min_loss"], dataset["failure"].values.ravel()
    reasons = [str(reason) for reason in failures if reason]
    if losses.notnull().any():
        best = losses.isel(losses.argmin(...))
        point = {k: v.item() for k, v in best.coords.items() if v.attrs.get("key")}
        where = ", ".join(f"{name} {value}" for name, value in point.items())
        console.print(f"least loss {best.item():.6g} at {where}", soft_wrap=True, markup=False)
    if reasons:
        first = max(set(reasons), key=reasons.count)
        console.print(
            f"{len(reasons)} of {failures.size} cells failed, most often: {first}",
            soft_wrap=True,
            markup=False,
        )
    console.print(f"dataset: {out}, picture: {picture}", soft_wrap=True, markup=False)
