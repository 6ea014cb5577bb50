"""Parts of `contimg simulate`: sky, instrument, file layout, faults, delivery and truth. Nothing here is used on real data."""
