"""The boxes that fits search: the bounds that a law names, and room for every parameter."""

import numpy as np
import pytest

from ohmprop import devices
from ohmprop.characterise import LAWS
from ohmprop.characterise._laws import plan
from ohmprop.characterise._read import Sweep

V = np.sin(2 * np.pi * np.arange(101) / 100)


def sweep(model: str) -> Sweep:
    device = devices.make(model)
    i = device.current(V, (device.lower + device.upper) / 2)
    return Sweep(np.arange(101) / 100, V, np.asarray(i))


@pytest.mark.parametrize("model", LAWS)
def test_the_box_has_the_bounds_of_the_law_however_narrow(model):
    layout, _, box = plan(model, None, {}, sweep(model))
    found = {}
    for (name, kind), low, high in zip(layout.free, box.low, box.high, strict=False):
        found[name] = (low, high) if kind == "number" else (np.exp(low), np.exp(high))
    for name in LAWS[model].bounds.keys() & found.keys():  # some models have no exponent p
        bounds = LAWS[model].bounds[name]
        np.testing.assert_allclose(found[name], bounds, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_a_held_greater_resistance_leaves_the_lesser_a_decade_below_it(scale):
    """Even where the measured currents are those of far greater resistances."""
    data = sweep("biolek")
    scaled = Sweep(data.t, data.v, scale * data.i)
    layout, _, box = plan("biolek", "published", {"r_off": 16e3}, scaled)
    k = layout.names.index("r_on")
    assert np.exp(box.high[k]) < 16e3 and box.high[k] - box.low[k] > 2.3
