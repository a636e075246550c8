"""Filters made of filters: chains, banks, filters on a part of a picture, in linear light, or without NaN."""
