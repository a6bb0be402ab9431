"""`check` asks ngspice about the nudges the spec's own estimator applies."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop.equilibrium import ConstantNudge, nudge, solve
from ohmprop.experiments import build, check, load_spec

SETS = ["data.rows=60", "learning.estimator=positive", "learning.beta=1e-4"]
settle = eqx.filter_jit(solve)
push = eqx.filter_jit(nudge)


@pytest.mark.parametrize("kind", ["constant", "cost"])
def test_nudging_currents_are_those_of_the_spec(monkeypatch, kind):
    spec = load_spec("ebana-iris-biolek-pwm", [*SETS, f"learning.nudge={kind}"]).spec
    job, seen = build(spec), []
    targets = jnp.asarray(job.data.targets[:32])

    def ngspice(network, conductances, inputs, currents=None):
        """What ngspice would find, by our own solver under constant currents."""
        g, x = tuple(map(jnp.asarray, conductances)), jnp.asarray(inputs)
        settled = settle(network, g, x)
        if currents is not None:
            settled = push(network, g, x, settled, ConstantNudge(jnp.asarray(currents[-1])))
            seen.append((currents[-1], settled.voltages[-1]))
        return settled.voltages

    monkeypatch.setattr("ohmprop.spice.available", lambda: True)
    monkeypatch.setattr("ohmprop.spice.operating_points", ngspice)
    lines = check(spec)
    assert [line.split(":")[0] for line in lines[-2:]] == ["ngspice, free", "ngspice, nudge 1"]
    network, loss = job.trainer.network, job.trainer.loss
    free = settle(network, tuple(map(jnp.asarray, job.initial)), jnp.asarray(job.data.inputs[:32]))
    ((current, voltages),) = seen
    at = voltages if kind == "cost" else free.voltages[-1]
    expected = network.output_currents(-1e-4 * loss.slope(network.predict(at), targets))
    np.testing.assert_allclose(current, expected, rtol=1e-9, atol=1e-18)
