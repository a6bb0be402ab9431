"""A large batched factorisation inside the solver's loop ends.

A batched `jnp.linalg.solve` in a `while_loop` can deadlock on few CPU threads; ours factorises by
Cholesky above eight nodes. A subprocess with a time limit proves that it ends.
"""

import subprocess
import sys

_PROGRAM = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np
from ohmprop import circuit, equilibrium
r = np.random.default_rng(0)
net = circuit.Network(
    4, (10,), 6, bias=(jnp.ones(1), jnp.ones(1)),
    diodes=(circuit.PiecewiseLinearDiode(),), amplifiers=(circuit.Amplifier(4.0),),
)
g = tuple(jnp.array(10 ** r.uniform(-5, -3, s)) for s in net.shapes)
x = jnp.array(r.uniform(-3, 3, (256, 4)))
assert net.layers[-1] == 12
solve = jax.jit(lambda g, x: equilibrium.solve(net, g, x))
for k in range(5):
    eq = solve(g, x + 0.01 * k)
    assert bool(eq.certificate.passed.all())
print("done", int(eq.steps))
"""


def test_batched_cholesky_in_the_loop_ends():
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("done")
