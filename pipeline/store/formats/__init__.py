"""File formats of a store: HDF5 and zarr."""
