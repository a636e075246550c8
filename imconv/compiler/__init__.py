"""Makes the compiled loops and checks them against known answers. The only folder besides loops/ that imports Numba."""
