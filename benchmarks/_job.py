"""The Iris job of the benchmarks: the seed's 50 epochs on 105 rows with Biolek devices."""

import jax.numpy as jnp
import numpy as np

from ohmprop import data, devices, drive
from ohmprop.circuit import Amplifier, Network, PiecewiseLinearDiode
from ohmprop.learning import Trainer, make_estimator, make_loss, make_optimiser

EPOCHS, RATE = 50, 3e-5 * 3e-4


def iris():
    """Trainer, conductances (S), inputs and targets of the job."""
    rows = data.load("iris", rows=105)
    network = Network(
        rows.inputs.shape[1], (10,), rows.targets.shape[1], (np.array([1.0, -1.0]),) * 2,
        (PiecewiseLinearDiode(0.3, 1.0),), (Amplifier(4.0, 0.0),),
    )  # fmt: skip
    device = devices.make("biolek", "seed", r_on=100.0, r_off=1e5)
    trainer = Trainer(
        network, (device, device), make_loss("mse"), make_estimator("positive", 1e-6, proxy=True),
        make_optimiser("ebana_adam"), drive.PWM(1.0), (RATE, RATE),
    )  # fmt: skip
    return trainer, conductances(network, 111), rows.inputs, rows.targets


def conductances(network: Network, seed: int) -> tuple:
    """Uniform in [1e-5, 8e-4) S, drawn as the seed draws them."""
    draw = np.random.RandomState(seed)
    return tuple(jnp.asarray(1e-5 + (8e-4 - 1e-5) * draw.uniform(size=s)) for s in network.shapes)
