"""Which AWS resources break the company's tagging rules, told to Prometheus."""

__version__ = "0.1.0"
