"""Sweeps: axes, cells, chunks, and the dataset they leave, against single runs."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
import yaml
from _sweeps import AXES, BASE, sweep_of

from ohmprop._core import BadInput
from ohmprop.experiments import Spec, build, load_spec, open_dataset, run_job, run_sweep
from ohmprop.experiments._sweep import Sweep, load_sweep
from ohmprop.experiments._sweep import _chunk as chunk_module
from ohmprop.experiments._sweep import _plan as plan_module
from ohmprop.experiments._sweep._axes import read_axes
from ohmprop.experiments._sweep._cells import Refused, axis_coordinate
from ohmprop.experiments._sweep._plan import make_plan
from ohmprop.learning import Outcome


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Sweep, xr.Dataset, str]:
    """The sweep of AXES, its dataset, and the file it lies in."""
    path = tmp_path_factory.mktemp("sweep") / "small.nc"
    sweep = sweep_of(AXES)
    return sweep, run_sweep(sweep, path), str(path)


def values_of(axes: dict) -> list:
    return [[v[0] for v in axis.values] for axis in read_axes(axes)]


def test_axes_are_lists_ranges_and_counts():
    assert values_of({"a.b": [1, "x"], "s": {"count": 3, "first": 5}}) == [[1, "x"], [5, 6, 7]]
    assert values_of({"a": {"linear": [1, 2], "points": 3}}) == [[1.0, 1.5, 2.0]]
    assert values_of({"a": {"log": ["1 kOhm", "100 kOhm"], "points": 3}}) == [
        ["1.0 kohm", "10.0 kohm", "100.0 kohm"]
    ]
    assert values_of({"a": {"log": ["500 ohm", "5 kOhm"], "points": 2}}) == [
        ["500.0 ohm", "5000.0 ohm"]
    ]
    assert values_of({"a": {"log": [-1e-3, -10], "points": 5}})[0] == [-1e-3, -0.01, -0.1, -1, -10]


def test_an_axis_is_called_by_the_last_part_of_its_key_where_no_other_is():
    names = [a.name for a in read_axes({"device.r_on": [1], "network.diode.r_on": [1], "x": [1]})]
    assert names == ["device_r_on", "network_diode_r_on", "x"]
    names = [a.name for a in read_axes({"learning.loss": ["mse"], "spec": ["a"]})]
    assert names == ["learning_loss", "base"]  # the dataset has a loss and a spec of its own


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({}, ["table of axes"]),
        ({"seed": 3}, ["sweep.seed", "list", "3"]),
        ({"seed": []}, ["sweep.seed", "at least one"]),
        ({"seed": {"count": 0}}, ["sweep.seed.count", "at least 1"]),
        ({"seed": {"count": 2, "values": [1]}}, ["exactly one of"]),
        ({"seed": {"coutn": 2}}, ["coutn", "count"]),
        ({"a": {"log": [0, 1], "points": 3}}, ["one sign"]),
        ({"a": {"log": [1, 10]}}, ["sweep.a.points", "nothing"]),
        ({"a": {"linear": [1, 2, 3], "points": 3}}, ["two ends"]),
        ({"a": {"linear": ["1 kOhm", "2 V"], "points": 3}}, ["kohm", "2 V"]),
        ({"m": {"zip": {"a": [1], "b": [1, 2]}}}, ["one length", "a 1, b 2"]),
        ({"m": {"values": [1, 2], "labels": ["x"]}}, ["2 different labels"]),
        ({"a.x": [1], "m": {"key": "a.x", "values": [2]}}, ["a.x", "two axes"]),
        ({"a b": [1]}, ["cannot be called"]),
        ({"loss": {"key": "learning.loss", "values": ["mse"]}}, ["'loss'", "cannot be called"]),
    ],
)
def test_a_wrong_axis_is_told_on_one_line(axes, words):
    with pytest.raises(BadInput) as caught:
        read_axes(axes)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_values_that_no_cell_can_have_are_refused():
    with pytest.raises(BadInput, match=r"sweep.r_off, value 2 .*3 V.*ohm"):
        sweep_of({"device.r_off": ["1 kOhm", "3 V"]})
    with pytest.raises(BadInput, match="ro_ff"):
        sweep_of({"device.ro_ff": [1, 2]})
    with pytest.raises(BadInput, match="no such section"):
        load_sweep(BASE)
    with pytest.raises(BadInput, match="ohmprop sweep"):
        load_spec(BASE | {"sweep": {"seed": {"count": 2}}})


def test_a_mistake_of_the_base_is_not_laid_to_an_axis():
    with pytest.raises(BadInput, match=r"^learning\.epcohs"):
        sweep_of({"device.r_off": ["1 kOhm", "2 kOhm"]}, learning={"epcohs": 3})


def test_a_value_in_two_units_is_there_twice():
    with pytest.raises(BadInput, match=r"sweep\.r_off: 1000\.0 is there twice"):
        sweep_of({"device.r_off": ["1000 Ohm", "1 kOhm"]})


def test_a_cell_has_the_spec_that_assignments_give():
    sweep = sweep_of({"device.r_off": ["1 kOhm", "10 kOhm"], "seed": {"count": 4}})
    spec = sweep.spec(6)
    assert spec == load_spec(BASE, ["device.r_off=10 kOhm", "seed=2"]).spec
    assert Sweep.from_text(sweep.text).spec(6) == spec


def test_an_axis_of_specs_has_the_sections_of_the_sweep_laid_over_each(tmp_path):
    text = yaml.safe_dump(BASE | {"name": "mine", "learning": {"rates": "2 mV s"}})
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "sweep.yaml").write_text(
        yaml.safe_dump(
            {
                "name": "both",
                "learning": {"epochs": 7},
                "sweep": {
                    "spec": ["ebana-iris-h2-r1k-biolek-pam", "mine.yaml"],
                    "factor": {"key": "learning.rates", "times": [1, 10]},
                },
            },
            sort_keys=False,
        ),
        encoding="utf-8",
    )
    sweep = load_sweep(tmp_path / "sweep.yaml")
    own = load_spec("ebana-iris-h2-r1k-biolek-pam", ["learning.epochs=7"]).spec
    assert isinstance(own.learning.rates, float)
    rates = own.learning.rates
    assert sweep.spec(0) == own
    tenfold = load_spec(
        "ebana-iris-h2-r1k-biolek-pam", ["learning.epochs=7", f"learning.rates={10 * rates!r}"]
    )
    assert sweep.spec(1) == tenfold.spec
    last = sweep.spec(3)
    assert isinstance(last, Spec)
    assert (last.name, last.learning.rates, last.learning.epochs) == (
        "mine",
        pytest.approx(2e-2),
        7,
    )
    assert Sweep.from_text(sweep.text).spec(3) == last


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"spec": ["ebana-iris-biolek-pwn"]}, ["sweep.base, value 1", "ebana-iris-biolek-pwm"]),
        ({"spec": [3]}, ["sweep.base, value 1", "name of a spec"]),
        ({"spec": [{"a": 1}]}, ["sweep.base, value 1", "name of a spec"]),
        ({"seed": [0, 0]}, ["sweep.seed", "comes 2 times"]),
        ({"learning.rates": {"times": 3}}, ["sweep.learning.rates.times", "list of factors"]),
        ({"learning.rates": {"times": ["1 V"]}}, ["sweep.learning.rates.times", "1 V"]),
        ({"learning.batch_size": {"times": [2]}}, ["sweep.batch_size, value 1", "None"]),
    ],
)
def test_a_wrong_spec_or_factor_is_told_on_one_line(axes, words):
    with pytest.raises(BadInput) as caught:
        sweep_of(axes)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_factors_multiply_what_another_axis_gives():
    sweep = sweep_of(
        {"factor": {"key": "learning.rates", "times": [2, 3]}, "learning.rates": [1e-9, 1e-6]}
    )
    specs = [sweep.spec(k) for k in range(4)]
    rates = [spec.learning.rates for spec in specs if isinstance(spec, Spec)]
    assert rates == pytest.approx([2e-9, 2e-6, 3e-9, 3e-6])


def test_a_changed_device_file_is_another_sweep(tmp_path):
    device = tmp_path / "device.yaml"
    device.write_text("model: linear\n", encoding="utf-8")
    spec = BASE | {"device": {"file": str(device)}}
    text = load_sweep(spec | {"sweep": {"seed": {"count": 2}}}).text
    before = make_plan(Sweep.from_text(text)).digest
    assert make_plan(Sweep.from_text(text)).digest == before
    device.write_text("model: biolek\n", encoding="utf-8")
    assert make_plan(Sweep.from_text(text)).digest != before


def test_every_cell_agrees_with_its_own_run(small):
    sweep, dataset, path = small
    for cell in (0, 17):  # biolek with pwm; vteam at the wide range
        there = dict(zip(dataset.min_loss.dims, sweep.points(cell), strict=True))
        spec = load_spec(json.loads(str(dataset.spec.isel(there).item()))).spec
        job = build(spec)
        end = run_job(job)
        final = job.trainer.evaluate(end.state, job.data.inputs, job.data.targets)
        found = dataset.isel(there)
        np.testing.assert_allclose(found.loss, end.records["loss"], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.accuracy, end.records["accuracy"])
        assert found.final_loss.item() == pytest.approx(float(final["loss"]), abs=1e-12)
        assert found.write_energy.item() == pytest.approx(
            end.records["write_energy"].sum(), rel=1e-9
        )
        y = np.asarray(
            job.trainer.predict(job.trainer.conductances(end.state), job.data.test_inputs)
        )
        right = job.data.encoding.decode(y) == job.data.test_labels
        assert found.test_accuracy.item() == pytest.approx(right.mean())


def test_the_dataset_is_labelled_and_stored_whole(small):
    sweep, dataset, path = small
    assert dataset.min_loss.dims == ("r_off", "model", "seed")
    assert dataset.r_off.values.tolist() == [1e3, 1e5]
    assert dataset.model.values.tolist() == ["biolek", "linear", "vteam"]
    assert dataset.rates.dims == ("model",)
    assert dataset.loss.attrs["units"] == "V^2"
    assert (dataset.failure == "").all()
    assert dataset.min_loss.isnull().sum() == 0
    assert open_dataset(path).identical(dataset)
    assert not list(Path(path).parent.glob("*.parts"))


def test_a_broken_off_sweep_goes_on_without_repeating(tmp_path, monkeypatch, small):
    monkeypatch.setattr(plan_module, "CHUNK_CELLS", 9)
    chunk_module.planned.cache_clear()
    sweep = sweep_of(AXES)
    whole = run_sweep(sweep, tmp_path / "whole.nc")

    class Enough(Exception):
        pass

    def stop(state):
        if state.fresh:
            raise Enough

    with pytest.raises(Enough):
        run_sweep(sweep, tmp_path / "broken.nc", progress=stop, workers=1)
    parts = set((tmp_path / "broken.nc.parts").glob("part-*.npz"))
    assert len(parts) == 1
    with pytest.raises(BadInput, match="--resume"):
        run_sweep(sweep, tmp_path / "broken.nc")
    with pytest.raises(BadInput, match="another sweep"):
        run_sweep(sweep_of(AXES | {"seed": {"count": 4}}), tmp_path / "broken.nc", resume=True)
    states = []
    resumed = run_sweep(sweep, tmp_path / "broken.nc", resume=True, progress=states.append)
    assert states[0].done == 9
    assert states[-1].fresh == 9
    assert resumed.identical(whole)
    assert open_dataset(tmp_path / "broken.nc").identical(whole)
    assert run_sweep(sweep, tmp_path / "broken.nc", resume=True).identical(whole)
    xr.testing.assert_allclose(whole.drop_attrs(), small[1].drop_attrs(), rtol=0, atol=1e-12)
    chunk_module.planned.cache_clear()


def test_a_cell_that_cannot_be_is_marked_and_the_others_go_on(tmp_path):
    axes = {"device.r_on": [100, 2e4], "device.r_off": [1e4, 1e5], "seed": {"count": 2}}
    dataset = run_sweep(sweep_of(axes), tmp_path / "some.nc")
    failed = dataset.failure != ""
    assert failed.values.tolist() == [[[False] * 2] * 2, [[True] * 2, [False] * 2]]
    assert "r_off above r_on" in dataset.failure.sel(r_on=2e4, r_off=1e4, seed=0).item()
    assert dataset.min_loss.isnull().equals(failed.drop_attrs())


def test_a_run_that_fails_its_certificate_is_marked_with_its_epoch(tmp_path, monkeypatch):
    real = chunk_module.build

    def poisoned(spec, parts):
        job = real(spec, parts)
        if spec.seed != 1:
            return job
        broken = tuple(np.full_like(g, np.nan) for g in job.initial)
        return type(job)(job.spec, job.data, job.trainer, broken)

    monkeypatch.setattr(chunk_module, "build", poisoned)
    dataset = run_sweep(sweep_of(AXES), tmp_path / "poisoned.nc")
    assert (dataset.failure != "").any(["r_off", "model"]).values.tolist() == [False, True, False]
    bad = dataset.sel(seed=1).isel(r_off=0, model=0)
    assert bad.failure.item().startswith("epoch 1:")
    assert bad.loss.isnull().all()
    assert np.isnan(bad.min_loss)
    assert dataset.drop_sel(seed=1).min_loss.notnull().all()


def test_histories_end_where_an_equilibrium_failed():
    passed = jnp.array([[True, True, True], [True, False, True], [True, True, True]])
    ones = jnp.ones((3, 3))
    fields = dict.fromkeys(Outcome._fields, ones)
    fields |= dict.fromkeys(("final_loss", "final_accuracy", "test_accuracy"), jnp.ones(3))
    outcome = Outcome(**fields | {"passed": passed, "final_passed": jnp.array([True, True, False])})
    good = chunk_module.good_epochs(outcome)
    assert good.tolist() == [4, 1, 3]
    told = chunk_module.summed_up(outcome, good)
    assert np.isnan(told["loss"]).tolist() == [[False] * 3, [False, True, True], [False] * 3]
    assert np.isnan(told["min_loss"]).tolist() == [False, True, True]


def test_a_tuned_axis_leaves_its_best_point(tmp_path, small):
    rates = [9e-13, 9e-9, 9e-10]
    axes = {
        "device.r_off": ["1 kOhm", "100 kOhm"],
        "learning.rates": {"values": rates, "tuned": True},
        "seed": {"count": 2},
    }
    tuned = run_sweep(sweep_of(axes), tmp_path / "tuned.nc")
    axes["learning.rates"] = {"values": rates}
    full = run_sweep(sweep_of(axes), tmp_path / "full.nc")
    assert tuned.min_loss.dims == ("r_off", "seed")
    mean = full.min_loss.mean("seed")
    np.testing.assert_array_equal(tuned.rates, full.rates.values[mean.values.argmin(axis=1)])
    np.testing.assert_array_equal(tuned.min_loss.mean("seed"), mean.min("rates"))
    assert open_dataset(tmp_path / "tuned.nc").identical(tuned)


def test_a_sweep_is_read_from_yaml_beside_its_files(tmp_path):
    from ohmprop.experiments import dump

    (tmp_path / "device.yaml").write_text("model: linear\n", encoding="utf-8")
    text = yaml.safe_dump(
        BASE | {"sweep": {"device.file": ["device.yaml"], "learning.rates": [1e-5]}}
    )
    (tmp_path / "sweep.yaml").write_text(text, encoding="utf-8")
    spec = load_sweep(tmp_path / "sweep.yaml").spec(0)
    assert not isinstance(spec, Refused)
    assert spec.device.model == "linear"
    assert load_spec(yaml.safe_load(dump(spec))).spec == spec


def test_a_key_that_two_axes_touch_keeps_both_their_labels():
    axes = {
        "learning.rates": {"times": [1, 2]},
        "range": {"zip": {"device.r_off": [1e3, 1e4], "learning.rates": [1e-9, 1e-8]}},
    }
    sweep = sweep_of(axes)
    coordinates = [axis_coordinate(sweep, axis) for axis in sweep.axes]
    assert coordinates[0] == {"rates": [1.0, 2.0]}
    assert coordinates[1] == {"range": [1e3, 1e4], "learning_rates": [1e-9, 1e-8]}


def test_what_is_overwritten_stays_until_the_new_one_is_whole(tmp_path):
    path, other = tmp_path / "small.nc", sweep_of({"seed": {"count": 2}, "learning.beta": [1e-5]})
    old = run_sweep(sweep_of({"seed": {"count": 2}}), path)

    class Enough(Exception):
        pass

    def stop(state):
        raise Enough

    with pytest.raises(Enough):
        run_sweep(other, path, overwrite=True, progress=stop)
    assert open_dataset(path).identical(old)
    with pytest.raises(BadInput, match="another sweep"):
        run_sweep(sweep_of({"seed": {"count": 2}}), path, resume=True)
    new = run_sweep(other, path, resume=True)
    assert "beta" in new.dims and open_dataset(path).identical(new)


def test_parts_of_an_overwriting_that_was_broken_off_are_not_taken_for_ones_own(tmp_path):
    folder = tmp_path / "small.nc.parts"
    folder.mkdir()
    (folder / "part-000000.npz").write_bytes(b"of another sweep")
    dataset = run_sweep(sweep_of({"seed": {"count": 2}}), tmp_path / "small.nc", resume=True)
    assert dataset.min_loss.notnull().all()
