"""Networks: PCA whitening, encoders, hash layers, and what turns features into codes."""
