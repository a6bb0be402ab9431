"""Losses against the seed's exact semantics: independent curves, confirmed by ngspice."""

import csv

import numpy as np
import pytest

from ohmprop.experiments import build, load_spec, run_job

NAMES = [
    "pam_breast_cancer_vteam",
    "pam_iris_biolek",
    "pam_iris_yacopcic",
    "pwm_breast_cancer_biolek",
    "pwm_iris_biolek",
    "pwm_iris_linear",
    "pwm_iris_mms",
    "pwm_iris_vteam",
]


def test_all_curves_are_covered(shared):
    stems = {p.stem for p in (shared / "reference" / "curves").glob("*.csv")}
    assert {s for s in stems if not s.startswith("published_")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_loss_curve(shared, name):
    with (shared / "reference" / "curves" / f"{name}.csv").open() as file:
        expected = np.array([float(row["loss"]) for row in csv.DictReader(file)])
    spec = load_spec(shared / "reference" / "ebana_configs" / f"{name}.json").spec
    loss = run_job(build(spec)).records["loss"]
    error = np.abs(loss / expected - 1)
    assert error[:30].max() <= 1e-9
    assert error.max() <= 1e-4
