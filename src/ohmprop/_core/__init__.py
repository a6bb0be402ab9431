"""SI constants, errors with their exit codes, and result codes: the floor everything stands on."""

from ._constants import K_B as K_B
from ._constants import Q_E as Q_E
from ._constants import T_ROOM as T_ROOM
from ._constants import thermal_voltage as thermal_voltage
from ._errors import (
    BadInput as BadInput,
)
from ._errors import (
    CertificateError as CertificateError,
)
from ._errors import (
    OhmpropError as OhmpropError,
)
from ._errors import (
    VerificationError as VerificationError,
)
from ._errors import (
    nearest as nearest,
)
