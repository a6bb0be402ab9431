"""Pulses as plain data, and the schemes that turn an update into pulses."""

from ._schemes import (
    PAM as PAM,
    PWM as PWM,
    AbstractScheme as AbstractScheme,
    Ideal as Ideal,
    Increment as Increment,
    Pulse as Pulse,
)
