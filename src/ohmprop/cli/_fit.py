"""The command `fit`: a device model's parameters from measured data, and a device to train with."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import typer

from ohmprop._core import BadInput
from ohmprop.cli._cache import prepare_jax
from ohmprop.cli._folder import drafted, require_free
from ohmprop.cli._option import OutOption, OverwriteOption, read_option

if TYPE_CHECKING:
    from rich.console import Console

    from ohmprop.characterise import FitResult

_UNITS = {"t": "second", "v": "volt", "i_data": "ampere", "i_model": "ampere"}
_UNITS |= {"g_data": "siemens", "g_model": "siemens"}


def fit(
    data: Annotated[Path, typer.Argument(metavar="DATA.csv", help="The measured sweep or pulses.")],
    out: OutOption,
    model: Annotated[
        str, typer.Option(metavar="MODEL|auto", help="See `ohmprop devices`; auto ranks them.")
    ] = "auto",
    kind: Annotated[
        Literal["iv", "pulses"], typer.Option(help="An I-V sweep, or conductance after pulses.")
    ] = "iv",
    params: Annotated[
        str | None,
        typer.Option(metavar="SET", help="Set whose options and fixed values are kept."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="V,I,t", help="Names of the columns, where unclear.")
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="V/S", help="Of a sweep without times, such as `0.5 V/s`; 0.12 V/s unless told."
        ),
    ] = None,
    amplitude: Annotated[
        str | None,
        typer.Option(
            metavar="V|UP,DOWN",
            help="Magnitude of the pulses, such as `1 V`; `1.2 V, 0.9 V` where they differ.",
        ),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(metavar="S|UP,DOWN", help="Of the pulses, such as `10 us`; likewise."),
    ] = None,
    log: Annotated[
        bool | None,
        typer.Option("--log/--linear", help="Weigh decades or amperes; else by the data."),
    ] = None,
    starts: Annotated[int, typer.Option(min=1, help="Local searches at most.")] = 16,
    budget: Annotated[
        float | None,
        typer.Option(min=1, metavar="S", help="Seconds for the fit; 45 unless told, auto 300."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of starts.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Hold one parameter; repeatable."),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Fit a device model and leave parameters, curves, a picture and a device file in DIR."""
    from rich.console import Console

    require_free(out, overwrite)
    unused = {"iv": {"--amplitude": amplitude, "--width": width}, "pulses": {"--rate": rate}}
    for option, value in unused[kind].items():
        if value is not None:
            raise BadInput(f"{option}: not for --kind {kind}; leave it out")
    if model == "auto" and (set_ or params):
        raise BadInput("--model auto: --set and --params are for one model; name it")
    speed = None if rate is None else read_option(rate, "V/s", "--rate", above=0)
    pulse = {
        "amplitude": _up_and_down(amplitude, "V", "--amplitude"),
        "width": _up_and_down(width, "s", "--width"),
    }
    prepare_jax()
    budget = budget or (300.0 if model == "auto" else 45.0)
    console = Console(highlight=False)
    with _Watch(console, budget) as watch:
        options: dict[str, Any] = {
            "starts": starts,
            "budget": budget,
            "seed": seed,
            "progress": watch.update,
        }
        if kind == "pulses":
            results = _fit_pulses(data, model, columns, params, set_, pulse, options)
        else:
            results = _fit_sweep(data, model, columns, params, set_, speed, log, options)
    _leave(out, results)
    _say(console, results)
    console.print(f"device for a spec: {out / 'device.yaml'}", soft_wrap=True, markup=False)
    console.print(f"picture: {out / 'fit.png'}", soft_wrap=True, markup=False)
    if any(result.how["ended"] == "interrupted" for result in results):
        console.print("the files hold the best fit found until then", soft_wrap=True)
        raise KeyboardInterrupt


def _up_and_down(text: str | None, unit: str, option: str) -> float | tuple[float, float] | None:
    """A positive quantity of all pulses, or one each of potentiation and depression."""
    if text is None:
        return None
    values = [read_option(part, unit, option, above=0) for part in text.split(",")]
    if len(values) > 2:
        raise BadInput(f"{option}: expected one value or UP,DOWN, found {len(values)} values")
    return values[0] if len(values) == 1 else (values[0], values[1])


def _fit_sweep(
    data: Path,
    model: str,
    columns: str | None,
    params: str | None,
    changes: list[str] | None,
    rate: float | None,
    log: bool | None,
    options: dict[str, Any],
) -> "list[FitResult]":
    from ohmprop.characterise import fit_every, fit_sweep, read_sweep
    from ohmprop.devices import MODELS
    from ohmprop.experiments import read_changes

    if model in MODELS and MODELS[model].discrete:
        raise BadInput(
            f"{model}: a pulse-step model has no I-V sweep; fit it to conductances after pulses, "
            "with --kind pulses"
        )
    sweep = read_sweep(data, columns, rate)
    if model == "auto":
        return fit_every(sweep, log=log, **options)
    fixed = read_changes(model, params, changes or [])
    return [fit_sweep(sweep, model, params=params, fixed=fixed, log=log, **options)]


def _fit_pulses(
    data: Path,
    model: str,
    columns: str | None,
    params: str | None,
    changes: list[str] | None,
    pulse: dict[str, float | tuple[float, float] | None],
    options: dict[str, Any],
) -> "list[FitResult]":
    from ohmprop.characterise import fit_pulses, rank_pulses, read_pulses
    from ohmprop.experiments import read_changes

    response = read_pulses(data, columns)
    if model == "auto":
        return [*rank_pulses(response, **pulse, **options)]
    fixed = read_changes(model, params, changes or [])
    return [fit_pulses(response, model, params=params, fixed=fixed, **pulse, **options)]


class _Watch:
    """Shows how far a fit is: a line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self, console: "Console", budget: float) -> None:
        self._console, self._budget = console, budget
        self._status = console.status("compiling") if console.is_terminal else None
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def update(self, model: str, p: Any) -> None:
        """Show where the search for `model` stands."""
        text = (
            f"{model}: start {p.start}/{p.starts}, {p.evaluations} evaluations, RMS {p.rms:.4g}, "
            f"{p.seconds:.0f} s of at most {self._budget:.0f} (Ctrl-C keeps the best so far)"
        )
        if self._status:
            self._status.update(text)
        elif time.monotonic() - self._last > 10:
            self._last = time.monotonic()
            self._console.print(text, soft_wrap=True)


def _say(console: "Console", results: "list[FitResult]") -> None:
    from rich.table import Table

    best = results[0]
    for note in best.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    if len(results) > 1:
        ranks = Table("model", "BIC", "AICc", "RMS", "parameters", "ended")
        for r in results:
            s = r.statistics
            ranks.add_row(
                r.model,
                f"{s['bic']:.1f}",
                f"{s['aicc']:.1f}",
                _rms(r),
                f"{s['k']:.0f}",
                r.how["ended"],
            )
        console.print(ranks)
    table = Table("parameter", "value", "standard error", "unit", "remark")
    for name, p in (best.parameters | best.others).items():
        error = "held" if p.fixed else f"{p.se:.2g}"
        table.add_row(name, f"{p.value:.5g}", error, p.unit, p.doubt)
    console.print(table)
    s, how = best.statistics, best.how
    console.print(
        f"{best.model}: RMS {_rms(best)} over "
        f"{s['n']:.0f} points; {how['ended']} after {how['evaluations']} evaluations in "
        f"{how['seconds']:.1f} s, {how['agreeing']} of {how['starts']} starts agree",
        soft_wrap=True,
    )
    if how["ended"] != "converged":
        console.print(
            f"the optimum is not confirmed ({how['ended']}): standard errors may mislead; raise "
            "--budget or --starts",
            soft_wrap=True,
        )
    if best.rough:
        rough = ", ".join(f"{name} (+-{within:.0%})" for name, within in best.rough.items())
        console.print(f"the data determine, though not to 5 %: {rough}", soft_wrap=True)
    if best.unidentified:
        console.print(f"the data do not determine: {', '.join(best.unidentified)}", soft_wrap=True)


def _rms(result: "FitResult") -> str:
    s = result.statistics
    if result.kind == "pulses":
        return f"{s['rms']:.3g}{' S' if 'g_data' in result.curves else ''}"
    return f"{s['rms_log']:.3f} decades, {s['rms_linear']:.3g} A"


def _leave(out: Path, results: "list[FitResult]") -> None:
    """Write the four files, all or none."""
    from ohmprop import __version__

    best = results[0]
    record = best.record() | {"version": __version__}
    if len(results) > 1:
        record["ranking"] = [{"model": r.model} | r.record()["statistics"] for r in results]
    with drafted(out) as draft:
        (draft / "fit.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        (draft / "model.csv").write_text(_table(best), encoding="utf-8")
        (draft / "device.yaml").write_text(_device(best, __version__), encoding="utf-8")
        _picture(best, draft / "fit.png")


def _table(result: "FitResult") -> str:
    names = [f"{name}_{_UNITS[name]}" if name in _UNITS else name for name in result.curves]
    rows = zip(*(column.tolist() for column in result.curves.values()), strict=True)
    return "".join(",".join(row) + "\n" for row in [names, *(map(repr, row) for row in rows)])


def _device(result: "FitResult", version: str) -> str:
    import yaml

    text = yaml.safe_dump(result.device_section(), sort_keys=False, allow_unicode=True)
    return (
        f"# fit of {result.model} to {result.how['data']} by ohmprop {version}; SI units\n"
        f"# in a spec: device: {{file: device.yaml}}\n{text}"
    )


def _picture(result: "FitResult", png: Path) -> None:
    from ohmprop.report import plot_fit, plot_pulse_fit

    title = f"{result.model} fitted to {result.how['data']}: RMS {_rms(result)}"
    if result.kind == "pulses":
        plot_pulse_fit(result.curves, png, title=title)
    else:
        plot_fit(result.curves, png, title=title, log=result.how["residual"] == "log")
