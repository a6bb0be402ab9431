"""Encoding: the seed's arithmetic, rounding, targets and the record a run saves."""

import csv
import json

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.data import Encoding, load

SIMPLE = Encoding((0.0, 5.0), (4.0, 5.0), ("a", "b"), ("no", "yes"))


@pytest.mark.parametrize(("name", "rows"), [("iris", 105), ("breast_cancer", 398)])
def test_volts_are_the_seeds_expression_to_the_bit(name, rows):
    datasets = pytest.importorskip("sklearn.datasets")
    raw, label = getattr(datasets, f"load_{name}")(return_X_y=True)
    low, high = raw.min(axis=0), raw.max(axis=0)
    s = 2 / (high - low)
    m = -1 - low * s
    data = load(name, rows=rows)
    np.testing.assert_array_equal(data.inputs, np.round(0.5 * (raw * s + m), 2)[:rows])
    np.testing.assert_array_equal(data.targets, np.eye(label.max() + 1)[label[:rows]] - 0.5)


@pytest.mark.parametrize(
    ("rounding", "expected"), [(0.01, 0.21), (0.1, 0.2), (0.25, 0.25), (None, 0.2125)]
)
def test_rounding_steps(rounding, expected):
    encoding = Encoding((0.0,), (4.0,), ("a",), ("no", "yes"), rounding=rounding)
    assert encoding.encode([[2.85]])[0, 0] == pytest.approx(expected, abs=1e-12)


def test_constant_feature_is_zero_and_new_rows_are_not_clipped():
    assert SIMPLE.constant == ("b",)
    np.testing.assert_array_equal(SIMPLE.encode([[8.0, 9.0], [-4.0, 5.0]]), [[1.5, 0], [-1.5, 0]])
    assert SIMPLE.encode([8.0, 9.0]).shape == (2,)


@pytest.mark.parametrize("one_hot", [True, False])
@pytest.mark.parametrize("classes", [2, 3, 4, 10])
def test_decode_inverts_targets(one_hot, classes):
    names = tuple(str(i) for i in range(classes))
    encoding = Encoding((0.0,), (1.0,), ("a",), names, one_hot=one_hot, target_shift=-0.3)
    labels = np.random.default_rng(0).integers(classes, size=40)
    targets = encoding.targets(labels)
    assert targets.shape == (40, encoding.outputs)
    assert set(np.unique(targets)) == {-0.3, 0.7}
    np.testing.assert_array_equal(encoding.decode(targets), labels)


@pytest.mark.parametrize("rounding", [None, 0.01])
def test_record_round_trips_through_json(rounding):
    encoding = load("breast_cancer", rounding=rounding).encoding
    assert Encoding.from_dict(json.loads(json.dumps(encoding.to_dict()))) == encoding


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"sclae": 1.0}, "unknown entry 'sclae'.*'scale'"),
        ({"minimum": ["x", "y"]}, "not what to_dict"),
        ({"minimum": [1.0]}, "one entry a feature"),
        ({"scale": -1.0}, "scale: expected a positive"),
        ({"rounding": 0.0}, "rounding: expected a positive"),
        ({"target_shift": float("nan")}, "target_shift"),
    ],
)
def test_bad_record(change, match):
    with pytest.raises(BadInput, match=match):
        Encoding.from_dict(SIMPLE.to_dict() | change)


def test_record_with_an_entry_missing():
    record = SIMPLE.to_dict()
    del record["maximum"]
    with pytest.raises(BadInput, match="missing maximum"):
        Encoding.from_dict(record)


def test_wrong_number_of_columns():
    with pytest.raises(BadInput, match=r"expected 2 columns \(a, b\)"):
        SIMPLE.encode(np.zeros((3, 4)))


def _first_loss(data, hidden: int, upper: float, gain: float) -> float:
    """Free-phase loss of the seed's network with its initial conductances, by plain Newton."""
    rng = np.random.RandomState(111)
    x = np.hstack([data.inputs, -data.inputs, np.tile([1.0, -1.0], (len(data.inputs), 1))])
    shapes = (x.shape[1], hidden), (hidden + 2, 2 * data.targets.shape[1])
    g1, g2 = (1e-5 + (upper - 1e-5) * rng.uniform(size=shape) for shape in shapes)
    bias = g2[-2] - g2[-1]
    total, gate = g2.sum(axis=0), g2[:-2]
    # outputs eliminated: o = (gain h G + bias)/total, so the hidden nodes see a linear load
    load_matrix = np.diag(gate.sum(axis=1)) - (gate / total) @ gate.T
    linear = np.diag(g1.sum(axis=0)) + load_matrix
    drive = x @ g1 + gate @ (bias / total) / gain
    h = np.zeros_like(drive)
    for _ in range(100):
        on = np.abs(h) > 0.3
        matrix = linear + on[:, :, None] * np.eye(hidden)
        new = np.linalg.solve(matrix, (drive + on * 0.3 * np.sign(h))[:, :, None])[:, :, 0]
        if np.array_equal(np.sign(new) * (np.abs(new) > 0.3), np.sign(h) * on):
            break
        h = new
    else:
        raise AssertionError("active set did not settle")
    output = (gain * new @ gate + bias) / total
    d = output[:, ::2] - output[:, 1::2] - data.targets
    return float(np.mean(0.5 * d**2))


@pytest.mark.parametrize(
    ("name", "rows", "hidden"), [("iris", 105, 10), ("breast_cancer", 398, 16)]
)
def test_first_loss_of_the_seeds_curve(shared, name, rows, hidden):
    config = json.loads((shared / f"reference/ebana_configs/pwm_{name}_biolek.json").read_text())
    model = config["model"]
    with (shared / f"reference/curves/pwm_{name}_biolek.csv").open() as file:
        expected = float(next(csv.DictReader(file))["loss"])
    upper, gain = model["weight_initializer"]["params"]["U"], model["amp_params"]["gain"]
    assert model["hidden_1_units"] == hidden
    loss = _first_loss(load(name, rows=rows), hidden, upper, gain)
    assert loss == pytest.approx(expected, rel=1e-9)
