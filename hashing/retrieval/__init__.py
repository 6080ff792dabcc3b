"""Retrieval: codes, codes files, Hamming index and search; numpy and faiss only, never torch."""
