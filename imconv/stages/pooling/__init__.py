"""Pooling: reduces each window of a picture to one sample."""
