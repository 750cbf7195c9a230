"""Writes what is generated in this folder: `python -m monitoring.generator`, from the root."""
