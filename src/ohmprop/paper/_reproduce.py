"""Everything about the seed paper in one folder: its figures, its runs, its claims, one report."""

import csv
import io
import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from .. import __version__
from .._core import BadInput
from ..experiments import HIDDEN, State, load_sweep, run_sweep, write_dataset, write_text
from . import _further as further
from ._answers import best_factor
from ._bound import about_bound
from ._claims import Claim, about_adam, about_frequencies, about_training, of_statements
from ._current import Current, draw_figure_8, figure_8
from ._diodes import Curve, draw_figure_4, figure_4
from ._loops import MODELS, Panel, draw_figure_9, figure_9
from ._pulses import Pulses, draw_figure_6, figure_6
from ._report import write_report
from ._statements import about_current, about_diodes, about_loops, about_pulses
from ._training import arrange, draw_training, loss_limits, spec_names

if TYPE_CHECKING:
    import xarray as xr

_BRIEF = {"datasets": ["iris"], "sizes": ["large"]}  # what a quick report does beyond the paper
_COLUMNS = ("as run", "as stated", "tuned")
_STAGES = 6  # besides what goes beyond the paper: four sweeps of Figures 10 and 11, others, report


class Stage(NamedTuple):
    """Where a reproduction is: the stage, of how many, and how far its sweep is, if it is one."""

    number: int
    total: int
    title: str
    state: State | None


Progress = Callable[[Stage], None]


def reproduce(
    out: str | Path,
    *,
    quick: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> list[Claim]:
    """Recompute the seed paper's figures and claims, go beyond them, and write it all to `out`.

    `out` gets figure_4.png to figure_11.png, the data of figures 4 to 9 as CSV, cells.nc with
    Figures 10 and 11, claims.csv, report.html, and the datasets of all sweeps in data/. What is
    done when it is interrupted is not done again with `resume`.

    Args:
        out: folder, made if need be.
        quick: the paper's 336 runs in full, of what goes beyond them only Iris at one size and few
            seeds.
        resume: continue what `out` holds.
        overwrite: replace what `out` holds.
        workers: threads that train side by side.
        progress: called as work goes on, also from other threads, and for two stages by turns.

    Returns:
        The claims with their verdicts.

    Raises:
        BadInput: `out` holds something and neither `resume` nor `overwrite` is given, or it was
            made by another version or with another `quick`.
    """
    out = Path(out)
    _claim_folder(out, quick, resume, overwrite)
    with jax.enable_x64(True):
        return _reproduce(out, _Run(out, quick, workers, progress), quick)


def _reproduce(out: Path, run: "_Run", quick: bool) -> list[Claim]:
    with ThreadPoolExecutor(1, thread_name_prefix="figures") as beside, run:
        found = run.beside = beside.submit(_beside, run.check)
        readings = run.training()
        data = run.beyond()
        run.tell("figures 4, 6, 8 and 9")
        figures, bound = found.result()
        claims = [*_write_figures(figures, out), bound]
    claims.append(about_adam(data["adam"], data["descent"]))
    claims += about_training(readings)
    for model, fast in further.FAST.items():
        claims += about_frequencies(model, data[f"frequencies_{model}"], fast)
    _write_claims(claims, out / "claims.csv")
    run.tell("report")
    write_report(out, claims, readings, data, quick=quick)
    return claims


def _claim_folder(out: Path, quick: bool, resume: bool, overwrite: bool) -> None:
    if resume and overwrite:
        raise BadInput("--resume and --overwrite exclude each other")
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; expected a folder")
    marker = out / "reproduce.json"
    wanted = {"version": __version__, "quick": quick}
    if out.is_dir() and any(out.iterdir()):
        if not (resume or overwrite):
            raise BadInput(
                f"{out} is not empty; continue with --resume, replace with --overwrite, or choose "
                "another folder"
            )
        if not marker.is_file():
            what = "resume" if resume else "overwrite"
            raise BadInput(f"{out} holds no reproduction to {what}; choose another folder")
    if overwrite:
        for path in (out / "data").glob("*.nc*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif marker.is_file():
        try:
            found = json.loads(marker.read_text(encoding="utf-8"))
        except ValueError:
            raise BadInput(f"{marker}: cannot be read; start again with --overwrite") from None
        if found != wanted:
            raise BadInput(
                f"{out} was made with {found}, not {wanted}; continue with the same options and "
                "version, or start again with --overwrite"
            )
    (out / "data").mkdir(parents=True, exist_ok=True)
    write_text(marker, json.dumps(wanted) + "\n")


class _Figures(NamedTuple):
    """The data of figures 4, 6, 8 and 9."""

    curves: list[Curve]
    pulses: list[Pulses]
    current: Current
    panels: list[Panel]


def _beside(check: Callable[[], None]) -> tuple[_Figures, Claim]:
    """What needs no training; `check` is called now and then, and raises where that is the end."""
    with jax.enable_x64(True):  # of this thread
        curves, pulses, current, panels = figure_4(), figure_6(), figure_8(), []
        for model in MODELS:
            check()
            panels += figure_9([model])
        check()
        return _Figures(curves, pulses, current, panels), about_bound()


def _write_figures(figures: _Figures, out: Path) -> list[Claim]:
    """Draw the figures, write their data, and judge what the paper says of them."""
    curves, pulses, current, panels = figures
    statements = [
        *about_diodes(curves),
        *about_pulses(pulses),
        *about_current(current),
        *about_loops(panels),
    ]
    draw_figure_4(curves, out / "figure_4.png")
    draw_figure_6(pulses, out / "figure_6.png")
    draw_figure_8(current, out / "figure_8.png")
    draw_figure_9(panels, out / "figure_9.png")
    _write_csv(
        out / "figure_4.csv",
        ("shape", "law", "v", "current", "injected", "node"),
        (
            (c.shape, c.law, *row)
            for c in curves
            for row in zip(c.v, c.current, c.injected, c.node, strict=True)
        ),
    )
    _write_csv(
        out / "figure_6.csv",
        ("scheme", "start", "width", "v"),
        ((p.scheme, *row) for p in pulses for row in zip(p.start, p.width, p.v, strict=True)),
    )
    _write_csv(
        out / "figure_8.csv",
        ("v", "current", "line"),
        zip(current.v, current.current, current.line, strict=True),
    )
    _write_csv(
        out / "figure_9.csv",
        ("model", "frequency", "t", "v", "i", "x"),
        (
            (panel.model, float(loop.frequency), *row)
            for panel in panels
            for loop in panel.loops
            for row in np.stack([getattr(loop.trace, name) for name in "tvix"], 1)
        ),
    )
    return of_statements(statements)


class _Run:
    """One reproduction: its folder, its options, and how many of its stages are done.

    A context manager: what still runs when it ends by an error stops at its next chunk.
    """

    beside: Future[Any] | None = None  # whose error ends the run, too

    def __init__(self, out: Path, quick: bool, workers: int, progress: Progress | None) -> None:
        self._out, self._quick = out, quick
        self._workers, self._progress = workers, progress
        self._scope: dict[str, Any] = _BRIEF if quick else {}
        self._experiments = further.beyond(quick)
        self._stage, self._total = 0, _STAGES + len(self._experiments)
        self._lock, self._ended = threading.Lock(), threading.Event()

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._ended.set()

    def check(self) -> None:
        """Raise in a thread that has nothing to work for any more."""
        if self._ended.is_set():
            raise _Ended

    def tell(self, title: str) -> int:
        """Report a new stage; returns its number."""
        with self._lock:
            self._stage += 1
            number = self._stage
        self._report(Stage(number, self._total, title, None))
        return number

    def _report(self, stage: Stage) -> None:
        self.check()
        with self._lock:
            if self._progress:
                self._progress(stage)

    def training(self) -> "dict[str, xr.Dataset]":
        """Figures 10 and 11 in three readings: as run, as stated, and at tuned rates."""
        cells = arrange(self._sweep(further.cells("ebana")))
        write_dataset(cells, self._out / "cells.nc")
        for modulation, number in (("pwm", 10), ("pam", 11)):
            draw_training(cells, modulation, self._out / f"figure_{number}.png")
        stated = further.cells("seed", **self._scope)
        as_stated = arrange(self._sweep(stated), **self._scope)
        readings = {"as run": cells, "as stated": as_stated}
        names = spec_names("seed", **self._scope)
        rates = self._sweep(further.rates(names, self._quick))
        factors = best_factor(rates).values.tolist()
        tuned = self._sweep(further.tuned(names, factors, self._quick))
        readings["tuned"] = arrange(tuned, "run", **self._scope)
        self._rates = arrange(rates, **self._scope)
        limits = loss_limits(cells)  # one colour scale for all
        for reading, found in readings.items():
            for modulation, number in (("pwm", 10), ("pam", 11)):
                if reading != "as run":
                    png = self._out / f"figure_{number}_{reading.replace(' ', '_')}.png"
                    draw_training(found, modulation, png, reading=reading, limits=limits)
        return readings

    def beyond(self) -> "dict[str, xr.Dataset]":
        """The sweeps of what the paper leaves open, by name."""
        experiments = self._experiments
        with ThreadPoolExecutor(self._workers, thread_name_prefix="sweeps") as pool:
            futures = [pool.submit(self._sweep, e, workers=1) for e in experiments]
            try:
                ended = wait(futures, return_when=FIRST_EXCEPTION).done
                for future in ended:  # the first error, if there is one
                    future.result()
            except BaseException:
                self._ended.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        done = [future.result() for future in futures]
        data = {e.name: dataset for e, dataset in zip(experiments, done, strict=True)}
        iris: dict[str, Any] = {"modulations": ["pwm"], "datasets": ["iris"], "sizes": ["large"]}
        for name in data:
            own = name.removeprefix("epochs_")
            if name == "diodes" or own in HIDDEN:
                scope: dict[str, Any] = iris | ({"datasets": [own]} if own in HIDDEN else {})
                data[name] = arrange(data[name], **scope)
        return data | {"rates": self._rates}

    def _sweep(self, experiment: further.Experiment, workers: int = 0) -> "xr.Dataset":
        """The dataset of a sweep, run, continued, or read where it is done already."""
        self.check()
        if self.beside is not None and self.beside.done():
            self.beside.result()
        number = self.tell(experiment.question)
        return run_sweep(
            load_sweep(experiment.spec),
            self._out / "data" / f"{experiment.name}.nc",
            resume=True,
            workers=workers or self._workers,
            progress=lambda state: self._report(
                Stage(number, self._total, experiment.question, state)
            ),
        )


class _Ended(Exception):
    """The reproduction has ended elsewhere."""


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> None:
    def lines() -> Iterator[str]:
        yield ",".join(columns)
        for row in rows:
            yield ",".join(v if isinstance(v, str) else f"{float(v)!r}" for v in row)

    write_text(path, "\n".join(lines()) + "\n")


def _write_claims(claims: list[Claim], path: Path) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["section", "statement", "criterion", *_COLUMNS, "verdict"])
    for claim in claims:
        found = [claim.findings[r].value if r in claim.findings else "" for r in _COLUMNS]
        table.writerow([claim.section, claim.text, claim.criterion, *found, claim.verdict])
    write_text(path, text.getvalue())
