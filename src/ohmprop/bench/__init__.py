"""The seam between learning and hardware: settle, write, read."""

from ._simulated import SimulatedBench as SimulatedBench
from ._simulated import Written as Written
