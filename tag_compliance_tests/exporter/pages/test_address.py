"""Addresses of pages."""

from __future__ import annotations

from tag_compliance.exporter.pages.address import Address

HERE = Address("/findings", (("q", "a&b"), ("rule", "x"), ("rule", "y"), ("cursor", "c")))


def test_text_is_encoded() -> None:
    assert str(HERE) == "/findings?q=a%26b&rule=x&rule=y&cursor=c"
    assert str(Address("/findings")) == "/findings"


def test_each_other_list_begins_at_its_first_page() -> None:
    assert str(HERE.with_value("q", "z")) == "/findings?rule=x&rule=y&q=z"
    assert str(HERE.with_value("q", "")) == "/findings?rule=x&rule=y"
    assert str(HERE.without_value("rule", "x")) == "/findings?q=a%26b&rule=y"
    assert str(HERE.without("q", "rule")) == "/findings"


def test_a_cursor_replaces_the_one_before() -> None:
    assert HERE.with_value("cursor", "d").values("cursor") == ("d",)


def test_another_page_has_the_parameters_that_are_named() -> None:
    assert str(HERE.of("/owners", "rule")) == "/owners?rule=x&rule=y"
