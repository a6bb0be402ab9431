"""The command sweep: many runs of one spec, along named axes."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer

from ohmprop._core import BadInput


def sweep(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML or JSON spec with a `sweep` section.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.nc", help="NetCDF file for the results.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=VALUE", help="Change one key of the base spec."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of the base spec.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the sweep in FILE.nc.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.nc.")] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Threads that train side by side.")
    ] = 2,
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
    from ohmprop.experiments import load_sweep

    if out.suffix != ".nc":
        raise BadInput(f"--out {out}: expected a NetCDF file, such as {out.with_suffix('.nc')}")
    if not out.absolute().parent.is_dir():
        raise BadInput(f"--out {out}: the folder {out.parent} does not exist; make it first")
    plan = load_sweep(spec, set_, seed)
    prepare_jax()
    from ohmprop.experiments import run_sweep
    from ohmprop.report import plot_sweep

    console = Console(highlight=False)
    with _Monitor(console, len(plan)) as monitor:
        dataset = run_sweep(
            plan,
            out,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            scheduler=scheduler,
            progress=monitor.update,
        )
    picture = plot_sweep(dataset, out.with_suffix(".png"))
    _report(console, dataset, out, picture)


def _report(console: Any, dataset: Any, out: Path, picture: Path) -> None:
    """The best cell, the failures, and where everything is."""
    losses, failures = dataset["min_loss"], dataset["failure"].values.ravel()
    reasons = [str(reason) for reason in failures if reason]
    if losses.notnull().any():
        best = losses.isel(losses.argmin(...))
        where = ", ".join(f"{d} {best[d].item()}" for d in losses.dims)
        console.print(f"least loss {best.item():.6g} at {where}", soft_wrap=True, markup=False)
    if reasons:
        first = max(set(reasons), key=reasons.count)
        console.print(
            f"{len(reasons)} of {failures.size} cells failed, most often: {first}",
            soft_wrap=True,
            markup=False,
        )
    console.print(f"dataset: {out}, picture: {picture}", soft_wrap=True, markup=False)


class _Monitor:
    """Context manager showing cells done, failed, rate and time left."""

    def __init__(self, console: Any, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._console, self._last = console, 0.0
        self._bar = Progress(
            TextColumn("cells"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
        )
        self._task = self._bar.add_task("sweep", total=total, note="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, state: Any) -> None:
        """Show how far the sweep is."""
        rate = state.fresh / state.seconds if state.fresh else 0.0
        left = (state.total - state.done) / rate if rate else None
        note = f"{rate:.3g} cells/s" if rate else "compiling"
        if left is not None:
            note += f", {_duration(left)} left"
        if state.failed:
            note += f", {state.failed} failed"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=state.done, note=note)
            return
        now = time.monotonic()
        if now - self._last > 2 or state.done == state.total:
            sys.stdout.write(f"cells {state.done}/{state.total}  {note}\n")
            sys.stdout.flush()
            self._last = now


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
