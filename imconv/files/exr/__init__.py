"""OpenEXR: the header by its attributes; pixels by the OpenEXR library."""
