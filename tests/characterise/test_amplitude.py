"""The amplitude taken where none is given, against what the models' equations say moves them."""

import numpy as np
import pytest

from ohmprop import devices
from ohmprop.characterise import switching_amplitude


@pytest.mark.parametrize("model", ["linear", "biolek", "mms", "vteam"])
def test_models_that_move_at_a_volt_get_one(model):
    assert switching_amplitude(devices.make(model)) == 1.0


def test_team_needs_its_threshold_current_at_the_greatest_resistance():
    """v > i_off M(99 %): 115 uA times 198 kOhm is 22.8 V; with a hundredth of it 0.23 V."""
    assert switching_amplitude(devices.make("team", "published")) == 30.0
    low = devices.make("team", "published", i_off=1.15e-6, i_on=-1e-7)
    assert switching_amplitude(low) == 1.0
    medium = devices.make("team", "published", i_off=2e-5)
    assert switching_amplitude(medium) == 5.0  # 3.96 V


def test_stanford_needs_its_least_field_at_the_greatest_gap():
    device = devices.make("stanford_pku")
    gap = 0.2 + 0.99 * 1.5  # nm
    least = 1.4e9 * 12e-9 / (16 - 0.8 * gap**3)  # 1.37 V
    v = switching_amplitude(device)
    assert v == 1.5 and 1.0 < least < v
    x = np.asarray(device.lower + 0.99 * (device.upper - device.lower))
    assert float(device.rate(least * 0.999, x)) == 0 != float(device.rate(v, x))


def test_what_no_amplitude_moves_and_pulse_steps_get_a_volt():
    assert switching_amplitude(devices.make("stanford_pku", F_min=1e15)) == 1.0
    assert switching_amplitude(devices.make("linear_step")) == 1.0
