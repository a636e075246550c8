"""Several linear filters of one picture, combined band by band: magnitudes, largest, directions."""
