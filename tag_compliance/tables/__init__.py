"""Typed repositories: the pipeline's tables in the storage, one object for each account."""
