"""Batches: one command for many pictures, on several processes."""
