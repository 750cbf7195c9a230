"""Report rows in, a stream of bytes out: one module for each format."""
