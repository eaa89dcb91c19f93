"""Where files are: local disks, S3-compatible buckets, web servers."""

from __future__ import annotations

from lakelet.lake.storage.base import FileEntry, Storage
from lakelet.lake.storage.find import is_bucket, is_remote, join, storage_for

__all__ = ("FileEntry", "Storage", "is_bucket", "is_remote", "join", "storage_for")
