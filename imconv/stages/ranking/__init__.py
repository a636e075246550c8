"""Order statistics of windows: medians, minima, maxima, percentiles."""
