"""The organization that `tag-compliance demo` scans."""
