"""Codes in Milvus and Milvus Lite, in its binary vectors."""
