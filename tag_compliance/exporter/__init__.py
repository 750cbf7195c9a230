"""The HTTP exporter: a separate process that serves the newest snapshot to Prometheus."""
