"""Gzip data stays a single member when more data is appended."""

from __future__ import annotations

import gzip
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tag_compliance.snapshot.appendable_gzip import Appendable, compress
from tag_compliance_tests.support.system import require

_data = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda piece, n: piece * n, st.binary(min_size=1, max_size=20), st.integers(0, 5000)),
)


def _only_member(data: bytes) -> bytes:
    """Decompresses as a client does that stops after the first member."""
    inflate = zlib.decompressobj(31)
    plain = inflate.decompress(data)
    assert inflate.eof
    assert inflate.unused_data == b""
    return plain


@settings(deadline=None)
@given(_data)
def test_compressed_data_is_decompressed_unchanged(data: bytes) -> None:
    assert _only_member(compress(data)) == gzip.decompress(compress(data)) == data


@settings(deadline=None)
@given(_data, _data)
def test_old_and_appended_data_are_one_member(data: bytes, more: bytes) -> None:
    begun = Appendable.of(compress(data))
    assert _only_member(bytes(begun.body) + begun.tail(more)) == data + more


def test_the_same_member_can_be_continued_several_times() -> None:
    begun = Appendable.of(compress(b"snapshot\n"))
    for more in (b"", b"first\n", b"second\n"):
        assert _only_member(bytes(begun.body) + begun.tail(more)) == b"snapshot\n" + more


def test_equal_input_gives_equal_bytes() -> None:
    assert compress(b"abc" * 100) == compress(b"abc" * 100)


@pytest.mark.parametrize(
    "member", [b"", b"\x1f\x8b", gzip.compress(b"abc", mtime=0), compress(b"abc")[:-9]]
)
def test_a_member_of_another_program_is_rejected(member: bytes) -> None:
    with pytest.raises(ValueError, match="not made by"):
        Appendable.of(member)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_random_bytes_are_rejected(data: bytes) -> None:
    with pytest.raises(ValueError, match="not made by"):
        Appendable.of(data)


def test_the_gzip_program_decompresses_it_without_a_warning() -> None:
    program = require("gzip")
    begun = Appendable.of(compress(b"one\n" * 1000))
    for member in (compress(b"one\n" * 1000), bytes(begun.body) + begun.tail(b"two\n")):
        done = subprocess.run([program, "-dc"], input=member, capture_output=True, check=True)
        assert done.stderr == b""
        assert done.stdout == _only_member(member)
