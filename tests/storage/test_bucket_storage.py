"""The storage protocol over a bucket: listing, names, errors."""

from __future__ import annotations

import sys

import pytest

from conftest import make_workspace
from lakelet.errors import MissingExtraError, SettingsError, StorageError, UnreachableError
from lakelet.lake.storage import storage_for
from lakelet.lake.storage.access import BucketAccess, access_to
from lakelet.lake.storage.bucket import BucketStorage
from lakelet.session import Workspace
from storage.conftest import PUT, SECRET, Server, configure, root_of


def test_files_are_listed_in_order_with_size_time_and_tag(s3: Server) -> None:
    root = f"s3://{s3.bucket()}"
    names = ["a b?c#d[1]*", "a%20b", "sub/x", "sub/y/z", "ü"]
    for name in names:
        s3.put(f"{root}/raw/{name}", "12")
    for hidden in (".hidden", "_tmp/part", "sub/_SUCCESS", "sub/.x/y"):
        s3.put(f"{root}/raw/{hidden}", "12")
    s3.put(f"{root}/rawer/no", "12")
    storage = s3.storage(root.removeprefix("s3://"))
    found = list(storage.files(f"{root}/raw"))
    assert [e.path for e in found] == [f"{root}/raw/{name}" for name in names]
    assert all(e == storage.entry(e.path) and e.size == 2 and e.etag for e in found)
    assert all(e.modified > 1_700_000_000_000_000 for e in found)
    assert storage.folders(f"{root}/raw") == ["_tmp", "sub"]
    assert storage.folders(f"{root}/nothing") == []
    assert [e.path for e in storage.files(f"{root}/raw/sub/x")] == [f"{root}/raw/sub/x"]
    with storage.open(f"{root}/raw/a b?c#d[1]*") as file:
        assert file.read() == b"12"


def test_folder_markers_are_no_files_but_empty_files_are(s3: Server) -> None:
    import boto3

    bucket = s3.bucket()
    client = boto3.client(
        "s3", endpoint_url=s3.endpoint, aws_access_key_id="k", aws_secret_access_key="s",
        region_name="us-east-1",
    )  # fmt: skip
    for key in ("raw/", "raw/sub/", "raw/sub/x", "raw/empty"):
        client.put_object(Bucket=bucket, Key=key, Body=b"1" if key.endswith("x") else b"")
    found = [e.path for e in s3.storage(bucket).files(f"s3://{bucket}/raw")]
    assert found == [f"s3://{bucket}/raw/empty", f"s3://{bucket}/raw/sub/x"]
    client.put_object(Bucket=bucket, Key="raw//odd", Body=b"1")
    with pytest.raises(StorageError, match="raw//odd"):
        list(s3.storage(bucket).files(f"s3://{bucket}/raw"))


def test_removing_takes_a_file_or_all_below_a_folder(s3: Server) -> None:
    root = f"s3://{s3.bucket()}"
    storage = s3.storage(root.removeprefix("s3://"))
    for name in ("a/1", "a/_2", "a/b/.3", "ab", "c"):
        s3.put(f"{root}/{name}", "x")
    storage.remove(PUT, f"{root}/a")
    storage.remove(PUT, f"{root}/c")
    storage.remove(PUT, f"{root}/never")
    assert [e.path for e in storage.files(root)] == [f"{root}/ab"]


def test_an_object_that_changes_while_it_is_read_is_not_mixed(s3: Server) -> None:
    root = f"s3://{s3.bucket()}"
    s3.put(f"{root}/big", b"a" * (9 << 20))
    with s3.storage(root.removeprefix("s3://")).open(f"{root}/big") as file:
        file.read(10)
        s3.put(f"{root}/big", b"b" * (9 << 20))
        with pytest.raises(StorageError, match="changed while it was read"):
            file.read()


def test_delta_always_writes_conditionally(bucket_ws: Workspace) -> None:
    options = bucket_ws.lake.storage.options
    assert options["aws_conditional_put"] == "etag"
    assert options["AWS_ALLOW_HTTP"] == "true"
    assert options["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert BucketAccess.of_options("b", options).options == options


def test_without_a_section_the_environment_counts(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert access_to(ws.folder, "b").options["AWS_REGION"] == "us-east-1"
    environment = {
        "ACCESS_KEY_ID": "id",
        "SECRET_ACCESS_KEY": SECRET,
        "SESSION_TOKEN": "tok",
        "ENDPOINT_URL": "https://store.example",
        "REGION": "eu-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    found = access_to(ws.folder, "b")
    assert (found.endpoint, found.region) == ("https://store.example", "eu-1")
    assert not found.allow_http
    assert found.keys == {
        "access_key_id": "id", "secret_access_key": SECRET, "session_token": "tok"
    }  # fmt: skip
    assert SECRET not in repr(found)


def test_keys_of_the_settings_are_not_mixed_with_a_token_of_the_environment(
    bucket_ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "stray")
    with pytest.raises(SettingsError, match="AWS_SESSION_TOKEN is set"):
        storage_for(bucket_ws.folder, bucket_ws.lake.root)


def test_secrets_from_files_and_missing_ones(s3: Server, tmp_path, monkeypatch) -> None:
    make_workspace(tmp_path / "ws")
    ws = configure(tmp_path / "ws", s3.bucket("guarded"), s3.endpoint)
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text()
    (tmp_path / "ws" / "secret.txt").write_text(SECRET + "\n")
    settings.write_text(text.replace("env:LAKE_SECRET", "file:secret.txt"))
    monkeypatch.delenv("LAKE_SECRET")
    import lakelet

    assert list(lakelet.open(ws.folder.root).tables()) == []
    settings.write_text(text)
    with pytest.raises(SettingsError, match="LAKE_SECRET is not set"):
        list(lakelet.open(ws.folder.root).tables())
    settings.write_text(text.replace("env:LAKE_SECRET", "keyring:lake"))
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtraError, match=r"lakelet\[keyring\]"):
        list(lakelet.open(ws.folder.root).tables())
    settings.write_text(text.replace("env:LAKE_SECRET", SECRET))
    with pytest.raises(SettingsError, match="holds the secret itself") as raised:
        list(lakelet.open(ws.folder.root).tables())
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "key", "endpoint", "said"),
    [
        ("guarded", "wrong-key", None, "SignatureDoesNotMatch"),
        ("bucket", "right-key", "http://127.0.0.1:9", "refused the connection"),
    ],
)
def test_what_is_wrong_is_said_shortly(
    s3: Server, kind: str, key: str, endpoint: str | None, said: str
) -> None:
    bucket = s3.bucket(kind)
    keys = {"access_key_id": key, "secret_access_key": SECRET}
    storage = BucketStorage(BucketAccess(bucket, endpoint or s3.endpoint, "us-east-1", keys))
    with pytest.raises(UnreachableError, match=said) as raised:
        list(storage.files(f"s3://{bucket}/raw"))
    assert len(str(raised.value).splitlines()) == 2
    assert bucket in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_bucket_that_is_not_there(s3: Server) -> None:
    with pytest.raises(StorageError, match="NoSuchBucket"):
        list(s3.storage("no-such-bucket").files("s3://no-such-bucket/raw"))


def test_unknown_schemes_and_nameless_buckets_are_refused(ws: Workspace) -> None:
    for path, said in (("ftp://host/file", "no storage Lakelet knows"), ("s3://", "no bucket")):
        with pytest.raises(StorageError, match=said):
            storage_for(ws.folder, path)


def test_a_connection_that_breaks_sets_no_file_aside(
    s3: Server, bucket_ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = root_of(bucket_ws).removeprefix("s3://")
    s3.put(f"s3://{bucket}/raw/a.jsonl", '{"id": 1}')
    s3.ask(f"/break/{bucket}/raw/a.jsonl")
    with pytest.raises(UnreachableError, match=r"raw/a.jsonl cannot be read: .*503"):
        bucket_ws.load("raw:", into="t.posts")
    s3.ask("/mend")
    assert [e.kept for e in bucket_ws.load("raw:", into="t.posts").entries] == [1]


def test_an_object_nobody_may_read_does_not_stop_the_others(
    s3: Server, bucket_ws: Workspace
) -> None:
    bucket = root_of(bucket_ws).removeprefix("s3://")
    for name in ("a.jsonl", "denied.jsonl", "z.jsonl"):
        s3.put(f"s3://{bucket}/raw/{name}", '{"id": 1}')
    s3.ask(f"/deny/{bucket}/raw/denied.jsonl")
    entries = bucket_ws.load("raw:", into="t.posts").entries
    s3.ask("/mend")
    assert [(e.state, e.kept) for e in entries] == [
        ("loaded", 1), ("quarantined", 0), ("loaded", 1)
    ]  # fmt: skip
    assert "AccessDenied" in (entries[1].reason or "")
