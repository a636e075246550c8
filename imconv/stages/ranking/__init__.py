"""Order statistics: medians, minima, maxima, percentiles."""
