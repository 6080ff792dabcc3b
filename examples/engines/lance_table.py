"""Codes in a Lance table: nearest by Hamming distance, beside any other column.

Run ``python lance_table.py CODES.npz FOLDER``; it needs ``pip install lancedb``.
"""

import sys

import lancedb
import pyarrow as pa

import chainpipe


def table_of(codes: chainpipe.Codes, folder: str) -> lancedb.table.Table:
    """Write a table with a row a video and return it; a code is a vector of bytes."""
    flat = pa.array(codes.packed.ravel(), pa.uint8())
    vectors = pa.FixedSizeListArray.from_arrays(flat, codes.packed.shape[1])
    rows = pa.table({"path": list(codes.ids), "code": vectors})
    return lancedb.connect(folder).create_table("videos", rows, mode="overwrite")


if __name__ == "__main__":
    codes = chainpipe.Codes.load(sys.argv[1])
    table = table_of(codes, sys.argv[2])
    near = table.search(codes.packed[0], vector_column_name="code").distance_type("hamming")
    print(near.limit(5).to_arrow().to_pydict())
