"""Formats that hold samples as they are: netpbm, PAM, PFM, NumPy's."""
