"""Datasets and their encoding into volts.

`load` gives a `Dataset` by name (see `NAMES`) or from a CSV file; its `Encoding` turns new rows,
read by `read_features`, into the same volts.
"""

from ._csv import read_features as read_features
from ._dataset import Dataset as Dataset
from ._encoding import Encoding as Encoding
from ._load import load as load
from ._sources import NAMES as NAMES
