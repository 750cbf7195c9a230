"""Writes the dashboards and the rules for the operator.

`python -m monitoring.generator`, from the root.
"""
