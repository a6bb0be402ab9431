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
