"""Equilibrium propagation: losses, estimators, optimisers and the trainer."""

from ._estimators import (
    ESTIMATORS as ESTIMATORS,
    Estimator as Estimator,
    make_estimator as make_estimator,
)
from ._losses import (
    LOSSES as LOSSES,
    AbstractLoss as AbstractLoss,
    accuracy as accuracy,
    make_loss as make_loss,
)
from ._optimisers import ebana_adam as ebana_adam, make_optimiser as make_optimiser
from ._trainer import TrainState as TrainState, Trainer as Trainer
