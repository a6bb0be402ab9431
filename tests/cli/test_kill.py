"""Runs that are killed or interrupted: what is kept, and the same bits after `--resume`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")

SPEC = ["ebana-iris-biolek-pwm", "--set", "learning.epochs=60000", "--set", "data.rows=60"]
OHMPROP = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background is deaf to it
from ohmprop.cli import main
main(sys.argv[1:])
"""
LOST = 1.5  # s: a save every half second, a chunk, and what a busy machine adds


def start(out: Path, cache: Path) -> subprocess.Popen:
    """`ohmprop train --resume` in a process of its own, compiled programs kept in `cache`."""
    return subprocess.Popen(
        [sys.executable, "-c", OHMPROP, "train", *SPEC, "--out", str(out), "--resume"],
        env=os.environ | {"OHMPROP_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_save(out: Path, process: subprocess.Popen, after: float) -> float:
    """Wait until `process` has saved since the time `after`; the time of its checkpoint."""
    path, limit = out / "checkpoint.npz", time.monotonic() + 120
    while time.monotonic() < limit and process.poll() is None:
        if path.exists() and path.stat().st_mtime > after:
            return path.stat().st_mtime
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint: {process.communicate()[1]}")


def finish(out: Path, cache: Path) -> None:
    process = start(out, cache)
    assert process.communicate(timeout=300)[1] == ""
    assert process.returncode == 0


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, cache) -> Path:
    out = tmp_path_factory.mktemp("unbroken") / "run"
    finish(out, cache)
    return out


def assert_same_bits(a: Path, b: Path) -> None:
    assert (a / "history.csv").read_bytes() == (b / "history.csv").read_bytes()
    with (
        np.load(a / "conductances.npz", allow_pickle=False) as one,
        np.load(b / "conductances.npz", allow_pickle=False) as two,
    ):
        assert one.files == two.files
        assert all(np.array_equal(one[key], two[key]) for key in one.files)
    assert not [p for p in b.iterdir() if p.name.endswith(".tmp")]


@pytest.mark.slow
def test_kill_at_any_moment_loses_a_second_and_no_bits(tmp_path, cache, unbroken):
    out = tmp_path / "run"
    process = start(out, cache)
    time.sleep(0.3)  # while it imports
    process.kill()
    process.communicate()
    assert not out.exists()
    for delay in (0.0, 1.2, 1.7):  # s after a save; the later ones span further saves
        began = time.time()
        process = start(out, cache)
        wait_for_save(out, process, began)
        time.sleep(delay)
        assert process.poll() is None, "finished before it was killed; give it more epochs"
        process.kill()
        killed = time.time()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert killed - (out / "checkpoint.npz").stat().st_mtime < LOST
        assert not (out / "summary.json").exists()
    finish(out, cache)
    assert_same_bits(unbroken, out)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_resumes_to_the_same_bits(tmp_path, cache, unbroken):
    out = tmp_path / "run"
    began = time.time()
    process = start(out, cache)
    wait_for_save(out, process, began)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in error and "--resume" in error
    assert not (out / "summary.json").exists()
    with np.load(out / "checkpoint.npz", allow_pickle=False) as stored:
        kept = len(stored["record_loss"])
    assert len((out / "history.csv").read_text().splitlines()) == kept + 1
    finish(out, cache)
    assert_same_bits(unbroken, out)
