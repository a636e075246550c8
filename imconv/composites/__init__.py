"""Filters made of filters: chains, banks, parts of a picture, linear light, missing samples."""
