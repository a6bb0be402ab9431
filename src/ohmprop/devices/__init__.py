"""Memristor models: I-V curve, state rate, pulses, bounds, and published parameter sets."""

from ._base import AbstractMemristor as AbstractMemristor
from ._base import AbstractSeparable as AbstractSeparable
from ._base import Parameter as Parameter
from ._biolek import Biolek as Biolek
from ._joglekar import Joglekar as Joglekar
from ._linear import Linear as Linear
from ._linear_ion_drift import AbstractIonDrift as AbstractIonDrift
from ._linear_ion_drift import LinearIonDrift as LinearIonDrift
from ._mms import MMS as MMS
from ._registry import MODELS as MODELS
from ._registry import default_set as default_set
from ._registry import make as make
from ._registry import parameter_set as parameter_set
from ._vteam import VTEAM as VTEAM
from ._yakopcic import Yakopcic as Yakopcic
