"""Built-in datasets, truncation and the split."""

import subprocess
import sys

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.data import NAMES, load


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_same_numbers_as_scikit_learn(name):
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = getattr(datasets, f"load_{name}")()
    data = load(name, rounding=None, scale=1.0)
    raw = np.asarray(bunch.data)
    np.testing.assert_array_equal(data.labels, bunch.target)
    assert data.class_names == tuple(str(n) for n in bunch.target_names)
    assert data.encoding.minimum == tuple(raw.min(axis=0))
    assert data.encoding.maximum == tuple(raw.max(axis=0))
    low, span = raw.min(axis=0), np.ptp(raw, axis=0)
    expected = np.where(span > 0, 2 * (raw - low) / np.where(span > 0, span, 1) - 1, 0)
    np.testing.assert_allclose(data.inputs, expected, atol=1e-12)
    if name != "digits":
        assert data.feature_names == tuple(bunch.feature_names)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_types(name):
    if name == "digits":
        pytest.importorskip("sklearn")
    data = load(name)
    n, f = data.inputs.shape
    assert data.name == name
    assert data.inputs.dtype == data.targets.dtype == np.float64
    assert data.targets.shape == (n, data.encoding.outputs)
    assert data.labels.shape == data.rows.shape == (n,)
    assert data.labels.dtype == np.int64
    assert len(data.feature_names) == f
    assert data.test_inputs.shape == (0, f)
    assert np.abs(data.inputs).max() == 0.5
    assert set(np.unique(data.targets)) == {-0.5, 0.5}


def test_full_adder_is_addition():
    data = load("full_adder")
    assert data.feature_names == ("a", "b", "cin")
    ones = (data.inputs > 0).sum(axis=1)
    total, carry = (data.targets > 0).T
    np.testing.assert_array_equal(total + 2 * carry, ones)
    np.testing.assert_array_equal(data.labels, ones)
    assert load("full_adder", one_hot=True).targets.shape == (8, 4)


def test_xor_has_one_output_by_default_and_two_on_request():
    np.testing.assert_array_equal(load("xor").targets[:, 0], [-0.5, 0.5, 0.5, -0.5])
    np.testing.assert_array_equal(
        load("xor", one_hot=True).targets, [[0.5, -0.5], [-0.5, 0.5], [-0.5, 0.5], [0.5, -0.5]]
    )


def test_binary_target_in_one_output():
    data = load("breast_cancer", one_hot=False)
    np.testing.assert_array_equal(data.targets[:, 0], data.labels - 0.5)
    with pytest.raises(BadInput, match="one_hot: False needs two classes, and 'iris' has 3"):
        load("iris", one_hot=False)


def test_rows_truncate_after_scaling():
    few, full = load("iris", rows=20), load("iris")
    np.testing.assert_array_equal(few.inputs, full.inputs[:20])
    assert few.encoding == full.encoding


@pytest.mark.parametrize("rows", [0, -1, 151, 2.5, True, "ten"])
def test_bad_rows(rows):
    with pytest.raises(BadInput, match="rows: expected a whole number from 1 to 150"):
        load("iris", rows=rows)


def test_split_is_a_stratified_partition():
    data = load("iris", test_fraction=0.2, seed=3)
    full = load("iris")
    np.testing.assert_array_equal(np.bincount(data.test_labels), [10, 10, 10])
    np.testing.assert_array_equal(
        np.sort(np.concatenate([data.rows, data.test_rows])), np.arange(150)
    )
    np.testing.assert_array_equal(data.inputs, full.inputs[data.rows])
    np.testing.assert_array_equal(data.test_inputs, full.inputs[data.test_rows])
    np.testing.assert_array_equal(data.test_targets, full.targets[data.test_rows])
    assert data.encoding == full.encoding


def test_split_follows_the_seed():
    first, again, other = (load("iris", test_fraction=0.3, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    assert not np.array_equal(first.test_rows, other.test_rows)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.333, 0.9])
def test_split_holds_out_the_requested_share(fraction):
    data = load("breast_cancer", test_fraction=fraction)
    assert data.test_labels.size == round(fraction * 569)
    assert data.test_labels.mean() == pytest.approx(load("breast_cancer").labels.mean(), abs=0.02)


def test_split_keeps_every_class_in_training():
    data = load("xor", test_fraction=0.9)
    np.testing.assert_array_equal(np.sort(data.labels), [0, 1])


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_bad_fraction(fraction):
    with pytest.raises(BadInput, match="test_fraction: expected"):
        load("iris", test_fraction=fraction)


def test_fraction_without_a_test_row():
    with pytest.raises(BadInput, match="leaves no test row"):
        load("xor", test_fraction=0.1)


def test_bad_seed():
    with pytest.raises(BadInput, match="seed: expected a whole number"):
        load("iris", test_fraction=0.1, seed=-1)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(BadInput, match=r"unknown dataset 'irsi'.*Did you mean 'iris'"):
        load("irsi")


def test_target_is_for_csv_only():
    with pytest.raises(BadInput, match="target: only for CSV"):
        load("iris", target="class")


def test_packaged_data_need_no_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = None; from ohmprop.data import load; load('iris');"
        "load('breast_cancer')\ntry: load('digits')\nexcept ValueError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install scikit-learn" in done.stdout
