"""Parts of the steps `inject` and `recover`: synthetic sources in real visibilities, and what became of them."""
