"""The command `tune`: real runs, and files that agree with a run of the best spec alone."""

import csv

import pytest
import typer
from typer.main import get_command

from ohmprop._core import BadInput
from ohmprop.cli import _tune as command
from ohmprop.experiments import load_spec, train

pytest.importorskip("optuna")

SPEC = """
name: small
data: {dataset: iris}
network: {hidden: [2]}
device: {model: linear}
learning: {epochs: 3}
tune:
  learning.rates: {log: [1 nV s, 1 mV s]}
  initial.low: {choices: [10 uS, 1 kS]}
"""
app = typer.Typer()
app.command()(command.tune)


def tune(*arguments: object) -> None:
    get_command(app).main([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "search.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_best_spec_trains_to_the_loss_of_its_trial(spec, tmp_path, capsys):
    out = tmp_path / "out"
    tune(spec, "--out", out, "--trials", 10)
    assert {path.name for path in out.iterdir()} == {"best.yaml", "trials.csv", "tune.png"}
    with (out / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == [str(k) for k in range(10)]
    for row in rows:  # 1 kS is no conductance of the device, so such a trial cannot be built
        assert (row["failure"] != "") == (row["initial.low"] == "1 kS") == (row["min_loss"] == "")
    assert any(row["failure"].startswith("initial: expected low <= high") for row in rows)
    best = min((row for row in rows if row["min_loss"]), key=lambda row: float(row["min_loss"]))
    loaded = load_spec(out / "best.yaml")
    assert loaded.spec.learning.rates == pytest.approx(1e-9 * float(best["learning.rates (nV s)"]))
    alone = train(loaded.spec, tmp_path / "run")
    assert alone["min_loss"] == pytest.approx(float(best["min_loss"]), rel=1e-9)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["[8/10]", "[10/10]"]
    assert f"(trial {best['trial']})" in lines[-3]
    assert lines[-2:] == [f"spec to train: {out / 'best.yaml'}", f"picture: {out / 'tune.png'}"]


def test_a_folder_in_use_is_refused_and_a_mistake_leaves_nothing(spec, tmp_path):
    with pytest.raises(BadInput, match="is not empty"):
        tune(spec, "--out", tmp_path)
    with pytest.raises(BadInput, match="is a file; expected a folder"):
        tune(spec, "--out", spec / "x")  # before the search, whose results would be lost
    spec.write_text(SPEC.replace("log:", "lag:"), encoding="utf-8")
    with pytest.raises(BadInput, match="tune.learning.rates: unknown form 'lag'"):
        tune(spec, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
