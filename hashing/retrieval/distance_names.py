"""Names of the distances that order answers."""

HAMMING, ASYMMETRIC, RERANK = "hamming", "asymmetric", "rerank"
DISTANCES = (HAMMING, ASYMMETRIC, RERANK)
