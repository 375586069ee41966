"""Where s3:// addresses lead, and where they never do."""

import pytest

from broker.errors import Invalid, NotFound, TooLarge
from broker.store.buckets import Buckets


@pytest.fixture
def buckets(tmp_path):
    """Two places: a bucket, and a prefix of it that lies elsewhere; and a secret beside them."""
    (tmp_path / "all" / "deep").mkdir(parents=True)
    (tmp_path / "all" / "deep" / "a b.txt").write_text("in all")
    (tmp_path / "special").mkdir()
    (tmp_path / "special" / "a.txt").write_text("in special")
    (tmp_path / "secret.txt").write_text("secret")
    return Buckets({"bucket": (tmp_path / "all").as_uri(), "bucket/deep/er/": f"{tmp_path}/special"})


def test_the_longest_prefix_decides(buckets):
    assert buckets.read("s3://bucket/deep/a b.txt", 100) == b"in all"
    assert buckets.read("s3://bucket/deep/er/a.txt", 100) == b"in special"


def test_what_is_written_can_be_read_and_folders_are_made(buckets):
    buckets.write("s3://bucket/new/folder/x.bin", b"\0\1")
    assert buckets.read("s3://bucket/new/folder/x.bin", 2) == b"\0\1"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/../secret.txt",
        "s3://bucket/deep/../../secret.txt",
        "s3://bucket//etc/passwd",
        "s3://bucket/./deep/a b.txt",
        "s3://bucket/deep\\a",
        "s3://bucket/a\0b",
        "s3://bucket/",
        "s3://bucket",
        "s3://",
        "file:///etc/passwd",
        "/etc/passwd",
        "https://example.org/a",
    ],
)
def test_nothing_else_can_be_named(buckets, uri):
    with pytest.raises(Invalid, match="no address such as"):
        buckets.read(uri, 100)


@pytest.mark.parametrize("uri", ["s3://other/a.txt", "s3://bucket2/a.txt", "s3://bucke/a"])
def test_a_bucket_that_is_not_mapped_is_refused_with_those_that_are(buckets, uri):
    with pytest.raises(Invalid, match=r"BROKER_BUCKETS.*s3://bucket, s3://bucket/deep/er"):
        buckets.check(uri)


@pytest.mark.parametrize("uri", ["s3://bucket/none.txt", "s3://bucket/deep", "s3://bucket/deep/a b.txt/x"])
def test_what_is_not_there_is_named(buckets, uri):
    with pytest.raises(NotFound):
        buckets.read(uri, 100)


def test_too_much_is_refused(buckets):
    with pytest.raises(TooLarge):
        buckets.read("s3://bucket/deep/a b.txt", 5)
