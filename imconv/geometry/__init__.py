"""Where samples lie: borders, window positions and output sizes, regions, arrangement on a sheet."""
