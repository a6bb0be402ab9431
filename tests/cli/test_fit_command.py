"""The command `fit`: its files, its words, and a device that a run accepts."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from typer.main import get_command

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.cli import _fit as command
from ohmprop.cli import run
from ohmprop.experiments import load_device, load_spec, train

FILES = {"fit.json", "model.csv", "fit.png", "device.yaml"}
app = typer.Typer()
app.command()(command.fit)


def fit(*arguments: object) -> None:
    get_command(app).main([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A linear-ion-drift device's sweep, from the closed form M^2 = M0^2 - 2 k (Roff-Ron) flux."""
    t = np.linspace(0, 4, 101)
    v = -np.sin(np.pi * t)
    flux = (np.cos(np.pi * t) - 1) / np.pi  # integral of v dt, V s
    k = 1e-14 * 100 / 1e-16  # mu_v r_on / D^2, 1/(A s)
    m = np.sqrt(5e3**2 - 2 * k * 15.9e3 * flux)
    path = tmp_path_factory.mktemp("data") / "drift.csv"
    rows = "\n".join(f"{1e3 * a},{b},{1e6 * b / c}" for a, b, c in zip(t, v, m, strict=True))
    path.write_text(f"t (ms),V,I (uA)\n{rows}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "out"
    fit(data, "--model", "linear_ion_drift", "--params", "published", "--out", out,
        "--set", "r_off=16 kOhm", "--set", "r_on=100", "--starts", 2)  # fmt: skip
    return out


def test_files_agree_with_each_other_and_the_data(done):
    assert {p.name for p in done.iterdir()} == FILES
    record = json.loads((done / "fit.json").read_text())
    assert record["parameters"]["mu_v"]["value"] == pytest.approx(1e-14, rel=1e-3)
    assert record["parameters"]["r_off"] == {
        "value": 16e3, "unit": "ohm", "standard_error": None, "fixed": True, "doubt": "",
        "within": None,
    }  # fmt: skip
    assert record["fit"]["data"] == "drift.csv" and record["fit"]["starts"] == 2
    with (done / "model.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["t_second", "v_volt", "i_data_ampere", "i_model_ampere", "x"]
    model, measured = (
        np.array([float(r[k]) for r in rows]) for k in ("i_model_ampere", "i_data_ampere")
    )
    np.testing.assert_allclose(model, measured, atol=1e-3 * np.max(measured))
    rms = np.sqrt(np.mean((model - measured) ** 2))
    assert record["statistics"]["rms_linear"] == pytest.approx(rms)


def test_the_device_file_is_the_fitted_device(done):
    record = json.loads((done / "fit.json").read_text())
    device = load_device("linear_ion_drift", str(done / "device.yaml"))
    for name, p in record["parameters"].items():
        assert float(getattr(device, name)) == p["value"]


def test_a_run_trains_with_it_at_once(done, tmp_path):
    (done / "spec.yaml").write_text(
        "data: {dataset: iris, rows: 60}\nnetwork: {hidden: [2]}\n"
        "device: {file: device.yaml}\nlearning: {epochs: 2}\n"
    )
    try:
        spec = load_spec(done / "spec.yaml").spec
    finally:
        (done / "spec.yaml").unlink()
    assert spec.device.model == "linear_ion_drift" and spec.device.r_off == 16e3
    summary = train(spec, tmp_path / "run")
    assert np.isfinite(summary["final_loss"])
    written = load_spec(tmp_path / "run" / "spec.yaml").spec
    assert written.device == spec.device


def test_words(data, tmp_path, capsys):
    fit(data, "--model", "linear_ion_drift", "--starts", 1, "--out", tmp_path / "o")
    words = " ".join(capsys.readouterr().out.split())
    assert "the data do not determine: r_on" in words
    assert "RMS 0.000 decades" in words and "device.yaml" in words


def test_an_interruption_leaves_all_files_and_says_so(data, tmp_path, capsys, monkeypatch):
    def interrupt(self, model, progress):
        if progress.evaluations == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(command._Watch, "update", interrupt)
    out = tmp_path / "o"
    model = ("--model", "linear_ion_drift", "--params", "published")
    assert run(["fit", str(data), *model, "--out", str(out)]) == 130
    assert {p.name for p in out.iterdir()} == FILES
    assert json.loads((out / "fit.json").read_text())["fit"]["ended"] == "interrupted"
    assert "the files hold the best fit" in capsys.readouterr().out


def test_options_of_the_other_kind_are_refused(data, tmp_path, capsys):
    for kind, option in (("iv", "--amplitude"), ("pulses", "--rate")):
        asked = ["fit", str(data), "--kind", kind, option, "1", "--out", str(tmp_path / "o")]
        assert run(asked) == 2
        assert f"{option}: not for --kind {kind}" in capsys.readouterr().err


def test_auto_ranks(data, tmp_path, capsys, monkeypatch):
    from ohmprop.characterise import LAWS

    for model in set(LAWS) - {"linear", "linear_ion_drift"}:
        monkeypatch.delitem(LAWS, model)
    out = tmp_path / "o"
    fit(data, "--out", out, "--starts", 2)
    record = json.loads((out / "fit.json").read_text())
    assert [r["model"] for r in record["ranking"]] == ["linear_ion_drift", "linear"]
    assert record["model"] == "linear_ion_drift"
    assert "BIC" in capsys.readouterr().out


def test_pulses(tmp_path, capsys):
    up = 1 - np.exp(-np.arange(60) / 20)
    path = tmp_path / "pulses.csv"
    path.write_text("".join(f"{a},{b}\n" for a, b in zip(up, 1 - up, strict=True)))
    out = tmp_path / "o"
    fit(path, "--kind", "pulses", "--model", "soft_bounds", "--starts", 2, "--out", out)
    assert {p.name for p in out.iterdir()} == FILES
    assert json.loads((out / "fit.json").read_text())["statistics"]["rms"] < 0.01
    assert "soft_bounds: RMS" in capsys.readouterr().out
    assert load_device("soft_bounds", str(out / "device.yaml"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "biolk"], "biolek"),
        (["--model", "soft_bounds"], "cannot be fitted"),
        (["--set", "r_on=1"], "--model auto"),
        (["--model", "biolek", "--set", "mu=1"], "mu_v"),
        (["--model", "biolek", "--set", "r_on=1 V"], "in ohm"),
        (["--model", "biolek", "--params", "mine"], "published, seed"),
        (["--model", "biolek", "--columns", "V"], "2 to 3"),
    ],
)
def test_mistakes_leave_nothing(data, tmp_path, arguments, words):
    with pytest.raises(BadInput, match=words):
        fit(data, "--out", tmp_path / "o", *arguments)
    assert not (tmp_path / "o").exists()


def test_a_full_folder_is_kept(data, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="--overwrite"):
        fit(data, "--model", "linear", "--out", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_progress_lines(capsys):
    from rich.console import Console

    clock = SimpleNamespace(monotonic=iter([0.0, 5.0, 11.0, 11.0]).__next__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "time", clock)
        with command._Watch(Console(width=200), 60) as watch:
            progress = SimpleNamespace(start=2, starts=8, evaluations=30, rms=0.1, seconds=7.0)
            watch.update("biolek", progress)
            watch.update("biolek", progress)
    assert capsys.readouterr().out.count("biolek: start 2/8, 30 evaluations, RMS 0.1") == 1


def test_every_model_that_can_be_fitted_is_known():
    from ohmprop.characterise import LAWS

    assert set(LAWS) <= set(devices.MODELS)
