"""`ohmprop hysteresis`: what it leaves in its folder, and what it refuses in one line."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ohmprop.cli import run

QUICK = ["--points", "100"]
WAVE = "t_us,V\n" + "".join(f"{k},{v}\n" for k, v in enumerate([0, 1, 2, 1, 0, -1, -2, -1, 0, 0]))


@pytest.fixture(autouse=True)
def _own_process(monkeypatch, tmp_path):
    monkeypatch.setattr("ohmprop.cli._hysteresis.prepare_jax", lambda: None)
    monkeypatch.chdir(tmp_path)
    Path("wave.csv").write_text(WAVE, encoding="utf-8")
    Path("words.csv").write_text(WAVE.replace("2,2\n", "2,two\n"), encoding="utf-8")
    Path("columns.csv").write_text(WAVE.replace("t_us,V", "a,b"), encoding="utf-8")
    Path("jump.csv").write_text(WAVE.replace("2,2\n", "2,2\n2,1\n"), encoding="utf-8")
    Path("back.csv").write_text(WAVE.replace("2,2\n", "0.5,2\n"), encoding="utf-8")
    Path("binary.csv").write_bytes(b"\xff\xfe\x00")


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "trace.csv").open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def test_it_leaves_trace_numbers_and_picture(tmp_path, capsys):
    out = tmp_path / "new" / "run"
    arguments = ["--frequency", "auto", "--frequency", "2 Hz", "--cycles", "3"]
    assert run(["hysteresis", "biolek", "--out", str(out), *arguments, *QUICK]) == 0
    assert {p.name for p in out.iterdir()} == {"trace.csv", "metrics.json", "loop.png"}
    assert (out / "loop.png").read_bytes().startswith(b"\x89PNG")
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    first, second = metrics["loops"]
    assert second["frequency_hertz"] == 2.0
    assert metrics["collapse"]["frequencies_hertz"][0] in (first["frequency_hertz"], 2.0)
    assert first["lobe_area_positive_watt"] > 0 and first["r_off_over_r_on"] >= 1
    trace = rows(out)
    assert {row["frequency_hertz"] for row in trace} == {first["frequency_hertz"], 2.0}
    last = trace[-1]
    assert last["frequency_hertz"] == 2.0 and last["t_second"] == pytest.approx(1.5)
    assert trace[0]["state"] == pytest.approx(0.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "amplitude: 1 V (no --amplitude given)"
    assert lines[1].startswith("[1/2]") and "[2/2] 2 Hz: lobes" in lines[2]
    assert str(out / "loop.png") in lines[3]


@pytest.mark.parametrize(("model", "amplitude"), [("stanford_pku", 1.5), ("team", 1.0)])
def test_without_an_amplitude_the_model_switches(model, amplitude, capsys):
    assert run(["hysteresis", model, "--out", "run", *QUICK]) == 0
    metrics = json.loads(Path("run/metrics.json").read_text(encoding="utf-8"))
    assert metrics["amplitude_volt"] == amplitude
    state = [row["state"] for row in rows(Path("run"))]
    assert min(state) < 0.02 and max(state) > 0.98
    assert f"amplitude: {amplitude:g} V" in capsys.readouterr().out


def test_the_automatic_frequency_allows_for_a_state_that_went_beyond_99_percent(capsys):
    """VTEAM's seed set is driven to its very bound one way, from where the way back is longer."""
    asked = ["vteam", "--params", "seed", "--frequency", "auto"]
    assert run(["hysteresis", *asked, "--out", "run", *QUICK]) == 0
    state = [row["state"] for row in rows(Path("run"))]
    assert min(state) < 1e-3 and max(state) > 0.989
    assert "note" not in capsys.readouterr().err


@pytest.mark.parametrize("waveform", ["sine", "triangle", "square", "sawtooth"])
def test_offset_and_phase(waveform):
    """A quarter turn ahead, each shape begins where it is a quarter later without."""
    given = ["--waveform", waveform, "--frequency", "1", "--amplitude", "0.5", "--cycles", "1"]
    for name, more in (("a", []), ("b", ["--phase", "90 deg", "--offset", "100 mV"])):
        command = ["hysteresis", "linear_ion_drift", "--out", name, *given, *more]
        assert run([*command, "--points", "40", "--integration", "euler"]) == 0
    at = [{round(40 * r["t_second"]): r["v_volt"] for r in rows(Path(name))} for name in "ab"]
    for k in (0, 4, 14, 24):
        assert at[1][k] == pytest.approx(0.1 + at[0][k + 10], abs=1e-9)
    metrics = json.loads(Path("b/metrics.json").read_text(encoding="utf-8"))
    assert metrics["phase_radian"] == pytest.approx(math.pi / 2)
    assert metrics["offset_volt"] == 0.1


def test_a_pulse_train():
    """Four pulses of a quarter of a millisecond: flux from their area, all from 0 to +V."""
    arguments = ["--waveform", "pulse_train", "--frequency", "1 kHz", "--duty", "0.25"]
    arguments += ["--cycles", "4", "--amplitude", "0.8", *QUICK]
    assert run(["hysteresis", "mms", "--params", "published", "--out", "run", *arguments]) == 0
    trace = rows(Path("run"))
    assert {row["v_source_volt"] for row in trace} == {0.0, 0.8}
    assert trace[-1]["t_second"] == pytest.approx(4e-3)
    assert trace[-1]["flux_volt_second"] == pytest.approx(4 * 0.25e-3 * 0.8, rel=1e-6)
    metrics = json.loads(Path("run/metrics.json").read_text(encoding="utf-8"))
    assert metrics["duty"] == 0.25 and "phase_radian" not in metrics


def test_the_pulses_of_an_automatic_train_switch_together():
    arguments = ["--waveform", "pulse_train", "--cycles", "10", "--initial", "0.01"]
    arguments += ["--amplitude", "0.8", *QUICK]
    ends = []
    for duty in ("0.2", "0.7"):
        command = ["hysteresis", "linear_ion_drift", "--out", "run", "--overwrite", *arguments]
        assert run([*command, "--duty", duty]) == 0
        ends.append(rows(Path("run"))[-1]["state"])
    assert ends == pytest.approx([0.99, 0.99], abs=1e-3)


def test_parameters_and_circuit(tmp_path):
    out = tmp_path / "run"
    arguments = ["--params", "published", "--set", "r_off=10 kOhm", "--set", "p=2"]
    arguments += ["--frequency", "1 Hz", "--initial", "0.25", "--amplitude", "1500 mV"]
    arguments += ["--series-resistance", "1 kOhm", "--compliance", "100 uA", "--offset", "0.1"]
    assert run(["hysteresis", "joglekar", "--out", str(out), *arguments, *QUICK]) == 0
    trace = rows(out)
    assert trace[0]["state"] == pytest.approx(0.25)
    assert trace[0]["x"] == pytest.approx(0.25e-8)
    assert max(abs(row["i_ampere"]) for row in trace) <= 100e-6 * (1 + 1e-6)
    assert max(row["v_source_volt"] for row in trace) == pytest.approx(1.6, rel=1e-3)
    for row in trace:
        m = 100 * row["state"] + 10e3 * (1 - row["state"])
        assert row["v_volt"] == pytest.approx(m * row["i_ampere"], rel=1e-6, abs=1e-12)


def test_a_waveform_from_a_file_runs_as_recorded(tmp_path):
    out = tmp_path / "run"
    arguments = ["--waveform", "wave.csv", "--cycles", "1", "--integration", "euler"]
    assert run(["hysteresis", "linear_ion_drift", "--out", str(out), *arguments, *QUICK]) == 0
    [loop] = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["loops"]
    assert loop["frequency_hertz"] == pytest.approx(1 / 9e-6)
    trace = rows(out)
    assert trace[-1]["t_second"] == pytest.approx(9e-6)
    assert max(row["v_volt"] for row in trace) == pytest.approx(2.0, rel=0.02)


def test_overwrite_replaces_only_what_is_its_own(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "mine.txt").write_text("x")
    command = ["hysteresis", "linear_ion_drift", "--out", str(out), "--frequency", "1", *QUICK]
    command += ["--integration", "euler"]
    assert run(command) == 2
    assert run([*command, "--overwrite"]) == 0
    assert {p.name for p in out.iterdir()} == {"mine.txt", "trace.csv", "metrics.json", "loop.png"}


MISTAKES = {
    # arguments: words of the message
    ("biolk",): "Unknown device model 'biolk'. Did you mean 'biolek'",
    ("biolek", "--params", "mine"): "'mine' published, seed",
    ("biolek", "--params", "none.yaml"): "none.yaml",
    ("biolek", "--set", "mu=1"): "no parameter 'mu'. Did you mean 'mu_v'",
    ("biolek", "--set", "d"): "d: expected name=value",
    ("biolek", "--waveform", "sin"): "--waveform: unknown waveform 'sin'. Did you mean 'sine'",
    ("biolek", "--waveform", "none.csv"): "none.csv: no such file",
    ("biolek", "--waveform", "words.csv"): "words.csv 'two'",
    ("biolek", "--waveform", "columns.csv"): "columns.csv: no column may be",
    ("biolek", "--waveform", "binary.csv"): "binary.csv: not UTF-8",
    ("biolek", "--waveform", "wave.csv", "--amplitude", "2"): "--amplitude: for named waveforms",
    ("biolek", "--waveform", "jump.csv"): "jump.csv, line 5: the same time as in the row before",
    ("biolek", "--waveform", "back.csv"): "back.csv, line 4: time runs backwards in column 't_us'",
    ("biolek", "--waveform", "sampled"): "unknown waveform 'sampled' Or give a CSV file",
    ("biolek", "--waveform", "wave.csv", "--phase", "1"): "--phase: for named waveforms only",
    ("biolek", "--phase", "1 V"): "--phase: expected a quantity in rad, found '1 V'",
    ("biolek", "--duty", "0.2"): "--duty: not for sine; it is of pulse_train",
    ("biolek", "--waveform", "pulse_train", "--duty", "1"): "--duty: between 0 and 1, found 1",
    ("biolek", "--waveform", "pulse_train", "--offset", "1"): "--offset: not for pulse_train",
    ("biolek", "--frequency", "5 V"): "--frequency: expected a quantity in Hz, found '5 V' volt",
    ("biolek", "--frequency", "fast"): "--frequency: expected a number or a quantity in Hz 'fast'",
    ("biolek", "--frequency", "-1"): "--frequency: expected a positive number in Hz, found '-1'",
    ("biolek", "--frequency", "0"): "--frequency: expected a positive number in Hz, found '0'",
    ("biolek", "--cycles", "-2"): "'--cycles' greater than or equal to 1",
    ("biolek", "--cycles", "two"): "'--cycles' valid integer",
    ("biolek", "--points", "3"): "'--points' greater than or equal to 8",
    ("biolek", "--amplitude", "0"): "--amplitude: expected a voltage other than 0 V",
    ("biolek", "--amplitude", "1 A"): "--amplitude: expected a quantity in V, found '1 A'",
    ("biolek", "--initial", "1.5"): "'--initial' less than or equal to 1",
    ("biolek", "--read-voltage", "0 V"): "--read-voltage: expected a voltage other than 0 V",
    (
        "biolek",
        "--frequency",
        "1",
        "--read-voltage",
        "2 V",
    ): "read voltage: between -1 and 1 V (at 1 Hz), found 2 V",
    ("biolek", "--frequency", "1", "--read-voltage", "-1.1"): "read voltage: found -1.1 V",
    ("biolek", "--series-resistance", "-5"): "--series-resistance: at least 0 in ohm",
    ("biolek", "--compliance", "0"): "--compliance: expected a positive number in A",
    ("biolek", "--integration", "heun"): "integration 'heun'",
    (
        "vteam",
        "--amplitude",
        "0.4",
    ): "auto frequency: peaks at 0.4 V does not switch the device fully",
    ("vteam", "--offset", "3"): "auto frequency: the waveform has no negative voltage",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_mistakes(arguments, tmp_path, capsys):
    out = tmp_path / "new"
    assert run(["hysteresis", *arguments, "--out", str(out)]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "Traceback" not in shown.err
    position = 0
    for word in MISTAKES[arguments].split():
        found = shown.err.find(word, position)
        assert found >= 0, shown.err
        position = found + len(word)
    assert not out.exists()


def test_a_file_in_the_place_of_the_folder(tmp_path, capsys):
    assert run(["hysteresis", "biolek", "--out", "wave.csv"]) == 2
    assert "wave.csv is a file; expected a folder" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
def test_interruption_leaves_nothing(tmp_path):
    """Ctrl-C while it measures: status 130, one line, no folder, no word of resuming."""
    out = tmp_path / "run"
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from ohmprop.cli import main
main(sys.argv[1:])
"""
    frequencies = [x for k in range(200) for x in ("--frequency", f"{k + 1}")]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            "hysteresis",
            "mms",
            "--out",
            str(out),
            "--amplitude",
            "1",
            *frequencies,
        ],
        env=os.environ | {"OHMPROP_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("[1/200]")
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "ohmprop: interrupted\n"
    assert not out.exists()
