"""`ohmprop pulses`: what it leaves in its folder, and what it refuses in one line."""

import csv
import json
import shlex
from pathlib import Path

import pytest

from ohmprop.characterise import branch_nonlinearity
from ohmprop.cli import run

FIXED = ["--width", "2 us", "--count", "20"]


@pytest.fixture(autouse=True)
def _own_process(monkeypatch, tmp_path):
    monkeypatch.setattr("ohmprop.cli._pulses.prepare_jax", lambda: None)
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full/kept.txt").write_text("x", encoding="utf-8")
    Path("file").write_text("x", encoding="utf-8")


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "pulses.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_leaves_table_numbers_and_picture(tmp_path, capsys):
    out = tmp_path / "new" / "run"
    assert run(["pulses", "linear_step", "--out", str(out), *FIXED]) == 0
    assert {p.name for p in out.iterdir()} == {"pulses.csv", "metrics.json", "pulses.png"}
    assert (out / "pulses.png").read_bytes().startswith(b"\x89PNG")
    table = rows(out)
    assert [int(row["pulse"]) for row in table] == list(range(41))
    assert [row["branch"] for row in table[:2]] == ["start", "potentiation"]
    assert table[21]["branch"] == "depression" and float(table[21]["v_volt"]) == -1.0
    g = [float(row["g_siemens"]) for row in table]
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    # Two unit pulses each: w after 40 is b - (b + 1)(1 - 0.05 D)^40 with b = 1/0.05.
    w = 20 - 21 * (1 - 0.05 * 5e-3) ** 40
    assert g[20] == pytest.approx(1e-5 + (w + 1) / 2 * 9e-5, rel=1e-12)
    nl = metrics["potentiation"]["nonlinearity"]
    assert nl == pytest.approx(branch_nonlinearity(g[:21], up=True))
    total = sum(float(row["energy_joule"]) for row in table[1:21])
    assert metrics["potentiation"]["energy_joule"] == pytest.approx(total)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "amplitude: 1 V (no --amplitude given)"
    assert lines[1].startswith("potentiation: 20 pulses of 1 V, 2 µs: 10 µS to ")
    assert lines[-1] == f"picture: {out / 'pulses.png'}"


def test_options_reach_the_device_and_the_pulses():
    arguments = ["--params", "published", "--set", "r_off=2 kOhm", "--amplitude", "400 mV"]
    arguments += ["--amplitude-down", "0.5", "--width", "5e-6", "--width-down", "7 us"]
    arguments += ["--start", "1 mS", "--count", "4"]
    assert run(["pulses", "mms", "--out", "run", *arguments]) == 0
    table = rows(Path("run"))
    assert float(table[0]["g_siemens"]) == pytest.approx(1e-3)
    pulses = {(float(row["v_volt"]), float(row["t_second"])) for row in table[1:]}
    assert pulses == {(0.4, 5e-6), (-0.5, 7e-6)}
    metrics = json.loads(Path("run/metrics.json").read_text(encoding="utf-8"))
    assert metrics["model"] == "mms" and metrics["set"] == ["r_off=2 kOhm"]


def test_automatic_width_and_polarity():
    assert run(["pulses", "vteam", "--params", "published", "--out", "run", "--count", "30"]) == 0
    metrics = json.loads(Path("run/metrics.json").read_text(encoding="utf-8"))
    assert metrics["potentiation"]["amplitude_volt"] == -1.0
    assert metrics["part_of_device_range"] > 0.95


def test_a_seed_draws_noise_again():
    draw = ["pulses", "exp_step", "--params", "reram_es", *FIXED, "--overwrite"]
    assert run([*draw, "--out", "one", "--seed", "7"]) == 0
    assert run([*draw, "--out", "two", "--seed", "7"]) == 0
    assert run([*draw, "--out", "full", "--seed", "8"]) == 0
    one, two, other = (Path(f, "pulses.csv").read_text("utf-8") for f in ("one", "two", "full"))
    assert one == two != other
    assert Path("full/kept.txt").exists()


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("gmss", ["--width", "10 us", "--amplitude", "0.9"]),
        ("stanford_pku", ["--width", "1 ns", "--amplitude", "1.6"]),
    ],
)
def test_a_seed_draws_the_stochastic_form_of_a_continuous_model(model, arguments, capsys):
    command = ["pulses", model, "--count", "10", *arguments]
    assert run([*command, "--out", "mean"]) == 0
    assert "at random" not in capsys.readouterr().out
    for name, seed in (("one", "7"), ("two", "7"), ("other", "8")):
        assert run([*command, "--out", name, "--seed", seed]) == 0
    assert "every pulse drawn at random (seed 7)" in capsys.readouterr().out
    g = {k: [float(r["g_siemens"]) for r in rows(Path(k))] for k in ("mean", "one", "two", "other")}
    assert g["one"] == g["two"] and len({tuple(x) for x in g.values()}) == 3
    assert g["one"] == pytest.approx(g["mean"], rel=0.5)


@pytest.mark.parametrize(("model", "amplitude"), [("stanford_pku", 1.5), ("mms", 1.0)])
def test_without_an_amplitude_the_model_switches(model, amplitude):
    assert run(["pulses", model, "--out", "run", "--count", "5"]) == 0
    metrics = json.loads(Path("run/metrics.json").read_text(encoding="utf-8"))
    assert metrics["potentiation"]["amplitude_volt"] == amplitude
    assert metrics["depression"]["amplitude_volt"] == -amplitude
    assert metrics["part_of_device_range"] > 0.9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("lienar_step", "Unknown device model 'lienar_step'. Did you mean 'linear_step'"),
        ("mms --params nope", "'nope'"),
        ("mms --params nowhere.yaml", "nowhere.yaml: no such file"),
        ("mms --set tua=1", "no parameter 'tua'. Did you mean 'tau'"),
        ("mms --set 'tau=1 V'", "tau: expected a quantity in s"),
        ("mms --set tau", "expected name=value"),
        ("linear_step --set noise_law=none", "unknown noise_law 'none'"),
        ("mms --count -3", "--count"),
        ("mms --count 1", "--count"),
        ("mms --count many", "--count"),
        ("mms --amplitude '3 s'", "--amplitude: expected a quantity in V, found '3 s'"),
        ("mms --amplitude 0", "--amplitude: expected a positive number in V, found '0'"),
        ("mms --amplitude-down=-1", "--amplitude-down: expected a positive number in V"),
        ("mms --width '1 V'", "--width: expected a quantity in s, found '1 V'"),
        ("mms --width atuo", "--width: expected a number or a quantity in s"),
        ("mms --width-down 0", "--width-down: expected a positive number in s"),
        ("mms --start '5 S'", "start: expected a conductance from"),
        ("mms --start '5 V'", "--start: expected a quantity in S"),
        ("mms --seed 3", "MMS: its pulses have no noise to draw"),
        ("mms --seed -1", "--seed"),
        ("vteam --amplitude '1 mV'", "does not move the device; raise the amplitude"),
        ("mms --out full", "full is not empty; choose another folder or replace with --overwrite"),
        ("mms --out file", "file is a file; expected a folder"),
        ("mms --out file/x --width 1e-6", "file/x"),
        ("", "Missing argument 'MODEL'"),
        ("mms --ou x", "No such option"),
    ],
)
def test_one_clear_line(capsys, arguments, words):
    parts = shlex.split(arguments)
    if "--out" not in parts and "--ou" not in parts:
        parts += ["--out", "out"]
    before = {p: p.stat().st_mtime_ns for p in Path().rglob("*")}
    capsys.readouterr()
    assert run(["pulses", *parts]) == 2
    message = capsys.readouterr().err
    assert message.startswith("ohmprop: error: ") and message.count("\n") == 1
    assert words in message and "internal" not in message
    assert {p: p.stat().st_mtime_ns for p in Path().rglob("*")} == before
