"""Whole commands that reproduce the seed paper, each in a process of its own, nothing compiled yet.

The commands use all cores, as for a user. The last row takes a quarter of an hour.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from ohmprop.paper import spec_names

from ._timing import Row

CELLS_SECONDS, CELLS_MIB = 60.0, 2048.0
QUICK_SECONDS, WHOLE_SECONDS = 120.0, 900.0


def reproduce_row(rounds: int) -> Iterator[Row]:
    """One run of each: they are long, and no reference is interleaved."""
    del rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = folder / "cells.yaml"
        table = {
            "name": "cells",
            "learning": {"epochs": 50},
            "sweep": {"spec": spec_names("ebana")},
        }
        spec.write_text(yaml.safe_dump(table, sort_keys=False), encoding="utf-8")
        yield from _command(
            "(l) 336 cells of Figures 10 and 11",
            ["sweep", str(spec), "--out", str(folder / "cells.nc")],
            folder / "programs-cells",
            CELLS_SECONDS,
            CELLS_MIB,
        )
        for label, options, bar in (
            ("(m) reproduce --quick", ["--quick"], QUICK_SECONDS),
            ("(n) reproduce", [], WHOLE_SECONDS),
        ):
            out = folder / label[1]
            command = ["reproduce", "--out", str(out), *options]
            yield from _command(label, command, folder / f"programs-{label[1]}", bar)


def _command(
    name: str, command: list[str], programs: Path, seconds: float, mib: float | None = None
) -> Iterator[Row]:
    """Wall seconds of `ohmprop COMMAND` over its bar, and its peak memory over its own."""
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    environment["OHMPROP_CACHE"] = str(programs)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ohmprop", *command],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    yield Row(name, f"{wall:.0f} s, {cpu:.0f} s of CPU", wall / seconds, 1.0)
    if mib is not None:  # the greatest of all children so far: the first is the one with a bar
        peak = after.ru_maxrss / 1024
        yield Row(f"{name}: peak memory", f"{peak:.0f} MiB", peak / mib, 1.0)
