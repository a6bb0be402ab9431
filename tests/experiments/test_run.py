"""Runs in folders: the same bits however they were cut, and refusals that write nothing."""

import csv
import json

import numpy as np
import pytest

from ohmprop import __version__
from ohmprop._core import BadInput
from ohmprop.experiments import build, load_spec, predict, run_job, train
from ohmprop.experiments._records import history_text
from ohmprop.experiments._run import chunk_length

COLUMNS = [
    "epoch",
    "loss",
    "accuracy",
    "clipped_fraction",
    "diode_on_fraction",
    "kcl_relative",
    "kcl_residual",
    "passed",
    "write_energy",
]
KEYS = [
    "name",
    "min_loss",
    "final_loss",
    "train_accuracy",
    "test_accuracy",
    "max_kcl_residual_ampere",
    "max_kcl_residual_relative",
    "diode_on_fraction",
    "clipped_fraction",
    "nudge_response_volt",
    "write_energy_joule",
    "epochs",
    "wall_seconds",
    "version",
]
SMALL = ["learning.epochs=12", "data.rows=60", "data.test_fraction=0.2"]  # one shape for all


class Stop(Exception):
    """Stands for a kill in the middle of a run."""


def small(*more):
    return load_spec("ebana-iris-biolek-pwm", [*SMALL, *more]).spec


@pytest.fixture
def single_epochs(monkeypatch):
    monkeypatch.setattr("ohmprop.experiments._run._CHUNK_SECONDS", 0)
    monkeypatch.setattr("ohmprop.experiments._run._SAVE_EVERY", 0)


def test_resume_gives_the_same_bits(tmp_path, single_epochs):
    spec = small("learning.optimiser=adam", "learning.estimator=random_sign")
    whole = train(spec, tmp_path / "whole")

    def stop(epoch, records):
        if epoch == 5:
            raise Stop

    with pytest.raises(Stop):
        train(spec, tmp_path / "cut", progress=stop)
    assert not (tmp_path / "cut" / "summary.json").exists()
    resumed = train(spec, tmp_path / "cut", resume=True)
    for name in ("history.csv", "spec.yaml"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    with (
        np.load(tmp_path / "whole" / "conductances.npz", allow_pickle=False) as a,
        np.load(tmp_path / "cut" / "conductances.npz", allow_pickle=False) as b,
    ):
        assert all(np.array_equal(a[key], b[key]) for key in a.files)
    assert whole | {"wall_seconds": 0} == resumed | {"wall_seconds": 0}


@pytest.mark.parametrize(
    ("sets", "least", "most"),  # epochs that took 0.03 to 0.3 s on two cores
    [
        ([], 50, 50),
        (["learning.batch_size=1"], 10, 50),
        (["data.dataset=breast_cancer", "network.hidden=[16]"], 25, 50),
        (["data.dataset=breast_cancer", "learning.batch_size=1"], 2, 10),
        (["network.hidden=[20, 20, 20]", "network.diode.kind=shockley"], 5, 25),
        (["network.hidden=[20, 20, 20]", "network.diode.kind=shockley",
          "learning.batch_size=1"], 1, 5),
        (["data.dataset=digits", "network.hidden=[50]"], 1, 3),
    ],
)  # fmt: skip
def test_chunks_stay_well_below_a_second(sets, least, most):
    spec = load_spec("ebana-iris-biolek-pwm", sets).spec
    assert least <= chunk_length(build(spec)) <= most


def test_history_carries_its_first_rows_on():
    records = {"loss": np.array([0.3, 0.2, 0.1]), "accuracy": np.array([0.5, 0.5, 1.0]),
               "clipped": np.arange(6.0).reshape(3, 2)}  # fmt: skip
    first = history_text({k: v[:2] for k, v in records.items()})
    assert history_text(records, first) == history_text(records)
    assert history_text(records).splitlines()[-1] == "3,0.1,1.0,4.0,5.0"


def test_half_written_files_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / ".history.csv.77.tmp").write_text("epoch,lo")
    (tmp_path / "mine.tmp").write_text("kept")
    train(small(), tmp_path, resume=True)
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == ["mine.tmp"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with results, the summary and the records of the run that left them."""
    out, ends = tmp_path_factory.mktemp("finished"), []

    def remember(*arguments, **options):
        ends.append(run_job(*arguments, **options))
        return ends[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ohmprop.experiments._run.run_job", remember)
        summary = train(small(), out)
    return out, summary, ends[-1].records


def test_results_and_summary(finished):
    out, summary, _ = finished
    header, first, *rest = (out / "history.csv").read_text().splitlines()
    assert header.startswith("epoch,loss,accuracy")
    assert first.startswith("1,") and len(rest) == 11
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["epochs"] == 12
    assert summary["final_loss"] < float(first.split(",")[1])
    assert list(summary) == KEYS
    assert summary["name"] == "ebana-iris-biolek-pwm" and summary["version"] == __version__
    assert 0 < summary["min_loss"] <= summary["final_loss"] < 1  # V^2
    assert summary["min_loss"] <= float(first.split(",")[1])
    for key in ("train_accuracy", "test_accuracy", "diode_on_fraction", "clipped_fraction"):
        assert 0 <= summary[key] <= 1, key
    assert 0 < summary["max_kcl_residual_ampere"] < 1e-12
    assert 0 < summary["max_kcl_residual_relative"] < 1e-10
    assert 0 < summary["write_energy_joule"] < 1e-3
    assert 0 < summary["wall_seconds"] < 600
    response = summary["nudge_response_volt"]
    assert set(response) == {"median", "max"}
    assert len(response["median"]) == len(response["max"]) == 2  # hidden nodes and outputs
    pairs = zip(response["median"], response["max"], strict=True)
    assert all(0 < middle <= most < 1 for middle, most in pairs)


def test_history_has_its_columns_in_order_and_every_digit(finished):
    out, _, records = finished
    with (out / "history.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == COLUMNS
    assert [row[0] for row in rows] == [str(k + 1) for k in range(12)]
    for place, name in enumerate(COLUMNS[1:], 1):
        cells, values = [row[place] for row in rows], records[name]
        assert [float(cell) for cell in cells] == values.tolist(), name
        if values.dtype == np.float64:
            assert cells == [repr(value) for value in values.tolist()], name


def test_folder_rules(tmp_path):
    out = tmp_path / "run"
    first = train(small(), out, resume=True)  # nothing there: starts
    with pytest.raises(BadInput, match="not empty"):
        train(small(), out)
    with pytest.raises(BadInput, match="another spec"):
        train(small("learning.beta=2e-6"), out, resume=True)
    before = (out / "summary.json").stat().st_mtime_ns
    assert train(small(), out, resume=True) == first  # finished: does nothing
    assert (out / "summary.json").stat().st_mtime_ns == before
    (out / "mine.txt").write_text("kept")
    second = train(small("seed=1"), out, overwrite=True)  # the same program again
    assert second["final_loss"] != first["final_loss"]
    assert (out / "mine.txt").read_text() == "kept"


@pytest.mark.parametrize(
    "changes",
    [
        ["data.rows=20"],  # Iris begins with 50 rows of one class
        ["device.overrides.mu=1"],
        ["device.model=biolk"],
        ["data.dataset=irs"],
        ["data.rows=1000"],
        ["learning.batch_size=1000"],
        ["initial.low=1e-9"],
        ["learning.optimiser=adm"],
        ["data={csv: nowhere.csv, target: y}"],
    ],
)
def test_bad_input_writes_nothing(tmp_path, changes):
    with pytest.raises(BadInput):
        train(load_spec("ebana-iris-biolek-pwm", changes).spec, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,y\n1,2,u\n,3,v\n", "a"),
        ("a,b,y\n1,2,u\n2,3,u\n", "class"),
        ("a,b,z\n1,2,u\n2,3,v\n", "y"),
        ("a,b,y\n1,x,u\n2,3,v\n", "b"),
    ],
)
def test_bad_csv(tmp_path, text, words):
    path = tmp_path / "table.csv"
    path.write_text(text)
    spec = load_spec("ebana-iris-biolek-pwm", [f"data.csv={path}", "data.target=y"]).spec
    with pytest.raises(BadInput, match=words):
        train(spec, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_predict_applies_the_trained_network(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(x, y, "up" if x + y > 0 else "down") for x, y in rng.uniform(-1, 1, (60, 2))]
    path = tmp_path / "table.csv"
    path.write_text(
        "x,y,way\n"
        + "".join(f"{x!r},{y!r},{w}\n" for x, y, w in ((float(x), float(y), w) for x, y, w in rows))
    )
    spec = load_spec("ebana-iris-biolek-pwm", [f"data.csv={path}", "data.target=way"]).spec
    summary = train(spec, tmp_path / "run")
    classes, outputs, names = predict(tmp_path / "run", path)
    assert outputs.shape == (60, 2) and set(names) == {"up", "down"}
    assert np.mean([c == r[2] for c, r in zip(classes, rows, strict=True)]) == pytest.approx(
        summary["train_accuracy"]
    )
