"""The search: its ranges, its choices, what it keeps, against objectives known in closed form."""

import math
import sys

import numpy as np
import pytest

from ohmprop._core import BadInput
from ohmprop.experiments import _tune, load_spec
from ohmprop.experiments._sweep._cells import Refused
from ohmprop.experiments._tune import tune
from ohmprop.experiments._tuning import Range, load_tuning, read_ranges

pytest.importorskip("optuna")

SPEC = {
    "name": "bowl",
    "data": {"dataset": "iris"},
    "device": {"model": "linear"},
    "tune": {
        "learning.rates": {"log": ["1 nV s", "1 mV s"]},
        "write.amplitude": {"linear": [0.5, 2]},
        "learning.optimiser.name": {"choices": ["sgd", "adam"]},
    },
}


def bowl(spec):
    """Least, 0, at rates = 1e-6 V s and an amplitude of 1 V with adam."""
    decades = math.log10(spec.learning.rates) + 6
    other = 0 if spec.learning.optimiser["name"] == "adam" else 3
    return decades**2 + (spec.write.amplitude - 1) ** 2 + other


@pytest.fixture
def by_bowl(monkeypatch):
    """Let runs have the bowl's objective, and none at amplitudes above 1.7 V."""

    def train(sweep, objective):
        specs = [sweep.spec(cell) for cell in range(len(sweep))]
        assert not any(isinstance(spec, Refused) for spec in specs)
        failures = ["too high" if spec.write.amplitude > 1.7 else "" for spec in specs]
        sign = 1 if objective.endswith("loss") else -1
        values = [sign * bowl(spec) + spec.seed % 5 for spec in specs]
        return np.asarray(values), np.asarray(failures, dtype=object)

    monkeypatch.setattr(_tune, "_train", train)


def objectives(tuned):
    return [t.objective for t in tuned.trials if t.objective is not None]


def test_the_search_finds_the_bottom_and_avoids_what_fails(by_bowl):
    found = tune(load_tuning(SPEC), trials=60)
    guessed = tune(load_tuning(SPEC), trials=60, sampler="random")
    assert len(found.trials) == 60 and not found.interrupted
    assert found.best.objective == pytest.approx(bowl(found.spec), rel=1e-12)
    assert found.best.objective == min(objectives(found))
    assert bowl(found.spec) < 0.2  # of up to 13
    middle = [np.median(objectives(result)) for result in (found, guessed)]
    assert middle[0] < 0.5 * middle[1]  # it learns where to look
    late = [sum(bool(t.failure) for t in r.trials[20:]) for r in (found, guessed)]
    assert late[0] < late[1]
    assert {t.failure for t in found.trials} == {"", "too high"}


def test_accuracies_are_made_large_and_losses_small(by_bowl):
    found = tune(load_tuning(SPEC), trials=40, objective="final_accuracy")
    assert found.best.objective == max(objectives(found)) > -1


def test_the_seed_decides_every_choice(by_bowl):
    first, again, other = (tune(load_tuning(SPEC, seed=s), trials=12) for s in (5, 5, 10))
    assert first.trials == again.trials
    assert first.trials[0].values != other.trials[0].values
    guessed = tune(load_tuning(SPEC), trials=24, sampler="random")
    assert len({str(trial.values) for trial in guessed.trials}) == 24  # no batch repeats another


def test_the_mean_over_seeds_counts(by_bowl):
    found = tune(load_tuning(SPEC, seed=10), trials=8, seeds=3)  # the seeds add 0, 1 and 2
    assert found.best.objective == pytest.approx(bowl(found.spec) + 1, rel=1e-12)
    assert found.spec.seed == 10


def test_a_stored_search_is_continued_as_if_never_stopped(by_bowl, tmp_path):
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    tune(load_tuning(SPEC), trials=16, storage=storage)
    states = []
    found = tune(load_tuning(SPEC), trials=30, storage=storage, progress=states.append)
    assert [state.done for state in states] == [24, 30]
    assert found.trials == tune(load_tuning(SPEC), trials=30).trials
    assert tune(load_tuning(SPEC), trials=30, storage=storage).best == found.best
    with pytest.raises(BadInput, match="its search 'bowl' has another spec"):
        tune(load_tuning(SPEC, ["learning.epochs=7"]), trials=30, storage=storage)


def test_an_interrupted_search_gives_the_best_so_far(by_bowl, monkeypatch, tmp_path):
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    whole, train, calls = tune(load_tuning(SPEC), trials=24), _tune._train, []

    def interrupted(*arguments):
        calls.append(0)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(_tune, "_train", interrupted)
    found = tune(load_tuning(SPEC), trials=24, storage=storage)
    assert found.interrupted and len(found.trials) == 8
    assert found.best == _tune._best(whole.trials[:8], "min_loss")
    found = tune(load_tuning(SPEC), trials=24, storage=storage)
    assert [t.values for t in found.trials] == [t.values for t in whole.trials]


def test_no_trial_succeeds(by_bowl):
    high = SPEC | {"tune": {"write.amplitude": {"linear": ["1800 mV", "2 V"]}}}
    with pytest.raises(BadInput, match="none of 9 trials succeeds; the first: too high"):
        tune(load_tuning(high), trials=9)


def test_ranges_are_read_with_their_units():
    ranges = read_ranges(
        {
            "a": {"log": ["500 ohm", "100 kOhm"]},
            "b": {"linear": [-1, 1]},
            "c": {"whole": [2, 20]},
            "d": {"choices": [[2], [3, 4], None]},
        }
    )
    assert ranges[0] == Range("a", "log", (500.0, pytest.approx(1e5, rel=1e-12)), "ohm")
    assert ranges[0].value(750.0) == "750.0 ohm"
    assert ranges[1].ends == (-1, 1) and ranges[1].value(0.25) == 0.25
    assert ranges[2].extremes == [2, 20]
    assert ranges[3].value("[3, 4]") == [3, 4]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (None, "tune: expected a table of ranges"),
        ({}, "tune: expected a table of ranges"),
        ({"seed": [1, 2]}, "tune.seed: expected one of log, linear, whole, choices"),
        ({"learning.beta": {"lin": [1, 2]}}, "unknown form 'lin'. Did you mean 'linear'"),
        ({"learning.beta": {"log": [1, 2], "linear": [1, 2]}}, "expected one of log"),
        ({"learning.beta": {"log": [1]}}, r"expected its two ends, \[from, to\], found \[1\]"),
        ({"learning.beta": {"log": [0, 1]}}, "expected positive ends"),
        ({"learning.beta": {"linear": [2, 1]}}, "expected the lower end first"),
        ({"learning.beta": {"log": ["1 uS", "1 V"]}}, "expected a quantity in uS, found '1 V'"),
        ({"learning.beta": {"log": ["1 uV", "1 V"]}}, "tune.learning.beta, value '1.0 uV': lear"),
        ({"network.hidden.0": {"whole": [2.5, 4]}}, "expected whole numbers"),
        ({"learning.epochs": {"choices": [5, 5]}}, "expected two different values or more"),
        ({"learning.betta": {"linear": [1, 2]}}, "learning.betta: unknown key. Did you mean"),
        ({"device.r_on": {"log": [-1, 1]}}, "expected positive ends"),
        ({"learning.batch_size": {"whole": [0, 4]}}, "value 0: learning.batch_size: expected a po"),
    ],
)
def test_a_wrong_range_is_one_message(section, message):
    with pytest.raises(BadInput, match=message) as caught:
        load_tuning(SPEC | {"tune": section})
    assert "\n" not in str(caught.value)


def test_a_mistake_elsewhere_in_the_spec_is_not_laid_on_a_range():
    with pytest.raises(BadInput, match=r"^learning.betta: unknown key"):
        load_tuning(SPEC, ["learning.betta=3"])


def test_ends_that_need_each_other_are_accepted():
    both = {"device.r_on": {"log": [100, 1e5]}, "device.r_off": {"log": [1e3, 1e6]}}
    assert load_tuning(SPEC | {"tune": both}).spec.device.r_on == 100


def test_other_mistakes(monkeypatch):
    with pytest.raises(BadInput, match="sweep: a search has no sweep"):
        load_tuning(SPEC | {"sweep": {"seed": {"count": 2}}})
    with pytest.raises(BadInput, match="test_accuracy: there are no test rows"):
        tune(load_tuning(SPEC), objective="test_accuracy")
    with pytest.raises(BadInput, match="unknown 'loss'. Did you mean 'min_loss'"):
        tune(load_tuning(SPEC), objective="loss")
    with pytest.raises(BadInput, match="--storage nowhere: cannot be opened"):
        tune(load_tuning(SPEC), storage="nowhere")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BadInput, match=r"install ohmprop\[tune\]"):
        tune(load_tuning(SPEC))


def test_the_best_spec_loads_again(by_bowl):
    spec = tune(load_tuning(SPEC), trials=8).spec
    assert load_spec(spec.model_dump(mode="json")).spec == spec
