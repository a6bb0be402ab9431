"""The command line: exit codes, one message, files."""

import csv
import json
import re
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop._core import VerificationError
from ohmprop.cli import run
from ohmprop.equilibrium import solve
from ohmprop.report import plot_loss

NAME = "ebana-iris-biolek-pwm"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("ohmprop.cli._commands.prepare_jax", lambda dtype="float64": None)


def test_train_leaves_every_file(tmp_path, monkeypatch, capsys):
    out, labels = tmp_path / "run", []

    def plot(*paths, **options):
        labels.append(options)
        return plot_loss(*paths, **options)

    monkeypatch.setattr("ohmprop.report.plot_loss", plot)
    assert run(["train", NAME, "--out", str(out), "--set", "learning.epochs=10"]) == 0
    names = {p.name for p in out.iterdir()}
    assert names >= {"history.csv", "summary.json", "spec.yaml", "conductances.npz", "loss.png"}
    assert labels == [{"title": NAME, "unit": "V²"}]
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


def test_devices_prints_options_and_which_is_physical(capsys):
    for model in ("vteam", "yakopcic"):
        assert run(["devices", model]) == 0
        rows = [x for x in capsys.readouterr().out.splitlines() if x.split()[1:2] == ["window"]]
        assert [row.split("│")[2].strip() for row in rows] == ["seed", "published"]
        assert all("option" in row and '"published" (physical)' in row for row in rows)


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


def test_a_wrong_estimator_is_code_4_after_the_table(monkeypatch, capsys):
    def wrong(spec, say):
        del spec
        say("  crossbar 1: cosine 0.5")
        raise VerificationError("crossbar 1 (cosine 0.500)")

    monkeypatch.setattr("ohmprop.experiments.check", wrong)
    assert run(["check", NAME]) == 4
    caught = capsys.readouterr()
    assert caught.out == "  crossbar 1: cosine 0.5\n"
    assert caught.err == "ohmprop: error: crossbar 1 (cosine 0.500)\n"


def test_ignored_keys_are_noted(monkeypatch, capsys):
    monkeypatch.setattr("ohmprop.experiments.check", lambda spec, say: say("compared"))
    assert run(["check", NAME]) == 0
    assert capsys.readouterr().err == ""
    assert run(["check", NAME, "--set", "write.frequency=1e3"]) == 0
    note = "ohmprop: note: write.frequency has no effect: write.scheme is pwm\n"
    assert capsys.readouterr().err == note


def test_failed_certificate_is_code_3_and_keeps_the_good_epochs(tmp_path, capsys):
    out = tmp_path / "run"
    # a diode of 1e-12 ohm: once it conducts, the node voltages lack the digits for its current
    assert run(["train", NAME, "--out", str(out), "--set", "network.diode.r_on=1e-12"]) == 3
    error = capsys.readouterr().err
    assert error.startswith("ohmprop: error: ") and error.count("\n") == 1
    epoch, good = map(int, re.findall(r"epoch (\d+)", error))
    assert epoch == good + 1 > 1
    assert re.search(r"sample \d+ did not settle .* at layer 0, node \d\. Try .*resistance", error)
    history = (out / "history.csv").read_text().splitlines()
    assert len(history) == good + 1 and history[-1].startswith(f"{good},")
    assert not (out / "summary.json").exists()


def test_disagreement_with_ngspice_is_code_4(monkeypatch, capsys):
    def off(network, conductances, inputs, currents=None):
        settled = solve(network, tuple(map(jnp.asarray, conductances)), jnp.asarray(inputs))
        return tuple(np.asarray(v) + 1e-6 for v in settled.voltages)

    monkeypatch.setattr("ohmprop.spice.available", lambda: True)
    monkeypatch.setattr("ohmprop.spice.operating_points", off)
    assert run(["check", NAME, "--set", "data.rows=60"]) == 4
    error = capsys.readouterr().err
    assert "ngspice, free" in error and "1.000e-06 V" in error and "above 1e-09 V" in error


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
