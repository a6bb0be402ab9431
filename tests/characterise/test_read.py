"""Reading measured sweeps: names, units, layouts, and one clear complaint each."""

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.characterise import read_sweep

V = np.round(np.concatenate([np.linspace(0, 1, 8), np.linspace(1, 0, 8)[1:]]), 6)
I = 1e-4 * V  # noqa: E741
T = 0.1 * np.arange(15)


def write(path, header, columns, delimiter=",", tail=""):
    rows = [
        delimiter.join(repr(float(v)) for v in row) + tail for row in zip(*columns, strict=True)
    ]
    lines = ([header] if header else []) + rows
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("V,I,t", (V, I, T)),
        ("Time, Voltage, Current", (T, V, I)),
        ("t (ms),V (mV),I (uA)", (1e3 * T, 1e3 * V, 1e6 * I)),
        ("time_ms,U [mV],Current [µA]", (1e3 * T, 1e3 * V, 1e6 * I)),
        ("Item,Smu1.Time[1][1],Smu1.V[1][1],Smu1.I[1][1]", (np.arange(15), T, V, I)),
        ("V1,I1,absI,Timestamp/s", (V, I, abs(I), T)),
    ],
)
def test_names_and_units(tmp_path, header, columns):
    sweep = read_sweep(write(tmp_path / "a.csv", header, columns))
    np.testing.assert_allclose(sweep.v, V, rtol=1e-12)
    np.testing.assert_allclose(sweep.i, I, rtol=1e-12)
    np.testing.assert_allclose(sweep.t, T, rtol=1e-12)
    assert sweep.notes == ()


@pytest.mark.parametrize("delimiter", [";", "\t", " ", ","])
def test_layouts(tmp_path, delimiter):
    path = write(tmp_path / "a.csv", delimiter.join("VIt"), (V, I, T), delimiter)
    text = "\ufeff# a comment\n\n" + path.read_text().replace("\n", "\n% another\n", 2)
    path.write_text(text, encoding="utf-8")
    np.testing.assert_allclose(read_sweep(path).i, I, rtol=1e-12)


def test_decimal_commas_and_a_delimiter_at_the_end(tmp_path):
    path = write(tmp_path / "a.csv", "V;I;", (V, I), ";", ";")
    path.write_text(path.read_text().replace(".", ","), encoding="utf-8")
    np.testing.assert_allclose(read_sweep(path).v, V, rtol=1e-12)


def test_without_times_or_header(tmp_path):
    path = write(tmp_path / "a.csv", "V,I", (V, I))
    sweep = read_sweep(path)
    assert sweep.t[-1] == pytest.approx(2 / 0.12) and "0.12 V/s (assumed)" in sweep.notes[0]
    assert read_sweep(path, rate=2.0).t[-1] == pytest.approx(1.0)
    bare = write(tmp_path / "b.csv", "", (T, V, I))
    np.testing.assert_allclose(read_sweep(bare, "2,3,1").i, I)


def test_named_columns(tmp_path):
    path = write(tmp_path / "a.csv", "V1,V2,I1,clock", (V, 2 * V, I, T))
    np.testing.assert_allclose(read_sweep(path, "V2, I1, clock").v, 2 * V)


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("", None, ["at least 10 rows", "found 0"]),
        ("V,I\n1,2\n", None, ["at least 10 rows", "found 2"]),
        ("V1,V2,I\n" + "1,2,3\n" * 12, None, ["several columns", "V (V)", "--columns", "V1, V2"]),
        ("V,R\n" + "1,2\n" * 12, None, ["no column", "I (A)", "Candidates: V, R"]),
        ("1,2\n" * 12, None, ["no column", "--columns", "Candidates: 1, 2"]),
        ("V,I\n" + "1,2\n" * 12, "V", ["--columns V", "2 to 3"]),
        ("V,I,V\n" + "1,2,3\n" * 12, "V,I", ["several columns are called 'V'", "rename"]),
        ("V,I\n" + "1,2\n" * 12, "V,J", ["no column 'J'", "Known: I, V"]),
        ("V,I\n" + "1,2\n" * 12 + "1,2,3\n", None, ["line 14", "expected 2", "found 3"]),
        ("V,I\n" + "1,2\n" * 12 + "1,over\n", None, ["line 14", "'I'", "'over'"]),
        ("V,I\n" + "1,2\n" * 12 + "1,nan\n", None, ["line 14", "finite", "'nan'"]),
        ("V,I\n" + "1,2\n" * 12 + "1,\n", None, ["line 14", "found 1"]),
        ("V (mA),I\n" + "1,2\n" * 12, None, ["'V (mA)'", "unit of V", "mA"]),
        ("V,I\n" + "1,2\n" * 12, None, ["1 V throughout"]),
        ("V,I\n" + "1,0\n2,0\n" * 6, None, ["0 A throughout"]),
        (
            "# made\nt,V,I\n" + "".join(f"{k},{k},1\n" for k in range(12)) + "3,1,1\n",
            None,
            ["line 15", "backwards", "'t'"],
        ),
        ("t,V,I\n" + "5,1,1\n5,2,1\n" * 6, None, ["'t'", "same in every row"]),
    ],
)
def test_complaints(tmp_path, text, columns, words):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_sweep(path, columns)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_missing_file_and_rate(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        read_sweep(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="rate: expected a positive"):
        read_sweep(write(tmp_path / "a.csv", "V,I", (V, I)), rate=0.0)


def test_measured_files(shared):
    for path in sorted((shared / "data" / "iv").glob("*.csv")):
        sweep = read_sweep(path)
        assert len(sweep.v) == len(path.read_text().splitlines()) - 1
        assert np.max(np.abs(sweep.v)) <= 4 and np.max(np.abs(sweep.i)) < 0.01
        assert bool(sweep.notes) == ("small" in path.name)


@pytest.mark.parametrize("header", ["Elapsed Time,V,I", "Time Stamp,V,I", "seconds,V,I"])
def test_a_column_that_may_be_the_time_is_asked_for(tmp_path, header):
    path = tmp_path / "sweep.csv"
    path.write_text(header + "\n" + "".join(f"{k},{k % 7},{k % 7}\n" for k in range(20)))
    with pytest.raises(BadInput, match="no column may be t .*--columns"):
        read_sweep(path)


@pytest.mark.parametrize(
    ("header", "factor"),
    [("Time (min),V,I", 60.0), ("t [sec],V,I", 1.0), ("time_hours,V,I", 3600.0)],
)
def test_times_in_words(tmp_path, header, factor):
    path = tmp_path / "sweep.csv"
    path.write_text(header + "\n" + "".join(f"{k},{k % 7},{k % 7}\n" for k in range(20)))
    np.testing.assert_allclose(read_sweep(path).t, factor * np.arange(20))


def test_current_against_voltage_and_columns_twice_are_refused(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text("t,V,I\n" + "".join(f"{k},{k % 7},{-(k % 7)}\n" for k in range(20)))
    with pytest.raises(BadInput, match="runs against the voltage"):
        read_sweep(path)
    with pytest.raises(BadInput, match="expected different columns"):
        read_sweep(path, "V,V")
    with pytest.raises(BadInput, match="expected a positive number in V/s"):
        read_sweep(path, rate=0.0)
