"""Parts of the mosaic step: the shared grid, tiles brought onto it, their running sums, and what is made of them."""
