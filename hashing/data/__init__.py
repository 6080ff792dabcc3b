"""Training data: choice of videos, validation split, storage of features, order of an epoch."""
