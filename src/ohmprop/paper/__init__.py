"""The seed paper's figures of devices and elements, and what it states about them, recomputed.

Döll, Müller, Ulmann, 'Learning Dynamics in Memristor-Based Equilibrium Propagation' (2025),
arXiv 2512.12428. Figures are numbered as there: 4 the nonlinearities, 6 the pulse schemes, 8 the
Yakopcic device's current, 9 the hysteresis loops of the six models, 10 and 11 the least losses of
336 training runs. `reproduce` makes them all, judges what the paper states, and goes beyond it.
"""

from ._claims import Claim as Claim
from ._current import draw_figure_8 as draw_figure_8
from ._current import figure_8 as figure_8
from ._diodes import draw_figure_4 as draw_figure_4
from ._diodes import figure_4 as figure_4
from ._loops import MODELS as MODELS
from ._loops import Panel as Panel
from ._loops import draw_figure_9 as draw_figure_9
from ._loops import figure_9 as figure_9
from ._pulses import draw_figure_6 as draw_figure_6
from ._pulses import figure_6 as figure_6
from ._reproduce import Stage as Stage
from ._reproduce import reproduce as reproduce
from ._statements import Statement as Statement
from ._statements import statements as statements
from ._training import arrange as arrange
from ._training import draw_training as draw_training
from ._training import spec_names as spec_names
