"""The HTTP exporter: a process of its own that serves the newest snapshot to Prometheus."""
