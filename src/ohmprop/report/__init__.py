"""Figures and pages from the records of runs; nothing here solves anything."""

from ohmprop.report._figure import STYLES as STYLES
from ohmprop.report._figure import in_units as in_units
from ohmprop.report._figure import new_figure as new_figure
from ohmprop.report._figure import save_figure as save_figure
from ohmprop.report._figure import scaled as scaled
from ohmprop.report._fit import draw_fit as draw_fit
from ohmprop.report._fit import plot_fit as plot_fit
from ohmprop.report._fit_pulses import draw_pulse_fit as draw_pulse_fit
from ohmprop.report._fit_pulses import plot_pulse_fit as plot_pulse_fit
from ohmprop.report._loops import LoopRecord as LoopRecord
from ohmprop.report._loops import draw_current as draw_current
from ohmprop.report._loops import draw_loops as draw_loops
from ohmprop.report._loops import plot_loops as plot_loops
from ohmprop.report._page import Page as Page
from ohmprop.report._plots import draw_loss as draw_loss
from ohmprop.report._plots import plot_loss as plot_loss
from ohmprop.report._pulses import PulseRecord as PulseRecord
from ohmprop.report._pulses import draw_pulses as draw_pulses
from ohmprop.report._pulses import plot_pulses as plot_pulses
from ohmprop.report._search import draw_search as draw_search
from ohmprop.report._search import plot_search as plot_search
from ohmprop.report._sweep import draw_heatmaps as draw_heatmaps
from ohmprop.report._sweep import draw_sweep as draw_sweep
from ohmprop.report._sweep import plot_sweep as plot_sweep
