"""What one number of a picture is: sample types, exact fractions, rounding, alpha, depth, transfer functions."""
