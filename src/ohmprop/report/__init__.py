"""Figures from the records of runs; nothing here solves anything."""

from ohmprop.report._plots import draw_loss as draw_loss
from ohmprop.report._plots import plot_loss as plot_loss
