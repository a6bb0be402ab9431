"""The command `fit`: its files, its words, and a device that a run accepts."""

import csv
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from typer.main import get_command

from ohmprop import devices
from ohmprop._core import BadInput
from ohmprop.characterise import _fit_pulses
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
        (["--model", "soft_bounds"], "--kind pulses"),
        (["--rate", "5 V"], "--rate: expected a quantity in V/s"),
        (["--rate", "0"], "--rate: expected a positive number in V/s"),
        (["--kind", "pulses", "--model", "exp_step"], "leave out --kind pulses"),
        (["--kind", "pulses", "--amplitude", "1 s"], "--amplitude: expected a quantity in V"),
        (["--kind", "pulses", "--amplitude", "1,-2"], "--amplitude: expected a positive number"),
        (["--kind", "pulses", "--width", "1,2,3"], "--width: expected one value or UP,DOWN"),
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


SWEEP = [(0.01 * k, math.sin(k / 4), 1e-4 * math.sin(k / 4)) for k in range(30)]


def _csv(header, rows):
    return "".join(",".join(map(str, row)) + "\n" for row in [header.split(","), *rows])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least 10 rows of data, found 0 line(s)"),
        ("t,V,I\n", "found 1 line(s)"),
        (_csv("t,V,I", [*SWEEP[:12], (0.2, "over", 1), *SWEEP[13:]]), "line 14, column 'V'"),
        (_csv("t,V,I", [*SWEEP[:20], *SWEEP[5:]]), "line 22: time runs backwards in column 't'"),
        (_csv("t (s),V (mA),I (uA)", SWEEP), "'V (mA)': expected a unit of V, found mA"),
        (_csv("t,V,I (furlong)", SWEEP), "no column may be I (A)"),
        (_csv("t,V,R", SWEEP), "Candidates: t, V, R"),
        (_csv("t,V,I", [(t, v, -i) for t, v, i in SWEEP]), "runs against the voltage"),
        (_csv("t,V,I", [(t, 1.0, i) for t, _, i in SWEEP]), "the voltage is 1 V throughout"),
        (_csv("t,V,I", [*SWEEP, (9, 9)]), "line 32: expected 3 cells"),
    ],
)
def test_bad_data_is_one_line_and_leaves_nothing(tmp_path, capsys, text, words):
    path, out = tmp_path / "bad.csv", tmp_path / "o"
    path.write_text(text, encoding="utf-8")
    assert run(["fit", str(path), "--model", "linear", "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert words in message and "bad.csv" in message and message.count("\n") == 1
    assert not out.exists()


def test_bad_files_and_folders_leave_nothing(data, tmp_path, capsys):
    pulses, noise = tmp_path / "pulses.csv", tmp_path / "noise.csv"
    pulses.write_text(_csv("up,down", [(k, 9 - k) for k in range(10)]))
    noise.write_bytes(bytes(range(128, 256)))
    cases = [
        (noise, "o", "not UTF-8 text"),
        (tmp_path, "o", "cannot be read"),
        (tmp_path / "none.csv", "o", "no such file"),
        (pulses, "o", "no column may be V (V)"),
        (data, "pulses.csv", "pulses.csv is a file; expected a folder"),
        (data, "", "is not empty"),
    ]
    before = sorted(tmp_path.iterdir())
    for path, out, words in cases:
        assert run(["fit", str(path), "--model", "linear", "--out", str(tmp_path / out)]) == 2
        message = capsys.readouterr().err
        assert words in message and message.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == before


def test_fewer_points_than_unknowns(data, tmp_path, capsys, monkeypatch):
    from ohmprop.characterise import LAWS

    few = tmp_path / "few.csv"
    few.write_text("\n".join(data.read_text().splitlines()[:12]) + "\n")
    out = tmp_path / "o"
    assert run(["fit", str(few), "--model", "yakopcic", "--out", str(out)]) == 2
    assert "yakopcic has 12 unknowns (r_on, r_off, b, A_p" in capsys.readouterr().err
    assert not out.exists()
    for model in set(LAWS) - {"linear", "yakopcic"}:
        monkeypatch.delitem(LAWS, model)
    fit(few, "--out", out, "--starts", 1)
    words = " ".join(capsys.readouterr().out.split())
    assert "not fitted, as 11 points are too few for their unknowns: yakopcic" in words


def test_fewer_readings_than_unknowns(tmp_path, capsys, monkeypatch):
    pulses, out = tmp_path / "pulses.csv", tmp_path / "o"
    rows = [*enumerate([0.0, 0.3, 0.5, 0.7, 0.9, 1.0]), *enumerate([1.0, 0.6, 0.4, 0.2, 0.1, 0.0])]
    pulses.write_text(_csv("pulse,g", rows))
    asked = ["fit", str(pulses), "--kind", "pulses", "--out", str(out)]
    assert run([*asked, "--model", "piecewise_step"]) == 2
    assert "piecewise_step has 14 unknowns (nodes_up[1]" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.setattr(_fit_pulses, "STEP_MODELS", ("piecewise_step", "constant_step"))
    assert run([*asked, "--starts", "1"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "not fitted, as 12 readings are too few for their unknowns: piecewise_step" in words


def test_pulses_of_two_heights_with_units(tmp_path):
    up = 1 - np.exp(-np.arange(12) / 5)
    path, out = tmp_path / "pulses.csv", tmp_path / "o"
    path.write_text("".join(f"{a},{b}\n" for a, b in zip(up, 1 - up, strict=True)))
    fit(path, "--kind", "pulses", "--model", "linear", "--starts", 1, "--out", out,
        "--amplitude", "500 mV, 0.6", "--width", "1 ms,20 us")  # fmt: skip
    how = json.loads((out / "fit.json").read_text())["fit"]
    assert how["amplitude_volt"] == pytest.approx([0.5, -0.6])
    assert how["width_second"] == pytest.approx([1e-3, 2e-5])


def test_rate_with_unit(data, tmp_path, capsys):
    path, out = tmp_path / "no_time.csv", tmp_path / "o"
    path.write_text(_csv("V,I", [(v, i) for _, v, i in SWEEP]))
    fit(path, "--model", "linear", "--starts", 1, "--rate", "500 mV/s", "--out", out)
    assert "swept at 0.5 V/s (as given)" in " ".join(capsys.readouterr().out.split())


def test_a_hysteresis_trace_is_read_as_it_is(tmp_path):
    """Its columns i_ampere, v_volt and t_second are told from v_source_volt, charge and flux."""
    drawn, out = tmp_path / "loop", tmp_path / "o"
    device = ("linear_ion_drift", "--params", "published")
    asked = ["--amplitude", "1 V", "--frequency", "0.6 Hz", "--cycles", "1", "--points", "200"]
    assert run(["hysteresis", *device, *asked, "--out", str(drawn)]) == 0
    with (drawn / "trace.csv").open() as file:
        assert {"v_volt", "v_source_volt", "i_ampere"} < set(next(csv.reader(file)))
    fit(drawn / "trace.csv", "--model", *device, "--set", "r_on=100",
        "--set", "r_off=16 kOhm", "--starts", 2, "--out", out)  # fmt: skip
    record = json.loads((out / "fit.json").read_text())
    assert record["parameters"]["mu_v"]["value"] == pytest.approx(1e-14, rel=1e-3)


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
