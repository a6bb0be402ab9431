"""Pulses as plain data, and the schemes that turn an update into pulses."""

from ._schemes import (
    PAM as PAM,
)
from ._schemes import (
    PWM as PWM,
)
from ._schemes import (
    AbstractScheme as AbstractScheme,
)
from ._schemes import (
    Ideal as Ideal,
)
from ._schemes import (
    Increment as Increment,
)
from ._schemes import (
    Pulse as Pulse,
)
from ._schemes import (
    Selected as Selected,
)
from ._waveforms import (
    WAVEFORMS as WAVEFORMS,
)
from ._waveforms import (
    AbstractPeriodic as AbstractPeriodic,
)
from ._waveforms import (
    AbstractWaveform as AbstractWaveform,
)
from ._waveforms import (
    PiecewiseLinear as PiecewiseLinear,
)
from ._waveforms import (
    PulseTrain as PulseTrain,
)
from ._waveforms import (
    Sampled as Sampled,
)
from ._waveforms import (
    Sawtooth as Sawtooth,
)
from ._waveforms import (
    Sine as Sine,
)
from ._waveforms import (
    Square as Square,
)
from ._waveforms import (
    Triangle as Triangle,
)
from ._waveforms import (
    make_waveform as make_waveform,
)
