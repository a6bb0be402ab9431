"""The command `tune`: search for good values of a spec's keys; a spec to train, and all trials."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ohmprop.cli._cache import prepare_jax
from ohmprop.cli._folder import drafted, require_free
from ohmprop.cli._option import OutOption, OverwriteOption, SetOption

if TYPE_CHECKING:
    from rich.console import Console

    from ohmprop.experiments._tune import Progress, Trial, Tuned
    from ohmprop.experiments._tuning import Range, Tuning


def tune(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="A YAML or JSON spec with a section `tune`.")
    ],
    out: OutOption,
    trials: Annotated[
        int, typer.Option(min=1, help="In the end, with those that the storage has already.")
    ] = 50,
    objective: Annotated[
        Literal["min_loss", "final_loss", "final_accuracy", "test_accuracy"],
        typer.Option(help="What is made best, its mean over the seeds."),
    ] = "min_loss",
    seeds: Annotated[
        int, typer.Option(min=1, help="Runs of a trial: the spec's seed and those after it.")
    ] = 1,
    sampler: Annotated[
        Literal["tpe", "random"], typer.Option(help="How Optuna chooses the values.")
    ] = "tpe",
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Such as sqlite:///search.db: the search is kept there, and continued.",
        ),
    ] = None,
    set_: SetOption = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of the search and of the first run.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Search for good values of the keys in the spec's `tune` section; leave the best in DIR."""
    from rich.console import Console

    from ohmprop.experiments._tune import tune as search
    from ohmprop.experiments._tuning import load_tuning

    require_free(out, overwrite)
    tuning = load_tuning(spec, set_, seed)
    prepare_jax(tuning.spec.dtype)
    console = Console(highlight=False)
    tuned = search(
        tuning,
        trials=trials,
        objective=objective,
        seeds=seeds,
        sampler=sampler,
        storage=storage,
        progress=lambda state: _tell(console, state, objective),
    )
    _leave(out, tuned, tuning, objective)
    console.print(f"best {objective} {_shown(tuned.best)}", soft_wrap=True, markup=False)
    console.print(f"spec to train: {out / 'best.yaml'}", soft_wrap=True, markup=False)
    console.print(f"picture: {out / 'tune.png'}", soft_wrap=True, markup=False)
    if tuned.interrupted:
        console.print("the files hold the best trial until then", soft_wrap=True)
        raise KeyboardInterrupt


def _tell(console: "Console", state: "Progress", objective: str) -> None:
    """One line a batch."""
    failed = f", {state.failed} failed" if state.failed else ""
    best = f"best {objective} {_shown(state.best)}" if state.best else "none has succeeded"
    console.print(
        f"[{state.done}/{state.total}] {state.seconds:.1f} s{failed}: {best}",
        soft_wrap=True,
        markup=False,
    )


def _shown(trial: "Trial") -> str:
    values = ", ".join(f"{key}={_short(value)}" for key, value in trial.values.items())
    return f"{trial.objective:.6g} with {values} (trial {trial.number})"


def _short(value: Any) -> str:
    """A value for the eye: numbers, with or without a unit, to four figures."""
    if isinstance(value, str):
        number, space, unit = value.partition(" ")
        try:
            return f"{float(number):.4g}{space}{unit}"
        except ValueError:
            return value
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _leave(out: Path, tuned: "Tuned", tuning: "Tuning", objective: str) -> None:
    from ohmprop.experiments import dump
    from ohmprop.report import plot_search

    least = objective.endswith("loss")
    unit = " (V²)" if least and tuned.spec.learning.loss == "mse" else ""

    with drafted(out) as draft:
        (draft / "best.yaml").write_text(dump(tuned.spec), encoding="utf-8")
        text = _table(tuned.trials, tuning.ranges, objective)
        (draft / "trials.csv").write_text(text, encoding="utf-8")
        plot_search(
            [t.number for t in tuned.trials],
            [float("nan") if t.objective is None else t.objective for t in tuned.trials],
            draft / "tune.png",
            title=tuning.name,
            label=objective.replace("_", " ") + unit,
            least=least,
        )


def _table(trials: "list[Trial]", ranges: "tuple[Range, ...]", objective: str) -> str:
    """All trials as CSV: number, the keys' values, the objective, why there is none."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    keys = [f"{r.key} ({r.unit})" if r.unit else r.key for r in ranges]
    table.writerow(["trial", *keys, objective, "failure"])
    for t in trials:
        values = [
            t.values[r.key].removesuffix(f" {r.unit}") if r.unit else t.values[r.key]
            for r in ranges
        ]
        shown = "" if t.objective is None else repr(t.objective)
        table.writerow([t.number, *values, shown, t.failure])
    return text.getvalue()
