"""The commands train, specs, devices, predict and check, and those that have their own files."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ohmprop.cli._cache import prepare_jax
from ohmprop.cli._fit import fit
from ohmprop.cli._hysteresis import hysteresis
from ohmprop.cli._option import OutOption, OverwriteOption, ResumeOption, SeedOption, SetOption
from ohmprop.cli._pulses import pulses
from ohmprop.cli._reproduce import reproduce
from ohmprop.cli._sweep import sweep
from ohmprop.cli._tune import tune

app = typer.Typer(
    help="Train memristor networks with equilibrium propagation, pulse by pulse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A YAML or JSON spec, a built-in name (see `ohmprop specs`), or a seed JSON file.",
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        from ohmprop import __version__

        sys.stdout.write(f"ohmprop {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


@app.command()
def train(
    spec: SpecArgument,
    out: OutOption,
    set_: SetOption = None,
    seed: SeedOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Train a network and leave history, summary, conductances and a plot in DIR."""
    from rich.console import Console

    from ohmprop.cli._live import TrainMonitor
    from ohmprop.experiments import load_spec

    loaded = load_spec(spec, set_, seed)
    _notes(loaded.notes)
    prepare_jax(loaded.spec.dtype)
    from ohmprop.experiments import train as run

    console = Console(highlight=False)
    with TrainMonitor(console, loaded.spec.learning.epochs) as monitor:
        summary = run(loaded.spec, out, resume=resume, overwrite=overwrite, progress=monitor.update)
    picture = out / "loss.png"
    if overwrite or not (resume and picture.exists()):
        from ohmprop.report import plot_loss

        unit = "V²" if loaded.spec.learning.loss == "mse" else ""
        plot_loss(out / "history.csv", picture, title=loaded.spec.name, unit=unit)
    _report(console, summary, picture)


def _notes(notes: list[str]) -> None:
    for note in notes:
        sys.stderr.write(f"ohmprop: note: {note}\n")


def _report(console: Any, summary: dict[str, Any], picture: Path) -> None:
    test = summary["test_accuracy"]
    shown = "" if test is None else f", test {100 * test:.1f} %"
    console.print(
        f"final loss {summary['final_loss']:.6g} (least {summary['min_loss']:.6g}), "
        f"accuracy {100 * summary['train_accuracy']:.1f} %{shown}, "
        f"{summary['epochs']} epochs in {summary['wall_seconds']:.2f} s",
        soft_wrap=True,
    )
    console.print(
        f"diodes on {100 * summary['diode_on_fraction']:.1f} %, writes clipped "
        f"{100 * summary['clipped_fraction']:.1f} %, write energy "
        f"{summary['write_energy_joule']:.3g} J, largest KCL residual "
        f"{summary['max_kcl_residual_ampere']:.1e} A",
        soft_wrap=True,
    )
    console.print(f"loss plot: {picture}", soft_wrap=True, markup=False)


@app.command()
def specs(
    name: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List the variants in size and range too.")
    ] = False,
) -> None:
    """List the built-in specs, or print one as YAML."""
    from ohmprop.experiments import builtin_names, dump, load_spec

    if name is not None:
        sys.stdout.write(dump(load_spec(name).spec))
        return
    for item in builtin_names(variants=everything):
        sys.stdout.write(item + "\n")
    if not everything:
        sys.stdout.write(
            "# variants: -hN-RANGE after the dataset, e.g. ebana-iris-h5-r1k-biolek-pwm;"
            " N 10, 5, 2 (iris) or 16, 10, 5 (breast_cancer); RANGE r500, r1k, r10k, r100k;"
            " `ohmprop specs --all` lists them\n"
        )


@app.command(name="devices")
def devices_(
    model: Annotated[str | None, typer.Argument(metavar="MODEL")] = None,
) -> None:
    """Print the device models and their parameter sets, with units and sources."""
    from rich.console import Console
    from rich.table import Table

    from ohmprop import devices

    console = Console(highlight=False)
    if model is None:
        for key, value in devices.MODELS.items():
            first = (value.__doc__ or "").strip().splitlines()[:1]
            console.print(f"{key:18s} {first[0] if first else ''}", soft_wrap=True, markup=False)
        return
    devices.default_set(model)  # refuses an unknown model
    for name in devices.MODELS[model].PARAMETERS:
        table = Table(title=f"{model}: parameter set {name!r}", title_justify="left")
        for column in ("parameter", "value", "unit", "source"):
            table.add_column(column, overflow="fold")
        for key, item in devices.parameter_set(model, name).items():
            table.add_row(key, f"{item.value:g}", item.unit, item.source)
        for key, value in devices.MODELS[model].OPTIONS.get(name, {}).items():
            table.add_row(key, value, "option", _described(devices.MODELS[model], key))
        console.print(table)


def _described(model: type, option: str) -> str:
    """What the model's docstring says of `option`, on the line that begins with its name."""
    lines = [line.strip() for line in (model.__doc__ or "").splitlines()]
    return next((x.partition(": ")[2] for x in lines if x.startswith(f"{option}: ")), "")


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    csv: Annotated[Path, typer.Argument(metavar="CSV")],
) -> None:
    """Apply the trained network in DIR to the rows of a CSV file; prints CSV."""
    prepare_jax()
    from ohmprop.experiments import predict as apply

    classes, outputs, _ = apply(folder, csv)
    columns = [f"output_{k + 1}_volt" for k in range(outputs.shape[1])]
    import csv as writer

    table = writer.writer(sys.stdout, lineterminator="\n")
    table.writerow(["class", *columns])
    table.writerows([c, *map(repr, row)] for c, row in zip(classes, outputs.tolist(), strict=True))


@app.command()
def check(spec: SpecArgument, set_: SetOption = None, seed: SeedOption = None) -> None:
    """Compare the estimator with the exact gradient and, where present, voltages with ngspice."""
    from ohmprop.experiments import load_spec

    loaded = load_spec(spec, set_, seed)
    _notes(loaded.notes)
    prepare_jax(loaded.spec.dtype)
    from ohmprop.experiments import check as compare

    compare(loaded.spec, say=lambda line: sys.stdout.write(line + "\n"))


app.command()(sweep)
app.command()(tune)
app.command()(reproduce)
app.command()(hysteresis)
app.command()(pulses)
app.command()(fit)
