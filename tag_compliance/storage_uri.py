"""The kinds of storage. The exporter needs them, but not the model of the configuration."""


def is_bucket(storage: str) -> bool:
    """Whether the storage is a bucket; otherwise it is a folder."""
    return storage.startswith("s3://")
