"""The simulated AWS organisation that `tag-compliance demo` scans."""
