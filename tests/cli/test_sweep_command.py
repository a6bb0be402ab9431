"""The command sweep: what it leaves and says, mistakes, and kills at any moment."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from ohmprop.cli import run
from ohmprop.experiments import open_dataset

SPEC = {
    "name": "tiny",
    "data": {"dataset": "xor"},
    "network": {"hidden": [1]},
    "device": {"model": "linear"},
    "learning": {"epochs": 3, "rates": 1e-5},
    "write": {"integration": "euler"},
    "sweep": {"device.r_off": ["1 kOhm", "10 kOhm"], "seed": {"count": 2}},
}


def written(folder: Path, **changes) -> str:
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(SPEC | changes), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("OHMPROP_CACHE", str(tmp_path_factory.getbasetemp() / "sweep-cache"))


def test_a_sweep_leaves_a_dataset_and_a_picture_and_tells_the_best(tmp_path, capsys):
    out = tmp_path / "tiny.nc"
    assert run(["sweep", written(tmp_path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "cells 4/4" in said
    assert "least loss" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sweep.yaml", "tiny.nc", "tiny.png"]
    assert dict(open_dataset(out).sizes) == {"r_off": 2, "seed": 2, "epoch": 3}


@pytest.mark.parametrize(
    ("arguments", "changes", "words"),
    [
        (["--out", "there.csv"], {}, ["there.csv", ".nc"]),
        (["--out", "no/such/there.nc"], {}, ["no/such", "folder"]),
        (["--out", "x.nc", "--workers", "0"], {}, ["--workers"]),
        (["--out", "x.nc", "--resume", "--overwrite"], {}, ["exclude"]),
        (["--out", "x.nc", "--scheduler", "nowhere"], {}, ["--scheduler", "tcp://"]),
        (["--out", "x.nc", "--set", "seed"], {}, ["--set", "a.b=value"]),
        (["--out", "x.nc"], {"sweep": {"device.modle": ["linear"]}}, ["modle", "model"]),
        (["--out", "x.nc"], {"sweep": None}, ["sweep", "table of axes"]),
        (["--out", "x.nc"], {"data": {"dataset": "irsi"}}, ["irsi", "iris"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, arguments, changes, words
):
    monkeypatch.chdir(tmp_path)
    assert run(["sweep", written(tmp_path, **changes), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for word in words:
        assert word in said
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.yaml"]


def test_a_spec_without_a_sweep_says_how_to_add_one(tmp_path, capsys):
    assert run(["sweep", "ebana-iris-biolek-pwm", "--out", str(tmp_path / "x.nc")]) == 2
    assert "sweep:" in capsys.readouterr().err
    assert run(["train", written(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "ohmprop sweep" in capsys.readouterr().err


def test_a_picture_that_is_not_its_own_is_left_alone(tmp_path, capsys):
    (tmp_path / "tiny.png").write_bytes(b"mine")
    assert run(["sweep", written(tmp_path), "--out", str(tmp_path / "tiny.nc")]) == 2
    assert "tiny.png exists" in capsys.readouterr().err
    assert (tmp_path / "tiny.png").read_bytes() == b"mine"


def test_an_axis_that_is_tuned_away_leaves_one_cell(tmp_path, capsys):
    spec = written(tmp_path, sweep={"learning.rates": {"values": [1e-6, 1e-5], "tuned": True}})
    assert run(["sweep", spec, "--out", str(tmp_path / "one.nc")]) == 0
    assert (tmp_path / "one.png").stat().st_size > 1000
    assert " at rates 1e-0" in capsys.readouterr().out


def test_a_finished_sweep_is_left_alone(tmp_path, capsys):
    out = tmp_path / "tiny.nc"
    spec = written(tmp_path)
    assert run(["sweep", spec, "--out", str(out)]) == 0
    before = out.read_bytes()
    assert run(["sweep", spec, "--out", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(["sweep", spec, "--out", str(out), "--resume"]) == 0
    assert run(["sweep", spec, "--out", str(out), "--resume", "--set", "seed=3"]) == 2
    assert out.read_bytes() == before


def parts_of(out: Path) -> int:
    """Chunks stored beside the file of a sweep that is not done."""
    return len(list(Path(f"{out}.parts").glob("part-*.npz")))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_sweep_killed_at_twenty_moments_ends_as_if_unbroken(tmp_path):
    many = SPEC | {"sweep": {"device.r_off": ["1 kOhm", "10 kOhm"], "seed": {"count": 1300}}}
    spec = written(tmp_path, **many)
    command = [sys.executable, "-m", "ohmprop", "sweep", spec, "--resume", "--out"]
    subprocess.run([*command, str(tmp_path / "whole.nc")], check=True, capture_output=True)
    whole = open_dataset(tmp_path / "whole.nc")
    began = time.monotonic()
    subprocess.run([*command, str(tmp_path / "timed.nc")], check=True, capture_output=True)
    lasts = time.monotonic() - began  # the second time: with its programs compiled
    random.seed(1)
    broken, grown = tmp_path / "broken.nc", []
    for k in range(20):
        there = parts_of(broken)
        process = subprocess.Popen(
            [*command, str(broken)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if k % 2:  # at any time, starting and finishing included
            time.sleep(random.uniform(0.3, 1.0) * lasts)
        else:  # amid the chunks, which take a small part of the time
            until = there + random.randint(1, 6)
            while parts_of(broken) < until and process.poll() is None:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.1))
        process.kill()  # SIGKILL; nothing, where it has ended
        process.wait()
        grown.append(parts_of(broken))
        if broken.exists():  # done before the kill: again from the start
            assert open_dataset(broken).identical(whole)
            broken.unlink()
    assert sum(0 < n < 21 for n in grown) >= 3, f"killed too early or too late: {grown}"
    ended = subprocess.run([*command, str(broken)], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert open_dataset(broken).identical(whole)
    assert sorted(p.name for p in tmp_path.glob("broken*")) == ["broken.nc", "broken.png"]
