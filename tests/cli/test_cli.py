"""The command line: exit codes, one message, files."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ohmprop.cli import run

NAME = "ebana-iris-biolek-pwm"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("ohmprop.cli._commands.prepare_jax", lambda dtype="float64": None)


def test_train_leaves_every_file(tmp_path, capsys):
    out = tmp_path / "run"
    assert run(["train", NAME, "--out", str(out), "--set", "learning.epochs=10"]) == 0
    names = {p.name for p in out.iterdir()}
    assert names >= {"history.csv", "summary.json", "spec.yaml", "conductances.npz", "loss.png"}
    printed = capsys.readouterr().out
    assert "epoch 10/10" in printed and printed.strip().endswith("loss.png")
    assert run(["train", str(out / "spec.yaml"), "--out", str(out)]) == 2
    assert run(["train", str(out / "spec.yaml"), "--out", str(out), "--resume"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "nope", "--out", "x"],
        ["train", NAME],
        ["train", NAME, "--out", "x", "--set", "learning.bta=1"],
        ["train", NAME, "--out", "x", "--resume", "--overwrite"],
        ["trian"],
        ["devices", "biolk"],
        ["specs", "nope"],
        ["predict", "nowhere", "x.csv"],
    ],
)
def test_bad_input_is_one_message_and_code_2(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    caught = capsys.readouterr()
    assert caught.err.startswith("ohmprop: error: ") and caught.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_specs_lists_and_prints(capsys):
    assert run(["specs"]) == 0
    assert NAME in capsys.readouterr().out.split()
    assert run(["specs", NAME]) == 0
    assert "model: biolek" in capsys.readouterr().out


def test_devices_prints_units_and_sources(capsys):
    assert run(["devices"]) == 0
    assert "yakopcic" in capsys.readouterr().out
    assert run(["devices", "biolek"]) == 0
    printed = capsys.readouterr().out
    assert "mu_v" in printed and "published" in printed


def test_predict_prints_csv(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n" + "".join(f"{k},{k % 3},{'u' if k < 10 else 'v'}\n"
                                         for k in range(20)))  # fmt: skip
    sets = ["--set", f"data={{csv: {table.as_posix()}, target: y}}"]
    assert run(["train", NAME, "--out", str(tmp_path / "run"), *sets]) == 0
    capsys.readouterr()
    assert run(["predict", str(tmp_path / "run"), str(table)]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == 20 and set(rows[0]) == {"class", "output_1_volt", "output_2_volt"}


def test_check_compares_with_the_exact_gradient(capsys):
    assert run(["check", NAME, "--set", "data.rows=60"]) == 0
    assert "cosine" in capsys.readouterr().out


def _start(out: Path, cache: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "ohmprop", "train", NAME, "--out", str(out), *more,
               "--set", "learning.epochs=100000"]  # fmt: skip
    return subprocess.Popen(
        command,
        env=os.environ | {"OHMPROP_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(path: Path, process: subprocess.Popen) -> None:
    limit = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child on Windows")
def test_ctrl_c_keeps_what_is_done(tmp_path):
    out = tmp_path / "run"
    process = _start(out, tmp_path / "cache")
    _wait_for(out / "history.csv", process)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in error and "--resume" in error
    assert (out / "checkpoint.npz").exists() and not (out / "summary.json").exists()
    assert not list(out.glob(".*.tmp"))


def test_help_does_not_import_jax():
    code = (
        "import sys; from ohmprop.cli import run; run(['--help']); run(['specs']);"
        "assert 'jax' not in sys.modules and 'pint' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_module_is_runnable():
    done = subprocess.run(
        [sys.executable, "-m", "ohmprop", "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("ohmprop ") and json.dumps(done.returncode) == "0"
