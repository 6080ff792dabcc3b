"""Codes to answers: the codes file, the index, the metrics. numpy and faiss only, never torch."""
