"""Equation 9: the surrogate loss bounds the loss from below, by a negative nudge from above."""

from itertools import product
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import experiments
from ohmprop.paper import _bound
from ohmprop.paper._claims import FAILS, HOLDS, Claim

LOSSES = jnp.asarray([0.3, 2.0])  # of two samples, V^2
NOTHING: Any = None  # what the closed forms have no use for


@pytest.fixture
def settled(monkeypatch):
    """Puts a closed form C(b) = c shape(b) in the place of the equilibria."""

    def of(shape):
        monkeypatch.setattr(
            _bound, "_losses", lambda *given: shape(jnp.asarray(given[4]))[:, None] * LOSSES
        )

    return of


class TestSurrogate:
    """A scalar energy k s^2 / 2 with the loss c0 (s - 1)^2 leads to C(b) = c / (1 + b)^2."""

    @pytest.mark.parametrize("beta", [1e-6, 1e-3, 0.3, -1e-6, -0.3])
    def test_it_is_the_mean_of_the_losses_on_the_way_to_the_nudge(self, settled, beta):
        settled(lambda b: 1 / (1 + b) ** 2)
        found = _bound._surrogate(NOTHING, NOTHING, NOTHING, NOTHING, beta, "cost")
        np.testing.assert_allclose(found, LOSSES / (1 + beta), rtol=1e-9)

    def test_polynomials_are_integrated_exactly(self, settled):
        settled(lambda b: 1 + 7 * b**3 + b**15)
        found = _bound._surrogate(NOTHING, NOTHING, NOTHING, NOTHING, 2.0, "cost")
        np.testing.assert_allclose(found, LOSSES * (1 + 7 * 2**3 / 4 + 2**15 / 16), rtol=1e-12)


class TestViolation:
    def test_a_loss_that_falls_with_the_nudge_is_bounded(self, settled):
        settled(lambda b: 1 / (1 + b) ** 2)
        assert _bound._violation(NOTHING, NOTHING, (NOTHING, NOTHING), 0.3, "cost") == 0

    @pytest.mark.parametrize("beta", [1e-3, 0.3])
    def test_one_that_grows_is_not_and_by_how_much_is_told(self, settled, beta):
        settled(lambda b: (1 + b) ** 2)  # L_b = c (1 + b + b^2 / 3)
        found = _bound._violation(NOTHING, NOTHING, (NOTHING, NOTHING), beta, "cost")
        assert found == pytest.approx(beta + beta**2 / 3, rel=1e-9)

    def test_either_side_counts_by_itself(self, settled):
        settled(lambda b: 1 - abs(b))  # below holds, above does not
        found = _bound._violation(NOTHING, NOTHING, (NOTHING, NOTHING), 0.2, "cost")
        assert found > 0.05

    def test_an_equilibrium_that_does_not_settle_bounds_nothing(self, settled):
        settled(lambda b: jnp.where(b > 0, jnp.nan, 1.0))
        found = _bound._violation(NOTHING, NOTHING, (NOTHING, NOTHING), 0.3, "cost")
        assert not found <= 1e-9


def told_by(claim: Claim) -> dict[str, str]:
    """The violation of each nudge."""
    shown = claim.findings["as run"].value.partition(": ")[2]
    return dict(part.rsplit(" ", 1) for part in shown.split(", "))


class TestClaim:
    @pytest.fixture
    def violating(self, monkeypatch):
        """The claim where every violation is 1e-12 but the one given."""

        def judge(state: int, beta: float, nudge: str, violation: float) -> Claim:
            asked = []

            def violate(trainer, device, rows, own_beta, own_nudge):
                asked.append((device == "trained", own_beta, own_nudge))
                return violation if asked[-1] == (state, beta, nudge) else 1e-12

            trained = SimpleNamespace(state=SimpleNamespace(device="trained"))
            monkeypatch.setattr(experiments, "run_job", lambda job: trained)
            monkeypatch.setattr(_bound, "_violation", violate)
            claim = _bound.about_bound()
            assert len(set(asked)) == len(asked) == 12
            return claim

        return judge

    @pytest.mark.parametrize(("violation", "verdict"), [(1e-9, HOLDS), (1.1e-9, FAILS)])
    def test_the_worst_of_states_strengths_and_nudges_decides(self, violating, violation, verdict):
        for case in product((0, 1), _bound.BETAS, ("cost", "constant")):
            claim = violating(*case, violation)
            assert claim.verdict == verdict
            told = told_by(claim)
            assert (
                told.pop("nudge of eq. 6" if case[2] == "cost" else "constant current") != "1.0e-12"
            )
            assert len(told) == 1 and set(told.values()) == {"1.0e-12"}

    @pytest.mark.parametrize("nudge", ["cost", "constant"])
    def test_one_equilibrium_that_does_not_settle_is_enough_to_fail(self, violating, nudge):
        assert violating(1, 1e-3, nudge, float("nan")).verdict == FAILS


@pytest.mark.slow
def test_the_bound_holds_for_every_iris_sample_before_and_after_training():
    claim = _bound.about_bound()
    assert claim.verdict == HOLDS
    told = told_by(claim)
    assert set(told) == {"nudge of eq. 6", "constant current"}
    assert all(0 <= float(value) <= 1e-9 for value in told.values())
