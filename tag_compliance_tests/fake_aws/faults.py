"""The faults that can be injected."""

from enum import StrEnum


class Fault(StrEnum):
    # AWS returns an error.
    THROTTLED = "throttled"
    THROTTLING_EXCEPTION = "throttling_exception"
    ACCESS_DENIED = "access_denied"
    SCP_DENIED = "scp_denied"
    REGION_DISABLED = "region_disabled"
    EXPIRED_TOKEN = "expired_token"
    INTERNAL = "internal"
    PAGINATION_TOKEN_EXPIRED = "pagination_token_expired"
    QUOTED_REQUEST = "quoted_request"

    # Something between the client and AWS fails.
    HTTP_503 = "http_503"
    HTTP_503_HTML = "http_503_html"
    NOT_JSON = "not_json"
    TRUNCATED_BODY = "truncated_body"
    CUT_CONNECTION = "cut_connection"
    SLOW = "slow"
    HANG = "hang"

    # Pages that are valid, but rare.
    EMPTY_PAGE = "empty_page"
    MISSING_TOKEN = "missing_token"
    EXTRA_FIELDS = "extra_fields"

    # Pages that break the contract.
    REPEAT_TOKEN = "repeat_token"
    ENDLESS = "endless"
    MISSING_LIST = "missing_list"
    MISSING_ARN = "missing_arn"
    MISSING_TAGS = "missing_tags"
    WRONG_LIST_TYPE = "wrong_list_type"
    WRONG_ARN_TYPE = "wrong_arn_type"
    WRONG_TAGS_TYPE = "wrong_tags_type"
