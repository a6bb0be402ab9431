"""The whole reproduction on sweeps with made-up numbers: its files, its report, its folder."""

import csv
import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from _synthetic import LABELS, dataset_of

from ohmprop import __version__, paper
from ohmprop._core import BadInput
from ohmprop.experiments import State, load_spec, open_dataset, write_dataset
from ohmprop.paper import _further, _reproduce
from ohmprop.paper._claims import Claim, Finding
from ohmprop.report import new_figure, save_figure

QUICK = ["as_run", "as_stated", "rates", "tuned", "ratio_fixed_start", "ratio_moving_start"]
QUICK += ["shifted_range", "epochs_iris", "diodes", "estimators", "equations", "adam", "descent"]
QUICK += ["frequencies_vteam", "frequencies_yakopcic"]


def made_up(sweep: Any, out: Path, **options: Any):
    """A dataset such as `sweep` leaves, and its file; every twentieth run has failed."""
    labels = {
        axis.name: list(axis.labels or (getattr(v[0], "factor", v[0]) for v in axis.values))
        for axis in sweep.axes
    }
    data = dataset_of(labels, sweep.base["learning"]["epochs"])
    shape, random = data["min_loss"].shape, np.random.default_rng(len(sweep))
    least = random.uniform(0.02, 0.1, shape)
    failed = random.uniform(size=shape) < 0.05
    if sweep.name == "rates":  # cell k is best at factor number k, counted round and round
        k, factor = (np.arange(n) for n in shape[:2])
        least[:] = 1 + ((k[:, None] - factor) % shape[1])[..., None]
        failed[:] = False
        failed[0, 0, -1] = True
    fall = 1 + 1 / np.arange(1, data.sizes["epoch"] + 1)
    data["min_loss"][:] = np.where(failed, np.nan, least)
    data["loss"][:] = np.where(failed, np.nan, least)[..., None] * fall
    for name in ("clipped_fraction", "diode_on_fraction", "test_accuracy"):
        data[name][:] = np.where(failed, np.nan, random.uniform(0.1, 0.9, shape))
    data["failure"][:] = np.where(failed, "epoch 1: the loss is not finite", "")
    write_dataset(data, out)
    options["progress"](State(len(sweep), int(failed.sum()), len(sweep), len(sweep), 0.1))
    return data


class Made(NamedTuple):
    """What one reproduction left and did."""

    out: Path
    claims: list[Claim]
    stages: list[paper.Stage]
    sweeps: dict[str, tuple[Any, dict[str, Any]]]
    asked: list[str]
    drawn: list[tuple[str, str, int]]


def one_panel(models: Iterable[str] = paper.MODELS) -> list[paper.Panel]:
    quickest = [model for model in models if model == "linear_ion_drift"]
    return paper.figure_9(quickest, points=60)


def reproduced(out: Path, patch: pytest.MonkeyPatch, **options: Any) -> Made:
    """`reproduce` without training and equilibria, with one panel for Figure 9.

    Figures 10 and 11 are drawn by a stand-in: the tests of `draw_training` draw them.
    """

    def run_sweep(sweep, path, **given):
        asked.append(path.name)
        sweeps[path.name] = (sweep, given)
        return made_up(sweep, path, **given)

    def draw_training(cells, modulation, png, *, reading="", limits=None):
        drawn.append((modulation, reading, cells.sizes["hidden"]))
        return save_figure(new_figure((1, 1)), png)

    drawn: list[tuple[str, str, int]] = []
    sweeps: dict[str, tuple[Any, dict[str, Any]]] = {}
    stages: list[paper.Stage] = []
    asked: list[str] = []
    bound = Claim("2.2.1, eq. 9", "a bound", "it holds", {"as run": Finding("0", True)})
    patch.setattr(_reproduce, "run_sweep", run_sweep)
    patch.setattr(_reproduce, "about_bound", lambda: bound)
    patch.setattr(_reproduce, "draw_training", draw_training)
    patch.setattr(_reproduce, "about_pulses", lambda pulses: [])
    patch.setattr(_reproduce, "figure_9", one_panel)
    patch.setattr(_further, "hysteresis_frequency", {"vteam": 2.5e4, "yakopcic": 165.0}.__getitem__)
    claims = paper.reproduce(out, progress=stages.append, workers=3, **options)
    return Made(out, claims, stages, sweeps, asked, drawn)


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        return reproduced(tmp_path_factory.mktemp("reproduced") / "all", patch, quick=True)


@pytest.fixture(scope="module")
def html(quick) -> str:
    return (quick.out / "report.html").read_text(encoding="utf-8")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestFiles:
    def test_every_figure_and_its_data_are_there(self, quick):
        for number in (4, 6, 8, 9, 10, 11):
            assert (quick.out / f"figure_{number}.png").read_bytes().startswith(b"\x89PNG")
        for number, column in ((4, "node"), (6, "width"), (8, "current"), (9, "i")):
            rows = rows_of(quick.out / f"figure_{number}.csv")
            assert len(rows) > 10
            assert np.isfinite([float(row[column]) for row in rows]).all()
        assert sorted(p.name for p in (quick.out / "data").iterdir()) == sorted(
            f"{name}.nc" for name in QUICK
        )

    def test_the_cells_of_figures_10_and_11_are_in_one_file(self, quick):
        cells = open_dataset(quick.out / "cells.nc")
        for dim, labels in LABELS.items():
            assert cells[dim].values.tolist() == labels
        stored = open_dataset(quick.out / "data" / "as_run.nc")
        for name in paper.spec_names("ebana")[::45]:
            k = stored["base"].values.tolist().index(name)
            place = np.unravel_index(k, cells["min_loss"].shape)
            np.testing.assert_array_equal(cells["loss"].values[place], stored["loss"].values[k])

    def test_the_claims_returned_are_those_in_the_table(self, quick):
        rows = rows_of(quick.out / "claims.csv")
        assert len(rows) == len(quick.claims) > 20
        for row, claim in zip(rows, quick.claims, strict=True):
            assert (row["statement"], row["verdict"]) == (claim.text, claim.verdict)
            found = {r: row[r] for r in ("as run", "as stated", "tuned") if row[r]}
            assert found == {r: finding.value for r, finding in claim.findings.items()}
        assert {row["verdict"] for row in rows} >= {"holds", "does not hold"}
        sections = {row["section"] for row in rows}
        assert {"Figure 4", "Figure 9", "2.2.1, eq. 9", "3.2", "4.2, Figure 10", "5"} <= sections

    def test_nothing_half_written_is_left(self, quick):
        assert not [p for p in quick.out.rglob("*") if p.name.startswith(".")]
        marker = json.loads((quick.out / "reproduce.json").read_text(encoding="utf-8"))
        assert marker == {"version": __version__, "quick": True}


def test_figures_10_and_11_are_drawn_in_each_reading(quick):
    readings = {"": 3, "as stated": 1, "tuned": 1}  # and how many sizes of a network
    wanted = [(m, reading, sizes) for m in ("pwm", "pam") for reading, sizes in readings.items()]
    assert sorted(quick.drawn) == sorted(wanted)


class TestReport:
    def test_it_needs_nothing_else(self, html):
        sources = re.findall(r'src="([^"]{0,22})', html)
        assert len(sources) == len(re.findall("<img", html)) >= 14
        assert set(sources) == {"data:image/png;base64,"}
        assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', html))
        assert not re.findall(r"<script|<link|@import|url\(", html)

    def test_it_has_every_section(self, html):
        heads = re.findall(r"<h2[^>]*>([^<]*)</h2>", html)
        assert [head[:3] for head in heads if head.startswith("(")] == [f"({c})" for c in "abcdefg"]
        assert heads[-1] == "What limits learning"
        assert html.count("<table") >= 6

    def test_it_says_that_it_is_the_quick_one_and_how_many_statements_hold(self, quick, html):
        verdicts = [claim.verdict for claim in quick.claims]
        assert "This is the quick report" in html
        assert (
            f"Of {len(verdicts)} statements judged, {verdicts.count('holds')} hold, "
            f"{verdicts.count('holds only as run')} only as run, and "
            f"{verdicts.count('does not hold')} do not hold."
        ) in html
        for claim in quick.claims:
            assert claim.text.split("(")[0].strip()[:30] in html.replace("&#x27;", "'")


class TestSweeps:
    def test_each_is_run_once_as_asked_into_a_file_of_its_own(self, quick):
        assert sorted(quick.asked) == sorted(f"{name}.nc" for name in QUICK)
        for _, given in quick.sweeps.values():
            assert given["resume"]
            assert 1 <= given["workers"] <= 3
        assert quick.sweeps["as_run.nc"][1]["workers"] == 3

    def test_stages_are_counted_up_to_the_last(self, quick):
        began = [stage.number for stage in quick.stages if stage.state is None]
        total = quick.stages[-1].total
        assert sorted(began) == list(range(1, total + 1))
        assert {stage.total for stage in quick.stages} == {total}
        assert quick.stages[-1] == (total, total, "report", None)
        titles = {stage.number: stage.title for stage in quick.stages if stage.state is None}
        ended = [stage for stage in quick.stages if stage.state]
        assert len(ended) == len(QUICK)
        assert all(stage.title == titles[stage.number] for stage in ended)
        assert ended[0].state and (ended[0].state.done, ended[0].state.total) == (336, 336)

    def test_figures_10_and_11_are_of_all_336_specs(self, quick):
        sweep, _ = quick.sweeps["as_run.nc"]
        assert [value for (value,) in sweep.axes[0].values] == paper.spec_names("ebana")

    def test_a_cell_is_tuned_to_the_factor_that_was_best_where_every_seed_trained(self, quick):
        (chose, _), (sweep, _) = quick.sweeps["rates.nc"], quick.sweeps["tuned.nc"]
        factors = [value.factor for (value,) in chose.axes[1].values]
        assert len(sweep.axes[0].values) == 56 and len(factors) > 2
        for k, (name, rate) in enumerate(sweep.axes[0].values):
            published = float(np.asarray(load_spec(name).spec.learning.rates))
            best = (
                factors[k % len(factors)] if k else factors[-1]
            )  # the first cell failed at its best
            assert rate == pytest.approx(best * published)

    def test_other_seeds_judge_than_those_that_chose_the_rate(self, quick):
        chose, judge = (
            {value for (value,) in sweep.axes[-1].values}
            for sweep, _ in (quick.sweeps["rates.nc"], quick.sweeps["tuned.nc"])
        )
        assert chose and judge and not chose & judge


class Reached(Exception):
    """The work has begun."""


class TestFolder:
    @pytest.fixture(autouse=True)
    def _no_work(self, monkeypatch):
        def stop(*_, **given):
            assert given["resume"]
            raise Reached

        monkeypatch.setattr(_reproduce, "run_sweep", stop)
        for name in ("figure_4", "figure_6", "figure_8", "figure_9", "about_bound"):
            monkeypatch.setattr(_reproduce, name, lambda *_: [])

    def held(self, folder: Path, marker: Any) -> Path:
        folder.mkdir()
        text = marker if isinstance(marker, str) else json.dumps(marker)
        (folder / "reproduce.json").write_text(text, encoding="utf-8")
        return folder

    def refused(self, out: Path, words: str, **options: Any) -> None:
        before = {p: p.read_bytes() for p in out.parent.rglob("*") if p.is_file()}
        with pytest.raises(BadInput, match=words) as caught:
            paper.reproduce(out, **options)
        assert "\n" not in str(caught.value)
        assert {p: p.read_bytes() for p in out.parent.rglob("*") if p.is_file()} == before

    def test_a_folder_that_holds_something_is_left_alone(self, tmp_path):
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "notes.txt").write_text("mine", encoding="utf-8")
        self.refused(tmp_path / "x", "not empty.*--resume.*--overwrite")

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "x").write_text("mine", encoding="utf-8")
        self.refused(tmp_path / "x", "is a file")
        self.refused(tmp_path / "x", "is a file", overwrite=True)

    def test_resume_and_overwrite_exclude_each_other(self, tmp_path):
        self.refused(tmp_path / "x", "exclude each other", resume=True, overwrite=True)

    @pytest.mark.parametrize(
        ("marker", "words"),
        [
            ({"version": __version__, "quick": False}, "'quick': False.*not.*'quick': True"),
            ({"version": "0.0.1", "quick": True}, "0.0.1.*--overwrite"),
            ({"quick": True}, "--overwrite"),
            ([], "--overwrite"),
            ("{", "cannot be read.*--overwrite"),
            ("", "cannot be read.*--overwrite"),
        ],
    )
    def test_only_the_same_reproduction_is_continued(self, tmp_path, marker, words):
        self.refused(self.held(tmp_path / "x", marker), words, quick=True, resume=True)

    @pytest.mark.parametrize(
        ("options", "kept"), [({"resume": True}, True), ({"overwrite": True}, False)]
    )
    def test_the_datasets_there_are_kept_or_replaced_as_asked(self, tmp_path, options, kept):
        out = self.held(tmp_path / "x", {"version": __version__, "quick": True})
        (out / "data").mkdir()
        (out / "data" / "old.nc").write_bytes(b"old")
        with pytest.raises(Reached):
            paper.reproduce(out, quick=True, **options)
        assert (out / "data" / "old.nc").exists() == kept

    def test_a_folder_without_a_reproduction_is_not_continued(self, tmp_path):
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "notes.txt").write_text("mine", encoding="utf-8")
        self.refused(tmp_path / "x", "no reproduction to resume", resume=True)

    def test_what_is_no_reproduction_is_not_overwritten(self, tmp_path):
        (tmp_path / "x" / "data").mkdir(parents=True)
        (tmp_path / "x" / "data" / "precious.csv").write_text("mine", encoding="utf-8")
        self.refused(tmp_path / "x", "no reproduction to overwrite", overwrite=True)

    def test_only_datasets_of_a_reproduction_are_removed(self, tmp_path):
        out = self.held(tmp_path / "x", {"version": __version__, "quick": True})
        (out / "data" / "old.nc.parts").mkdir(parents=True)
        (out / "data" / "notes.txt").write_text("mine", encoding="utf-8")
        with pytest.raises(Reached):
            paper.reproduce(out, quick=True, overwrite=True)
        assert [p.name for p in (out / "data").iterdir()] == ["notes.txt"]

    def test_another_reproduction_is_replaced_on_request_and_can_then_be_continued(self, tmp_path):
        out = self.held(tmp_path / "x", {"version": "0.0.1", "quick": True})
        for overwrite in (True, False):
            with pytest.raises(Reached):
                paper.reproduce(out, overwrite=overwrite, resume=not overwrite)
        marker = json.loads((out / "reproduce.json").read_text(encoding="utf-8"))
        assert marker == {"version": __version__, "quick": False}

    def test_an_error_in_one_of_several_sweeps_is_the_one_that_is_raised(
        self, tmp_path, monkeypatch
    ):
        def run_sweep(sweep, path, *, progress, **given):
            if sweep.name == "diodes":
                raise Reached(sweep.name)
            for _ in range(20):
                progress(State(0, 0, 1, 0, 0.0))
                time.sleep(0.01)

        monkeypatch.setattr(_reproduce, "run_sweep", run_sweep)
        monkeypatch.setattr(_reproduce._Run, "training", lambda run: {})
        monkeypatch.setattr(_further, "hysteresis_frequency", lambda model: 1e3)
        with pytest.raises(Reached, match="diodes"):
            paper.reproduce(tmp_path / "x", quick=True)
        assert not (tmp_path / "x" / "report.html").exists()

    def test_a_folder_is_made_with_its_parents(self, tmp_path):
        with pytest.raises(Reached):
            paper.reproduce(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b" / "data").is_dir()


@pytest.mark.slow
def test_the_whole_report_covers_every_cell_of_every_reading(tmp_path, monkeypatch):
    made = reproduced(tmp_path / "all", monkeypatch)
    assert set(made.sweeps) == {f"{name}.nc" for name in (*QUICK, "epochs_breast_cancer")}
    assert made.sweeps["rates.nc"][0].shape == (336, 8, 2)
    tuned, _ = made.sweeps["tuned.nc"]
    assert tuned.shape == (336, 10)
    name, rate = tuned.axes[0].values[0]
    assert rate == pytest.approx(1000 * float(np.asarray(load_spec(name).spec.learning.rates)))
    assert len({stage.number for stage in made.stages}) == made.stages[-1].total
    for claim in made.claims:
        if claim.section == "4.2, Figure 10":
            assert set(claim.findings) == {"as run", "as stated", "tuned"}
    html = (made.out / "report.html").read_text(encoding="utf-8")
    assert "This is the quick report" not in html
