"""SI constants, errors with their exit codes, and result codes: the floor everything stands on."""

from ._constants import K_B as K_B, Q_E as Q_E, T_ROOM as T_ROOM, thermal_voltage as thermal_voltage
from ._errors import (
    BadInput as BadInput,
    CertificateError as CertificateError,
    OhmpropError as OhmpropError,
    VerificationError as VerificationError,
    nearest as nearest,
)
