"""Pulse-step models of hardware-aware training: a device moves one step a pulse, by a formula."""

from ._base import AbstractStep as AbstractStep
from ._exp import ExpStep as ExpStep
from ._linear import ConstantStep as ConstantStep
from ._linear import LinearStep as LinearStep
from ._linear import SoftBounds as SoftBounds
from ._piecewise import PiecewiseStep as PiecewiseStep
from ._pow import PowStep as PowStep
