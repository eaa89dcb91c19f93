"""How a bucket is reached: endpoint, region and keys, from the settings or the environment.

A section ``[storage.BUCKET]`` in ``lakelet.toml`` says all there is to say about its bucket.
Without one the environment variables count that every S3 tool knows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from lakelet.errors import SettingsError
from lakelet.workspace import WorkspaceFolder
from lakelet.workspace.secrets import resolve

__all__ = ("BucketAccess", "access_to", "split_uri")

_SECRETS = ("access_key_id", "secret_access_key", "session_token")


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """Everything a client needs.

    Attributes:
        bucket: the bucket's name.
        endpoint: the server's URL, '' for Amazon's own.
        region: the region's name.
        keys: ``access_key_id``, ``secret_access_key`` and ``session_token``, where there are any.
    """

    bucket: str
    endpoint: str
    region: str
    keys: dict[str, str] = field(repr=False)

    @classmethod
    def of_options(cls, bucket: str, options: dict[str, str]) -> BucketAccess:
        """The access that `options` was made from."""
        found = {name.upper(): value for name, value in options.items()}
        keys = {n: found[v] for n in _SECRETS if (v := f"AWS_{n.upper()}") in found}
        region = found.get("AWS_REGION", "us-east-1")
        return cls(bucket, found.get("AWS_ENDPOINT_URL", ""), region, keys)

    @property
    def allow_http(self) -> bool:
        """Whether the endpoint is reached without encryption."""
        return self.endpoint.startswith("http://")

    @property
    def options(self) -> dict[str, str]:
        """The same for delta-rs, with conditional writes on: without them commits can be lost."""
        found = {"aws_conditional_put": "etag", "max_retries": "5", "AWS_REGION": self.region}
        if self.endpoint:
            # Both names, since a variable of the environment with the longer one would win.
            found["AWS_ENDPOINT_URL"] = found["AWS_ENDPOINT_URL_S3"] = self.endpoint
            found["AWS_ALLOW_HTTP"] = str(self.allow_http).lower()
        return found | {f"AWS_{name.upper()}": value for name, value in self.keys.items()}

    @property
    def config(self) -> dict[str, str]:
        """The same for obstore."""
        found = {"aws_conditional_put": "etag", "aws_region": self.region}
        if self.endpoint:
            found["aws_endpoint_url_s3"] = self.endpoint
        return found | {f"aws_{name}": value for name, value in self.keys.items()}


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; the key has no slash at either end."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key.strip("/")


def access_to(workspace: WorkspaceFolder, bucket: str) -> BucketAccess:
    """How the bucket is reached.

    Raises:
        SettingsError: a secret referred to is not there, or keys from the settings would be mixed
            with a session token from the environment.
        MissingExtraError: ``keyring:`` without the keyring package.
    """
    section = workspace.settings.storage.get(bucket)
    if section is None:
        return _from_environment(bucket)
    keys = {
        name: resolve(value, root=workspace.root)
        for name in _SECRETS
        if (value := getattr(section, name))
    }
    stray = [name for name in ("AWS_SESSION_TOKEN", "AWS_TOKEN") if os.environ.get(name)]
    if "access_key_id" in keys and "session_token" not in keys and stray:
        # The libraries would take the token up by themselves, and it belongs to other keys.
        raise SettingsError(
            f"storage.{bucket} gives keys without a session token, but {stray[0]} is set.",
            hint=f"unset {stray[0]}, or add session_token = 'env:{stray[0]}' if it belongs there.",
        )
    return BucketAccess(bucket, section.endpoint.rstrip("/"), section.region, keys)


def _from_environment(bucket: str) -> BucketAccess:
    def first(*names: str) -> str:
        return next((value for name in names if (value := os.environ.get(name, ""))), "")

    keys = {}
    for name in _SECRETS:
        variable = f"AWS_{name.upper()}"
        if os.environ.get(variable):
            keys[name] = resolve(f"env:{variable}", root=Path())
    endpoint = first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT").rstrip("/")
    region = first("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
    return BucketAccess(bucket, endpoint, region, keys)
