"""Figures 10 and 11: the names of their runs, the places of the cells, and the pictures."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray as xr
from _synthetic import LABELS, cells, dataset_of
from matplotlib import image

from ohmprop import paper
from ohmprop.experiments import (
    build,
    builtin_names,
    load_spec,
    load_sweep,
    open_dataset,
    run_job,
    run_sweep,
    write_dataset,
)
from ohmprop.paper import _training

NAME = re.compile(r"(ebana|seed)-(iris|breast_cancer)-h(\d+)-r(\d+)(k?)-(\w+)-(pwm|pam)")
SIZES = {("iris", 10): "large", ("iris", 5): "medium", ("iris", 2): "small"}
SIZES |= {("breast_cancer", n): s for n, s in ((16, "large"), (10, "medium"), (5, "small"))}


def place(name: str) -> dict:
    """Where a spec belongs, read from its name alone."""
    found = NAME.fullmatch(name)
    assert found, name
    _, dataset, hidden, number, kilo, model, modulation = found.groups()
    return {
        "modulation": modulation,
        "dataset": dataset,
        "hidden": SIZES[dataset, int(hidden)],
        "r_off": float(number) * (1e3 if kilo else 1),
        "model": model,
    }


def sweep_of(names: list[str], axis: str = "base", **others: list) -> xr.Dataset:
    """A sweep over specs whose numbers tell their cells apart."""
    data = dataset_of({axis: names} | others)
    for k, name in enumerate(NUMBERED):
        data[name] += 1000 * k + np.arange(data[name].size).reshape(data[name].shape)
    data["spec"][:] = np.asarray(names, dtype=object).reshape(-1, *(1 for _ in others))
    return data


NUMBERED = ("min_loss", "clipped_fraction", "loss")


class TestNames:
    @pytest.mark.parametrize("reading", ["ebana", "seed"])
    def test_there_are_336_runs_each_a_spec_that_comes_along(self, reading):
        names = paper.spec_names(reading)
        assert len(names) == len(set(names)) == 336
        assert set(names) <= set(builtin_names())
        assert {name.partition("-")[0] for name in names} == {reading}

    def test_the_model_changes_fastest_and_the_modulation_slowest(self):
        points = [tuple(place(name).values()) for name in paper.spec_names("seed")]
        assert points == list(product(*LABELS.values()))

    def test_a_part_of_them_keeps_the_order(self):
        part = paper.spec_names(
            "ebana", modulations=["pam"], sizes=["small"], ranges=["r10k", "r500"], models=["mms"]
        )
        assert part == [
            "ebana-iris-h2-r10k-mms-pam",
            "ebana-iris-h2-r500-mms-pam",
            "ebana-breast_cancer-h5-r10k-mms-pam",
            "ebana-breast_cancer-h5-r500-mms-pam",
        ]

    @pytest.mark.parametrize(
        "name", paper.spec_names("seed")[::67] + paper.spec_names("ebana")[5::67]
    )
    def test_a_spec_is_what_its_name_says(self, name):
        spec, wanted = load_spec(name).spec, place(name)
        assert spec.data.dataset == wanted["dataset"]
        assert SIZES[wanted["dataset"], spec.network.hidden[0]] == wanted["hidden"]
        assert float(np.asarray(spec.device.r_off)) == wanted["r_off"]
        assert (spec.device.model, spec.write.scheme) == (wanted["model"], wanted["modulation"])


class TestArrange:
    @pytest.mark.parametrize(
        ("axis", "others"),
        [("base", {}), ("run", {"seed": [3, 7]}), ("base", {"factor": [0.3, 1.0], "seed": [1]})],
    )
    def test_every_cell_comes_to_its_place(self, axis, others):
        names = paper.spec_names("seed")
        data = sweep_of(names, axis, **others)
        arranged = paper.arrange(data, axis)
        assert tuple(arranged["min_loss"].dims) == (*LABELS, *others)
        assert tuple(arranged["loss"].dims) == (*LABELS, *others, "epoch")
        for k, name in enumerate(names):
            own = arranged.sel(place(name))
            for variable in (*NUMBERED, "accuracy"):
                np.testing.assert_array_equal(own[variable], data[variable][k])
            assert (own["spec"] == name).all()
        for dim, values in others.items():
            assert arranged[dim].values.tolist() == values

    def test_labels_stand_in_the_paper_s_order(self):
        arranged = paper.arrange(sweep_of(paper.spec_names("seed")))
        for dim, labels in LABELS.items():
            assert arranged[dim].values.tolist() == labels
        assert arranged["r_off"].attrs["units"] == "ohm"

    def test_sizes_tell_their_neurons(self):
        arranged = paper.arrange(sweep_of(paper.spec_names("seed")))
        for (dataset, neurons), size in SIZES.items():
            assert int(arranged.neurons.sel(dataset=dataset, hidden=size)) == neurons

    def test_a_part_of_the_cells_is_arranged_alike(self):
        scope: dict[str, Any] = {
            "modulations": ["pam"],
            "datasets": ["breast_cancer"],
            "sizes": ["small"],
        }
        names = paper.spec_names("seed", **scope)
        arranged = paper.arrange(sweep_of(names), **scope)
        assert arranged.sizes["model"] * arranged.sizes["r_off"] == len(names) == 28
        for k, name in enumerate(names):
            assert float(arranged["min_loss"].sel(place(name))) == 1 + k
        assert arranged.neurons.values.tolist() == [[5]]

    def test_the_sweep_s_own_labels_go(self):
        names = paper.spec_names("seed")
        data = sweep_of(names, "run").assign_coords(rates=("run", np.arange(336.0)))
        arranged = paper.arrange(data, "run")
        assert set(arranged.coords) == {*LABELS, "neurons", "epoch"}

    def test_a_file_gives_them_back_as_they_were(self, tmp_path):
        data = sweep_of(paper.spec_names("seed"), seed=[0, 1])
        data["min_loss"][5, 0] = np.nan
        data["failure"][5, 0] = "epoch 2: the loss is not finite"
        arranged = paper.arrange(data)
        write_dataset(arranged, tmp_path / "cells.nc")
        assert open_dataset(tmp_path / "cells.nc").identical(arranged)


class TestPictures:
    @pytest.mark.parametrize("modulation", ["pwm", "pam"])
    def test_a_picture_is_left_even_of_cells_that_failed(self, tmp_path, modulation):
        data = cells(seed=[0, 1])
        data["min_loss"].loc[{"r_off": 500.0}] = np.nan
        path = paper.draw_training(data, modulation, tmp_path / "figure.png", reading="tuned")
        assert path == tmp_path / "figure.png"
        height, width, _ = image.imread(path).shape
        assert height > 500 and width > 800

    @pytest.fixture
    def drawn(self, monkeypatch, tmp_path):
        """Draws both figures; returns what was to be drawn and how."""

        def capture(values, **how):
            asked.append((values, how))
            return None

        asked: list = []
        monkeypatch.setattr(_training, "draw_heatmaps", capture)
        monkeypatch.setattr(_training, "save_figure", lambda figure, png: png)

        def draw(data: xr.Dataset) -> list:
            asked.clear()
            for modulation in ("pwm", "pam"):
                paper.draw_training(data, modulation, tmp_path / "x.png")
            return list(asked)

        return draw

    def test_both_figures_have_one_colour_scale(self, drawn):
        data = cells()
        data["min_loss"].loc[{"modulation": "pwm", "model": "mms", "r_off": 500.0}] = 9.0
        data["min_loss"].loc[{"modulation": "pam", "model": "linear", "r_off": 1e5}] = 0.25
        data["min_loss"].loc[{"modulation": "pam", "model": "vteam"}] = np.nan
        assert [how["limits"] for _, how in drawn(data)] == [(0.25, 9.0)] * 2

    def test_panels_hold_the_mean_of_the_seeds_and_say_how_many_neurons(self, drawn):
        data = cells(seed=[0, 1])
        data["min_loss"].loc[{"seed": 1, "modulation": "pam", "hidden": "small"}] = 3.0
        wide, tall = drawn(data)
        assert tall[0].dims == ("dataset", "hidden", "model", "r_off")
        assert (tall[0].sel(hidden="small") == 2).all() and (wide[0] == 1).all()
        assert tall[1]["names"][1] == "Iris, 5 hidden"
        assert tall[1]["names"][3] == "Breast cancer, 16 hidden"
        assert "Figure 10" in wide[1]["title"] and "Figure 11" in tall[1]["title"]

    def test_no_cell_at_all_is_drawn_too(self, tmp_path):
        data = cells()
        data["min_loss"][:] = np.nan
        assert paper.draw_training(data, "pwm", tmp_path / "x.png").stat().st_size > 0


@pytest.mark.slow
def test_a_cell_s_spec_trains_to_the_cell_s_losses(tmp_path):
    scope: dict[str, Any] = {
        "modulations": ["pam"],
        "datasets": ["iris"],
        "sizes": ["small"],
        "ranges": ["r1k"],
    }
    scope["models"] = ["linear", "vteam"]
    sweep = load_sweep(
        {"learning": {"epochs": 3}, "sweep": {"spec": paper.spec_names("seed", **scope)}}
    )
    cell = (
        paper.arrange(run_sweep(sweep, tmp_path / "two.nc"), **scope).squeeze().sel(model="vteam")
    )
    (tmp_path / "cell.json").write_text(cell["spec"].item(), encoding="utf-8")
    spec = load_spec(tmp_path / "cell.json").spec
    assert (spec.device.model, spec.learning.epochs) == ("vteam", 3)
    np.testing.assert_allclose(cell["loss"], run_job(build(spec)).records["loss"], rtol=1e-9)


CURVES = {  # of independent code, and the cell that has its configuration
    "pam_iris_biolek": "ebana-iris-h10-r100k-biolek-pam",
    "pam_iris_yacopcic": "ebana-iris-h10-r100k-yakopcic-pam",
    "pwm_iris_biolek": "ebana-iris-h10-r100k-biolek-pwm",
    "pwm_iris_linear": "ebana-iris-h10-r100k-linear-pwm",
    "pwm_iris_mms": "ebana-iris-h10-r100k-mms-pwm",
    "pwm_iris_vteam": "ebana-iris-h10-r100k-vteam-pwm",
}


@pytest.mark.slow
def test_cells_of_the_figures_agree_with_independent_curves(shared, tmp_path):
    assert set(CURVES.values()) <= set(paper.spec_names("ebana"))
    ended = run_sweep(load_sweep({"sweep": {"spec": list(CURVES.values())}}), tmp_path / "runs.nc")
    for curve, name in CURVES.items():
        path = shared / "reference" / "curves" / f"{curve}.csv"
        expected = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1]
        loss = ended["loss"].sel(base=name)
        assert loss.sizes["epoch"] == expected.size == 50
        assert float(loss.min()) == pytest.approx(expected.min(), rel=1e-6), curve
