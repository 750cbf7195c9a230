"""The simulated AWS organization that `tag-compliance demo` scans."""
