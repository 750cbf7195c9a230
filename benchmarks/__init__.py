"""What the program costs, beside what people would use without it: `make bench`."""
