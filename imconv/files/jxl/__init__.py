"""JPEG XL: the header by its bits; pixels by libjxl, which imagecodecs brings."""
