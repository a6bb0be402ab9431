"""Print the table of speed ratios, each beside its bar. Times are p10 of interleaved rounds."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy and JAX are imported
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import argparse  # noqa: E402

from ._rows import ROWS  # noqa: E402
from ._timing import Row  # noqa: E402


def main() -> None:
    """Run the benchmarks chosen on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ROWS, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=20, help="rounds per measurement, >= 20")
    chosen = parser.parse_args()
    line = "{:<44} {:>24} {:>9} {:>8}  {}"
    print(f"one thread (XLA, BLAS); p10 of {chosen.rounds} interleaved rounds")
    print(line.format("benchmark", "value", "ratio", "bar", "verdict"))
    for name in chosen.names or ROWS:
        for row in ROWS[name](chosen.rounds):
            print(line.format(*_cells(row)), flush=True)


def _cells(row: Row) -> tuple[str, ...]:
    if row.ratio is None:
        return row.name, row.value, "-", "-", "not available" if row.missing else ""
    if row.bar is None:
        return row.name, row.value, f"{row.ratio:.3g}", "-", ""
    verdict = "PASS" if row.ratio <= row.bar else "FALLS SHORT"
    return row.name, row.value, f"{row.ratio:.3f}", f"<={row.bar:g}", verdict


if __name__ == "__main__":
    main()
