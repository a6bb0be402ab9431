"""Run ngspice as a separate process and read the node voltages it wrote."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ohmprop._core import BadInput, CertificateError

from ._netlist import COUNTER, RESULT_FILE, netlist, node_widths

Array = NDArray[np.float64]


class SpiceMissing(BadInput):
    """The ngspice program cannot be found."""


class SpiceError(CertificateError):
    """ngspice crashed, ran out of time or did not converge; the message names the netlist file."""


def find_ngspice(binary: str | os.PathLike[str] | None = None) -> str:
    """Path of the ngspice program: `binary`, else $OHMPROP_NGSPICE, else `ngspice` on the path.

    Raises:
        SpiceMissing: there is no such program.
    """
    wanted = os.fspath(binary or os.environ.get("OHMPROP_NGSPICE") or "ngspice")
    found = shutil.which(wanted)
    if found is None:
        raise SpiceMissing(
            f"ngspice: expected the program {wanted!r}, found none. Install it (Debian, Ubuntu: "
            "apt install ngspice; macOS: brew install ngspice; Windows: ngspice.sourceforge.io) "
            "or set OHMPROP_NGSPICE to its path."
        )
    return found


def available(binary: str | os.PathLike[str] | None = None) -> bool:
    """Whether ngspice can be found."""
    try:
        find_ngspice(binary)
    except SpiceMissing:
        return False
    return True


def run_ngspice(
    text: str,
    *,
    binary: str | os.PathLike[str] | None = None,
    keep_dir: str | os.PathLike[str] | None = None,
    timeout: float = 600.0,
) -> list[dict[str, float]]:
    """Run a netlist in batch mode and return the saved values of each operating point, in volts.

    Args:
        text: a netlist as `netlist` writes it: its script appends every result to one file.
        binary: the ngspice program; see `find_ngspice`.
        keep_dir: folder that keeps the netlist, log and results; otherwise a temporary folder,
            kept only when the run fails.
        timeout: limit in seconds.

    Returns:
        For each operating point a dictionary from vector name, such as "v(h0_0)", to its value.

    Raises:
        SpiceMissing: ngspice is not installed.
        SpiceError: ngspice crashed, timed out or failed on an operating point.
    """
    program = find_ngspice(binary)
    if keep_dir is not None:
        Path(keep_dir).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ohmprop-ngspice-", dir=keep_dir))
    deck, log = folder / "netlist.cir", folder / "ngspice.log"
    deck.write_text(text, encoding="ascii")
    try:
        status = _call([program, "-n", "-b", deck.name], folder, log, timeout)
    except OSError as error:
        raise SpiceError(f"ngspice could not be run ({error}); netlist kept at {deck}") from error
    if status is None:
        raise SpiceError(f"ngspice ran past {timeout} s; netlist kept at {deck}")
    if status != 0:
        raise SpiceError(f"ngspice ended with status {status}{_tail(log)}; netlist kept at {deck}")
    points = _read_raw(folder / RESULT_FILE)
    expected = len(re.findall(r"^op$", text, re.MULTILINE))
    for k in range(expected):
        if k >= len(points) or points[k].get(f"v({COUNTER})") != k + 1:
            raise SpiceError(
                f"ngspice found no operating point for sample {k} of {expected}"
                f"{_tail(log)}; netlist kept at {deck}"
            )
    if keep_dir is None:
        shutil.rmtree(folder, ignore_errors=True)
    return points


def operating_points(
    network: Any,
    conductances: Sequence[ArrayLike],
    inputs: ArrayLike,
    currents: Sequence[ArrayLike | None] | None = None,
    options: dict[str, float] | None = None,
    *,
    binary: str | os.PathLike[str] | None = None,
    keep_dir: str | os.PathLike[str] | None = None,
    timeout: float = 600.0,
) -> tuple[Array, ...]:
    """Node voltages of every sample by ngspice, all in one process.

    Arguments are those of `netlist` and `run_ngspice`.

    Returns:
        For each node layer (hidden layers, then outputs) an array [b, n] in volts.

    Raises:
        BadInput: an argument is wrong, or ngspice is missing (`SpiceMissing`).
        SpiceError: ngspice crashed, timed out or did not converge.
    """
    widths = node_widths(network)
    text = netlist(network, conductances, inputs, currents, options)
    points = run_ngspice(text, binary=binary, keep_dir=keep_dir, timeout=timeout)
    return tuple(
        np.array([[p[f"v(h{layer}_{j})"] for j in range(n)] for p in points]).reshape(-1, n)
        for layer, n in enumerate(widths)
    )


def _call(command: list[str], folder: Path, log: Path, timeout: float) -> int | None:
    """Exit status of the command, or None when it was ended after `timeout` seconds.

    A timer ends it: `subprocess.run(timeout=...)` polls, which costs up to 50 ms a call.
    """
    late = threading.Event()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(timeout, end)
    timer.daemon = True
    timer.start()
    try:
        status = process.wait()
    finally:
        timer.cancel()
        process.kill()  # no effect on a process that has ended
    return None if late.is_set() else status


def _read_raw(path: Path) -> list[dict[str, float]]:
    """Read the operating points, one plot each, of a binary raw file as far as it is whole."""
    data = path.read_bytes() if path.exists() else b""
    points: list[dict[str, float]] = []
    at = 0
    while (end := data.find(b"Binary:\n", at)) >= 0:
        header = data[at:end].decode("ascii", "replace")
        names = re.findall(r"^\s+\d+\s+(\S+)\s", header.partition("\nVariables:")[2], re.MULTILINE)
        start = end + len(b"Binary:\n")
        at = start + 8 * len(names)
        if at > len(data):
            break
        values = np.frombuffer(data, np.float64, len(names), start)
        points.append(dict(zip(names, values.tolist(), strict=True)))
    return points


def _tail(log: Path) -> str:
    """The last words of ngspice that speak of an error, as a suffix of a message."""
    lines = log.read_text("utf-8", "replace").splitlines()
    wrong = [s.strip() for s in lines if re.search(r"error|abort|singular|converge|fail", s, re.I)]
    return f" ({'; '.join(dict.fromkeys(wrong[:3]))})" if wrong else ""
