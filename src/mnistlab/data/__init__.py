"""Datasets: the catalogue, raw files, download, folders of pictures, splits and batches."""
