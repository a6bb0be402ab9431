"""Equilibrium propagation: losses, estimators, optimisers and the trainer."""

from ._estimators import (
    ESTIMATORS as ESTIMATORS,
)
from ._estimators import (
    CostNudge as CostNudge,
)
from ._estimators import (
    Estimator as Estimator,
)
from ._estimators import (
    make_estimator as make_estimator,
)
from ._fleet import Outcome as Outcome
from ._fleet import Rows as Rows
from ._fleet import run_fleet as run_fleet
from ._fleet import stack_trainers as stack_trainers
from ._losses import (
    LOSSES as LOSSES,
)
from ._losses import (
    AbstractLoss as AbstractLoss,
)
from ._losses import (
    accuracy as accuracy,
)
from ._losses import (
    make_loss as make_loss,
)
from ._optimisers import ebana_adam as ebana_adam
from ._optimisers import make_optimiser as make_optimiser
from ._trainer import Trainer as Trainer
from ._trainer import TrainState as TrainState
