"""Fits of JART stay where its current holds: at filaments near the nominal one."""

import itertools
from typing import Any

import numpy as np

from ohmprop import devices
from ohmprop.characterise._laws import plan
from ohmprop.characterise._read import Sweep


def test_every_corner_of_the_box_is_a_filament_that_the_model_takes():
    t = np.arange(101) / 100
    v = -0.6 * np.sin(2 * np.pi * t)
    current = devices.make("jart").current(v, 0.2)
    layout, kept, box = plan("jart", None, {}, Sweep(t, v, np.asarray(current)))
    assert set(kept) == {"a", "T_0"}
    sides = [k for k, (name, _) in enumerate(layout.free) if name in ("r", "l")]
    for ends in itertools.product((box.low, box.high), repeat=2):
        z = np.copy(box.low)
        z[sides] = [end[k] for end, k in zip(ends, sides, strict=True)]
        filament: dict[str, Any] = {layout.names[k]: float(np.exp(z[k])) for k in sides}
        devices.make("jart", **filament)
