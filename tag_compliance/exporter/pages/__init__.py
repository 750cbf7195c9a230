"""The pages of findings: what each of them shows, as plain values, and their routes."""
