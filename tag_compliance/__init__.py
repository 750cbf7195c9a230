"""Finds AWS resources that break the company's tagging rules; publishes the results as metrics."""

__version__ = "0.1.0"
