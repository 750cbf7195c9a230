"""Measures the program and compares it with simpler alternatives: `make bench`."""
