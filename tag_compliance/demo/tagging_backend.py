"""moto's Resource Groups Tagging API, brought nearer to what AWS answers.

Four differences of moto 5.2 matter to a scan, and are put right here, in the simulation:

* it leaves out a resource whose tags were all removed; AWS returns it with `"Tags": []`;
* it returns CloudFront in every region; AWS returns global resources in us-east-1 only;
* it returns an S3 bucket in every region; AWS returns it in its own;
* it leaves out the value of a bucket's tag whose value is empty; AWS returns `""`.

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from moto.core.resource_tagging import (
    TaggedResource,
    iter_taggable_backends,
    make_tag_matcher,
    match_resource_type,
)
from moto.resourcegroupstaggingapi import urls
from moto.resourcegroupstaggingapi.models import (
    ResourceGroupsTaggingAPIBackend,
    resourcegroupstaggingapi_backends,
)

from tag_compliance.demo.organization import GLOBAL_REGION

__all__ = ["RememberingTaggingBackend", "install"]


class RememberingTaggingBackend(ResourceGroupsTaggingAPIBackend):
    """Remembers which resources lost their tags, and knows where each of them belongs."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._once_tagged: set[str] = set()

    @property
    def _url_module(self) -> ModuleType:
        # moto finds the URLs of a service beside the module of its backend's class.
        return urls

    def untag_resources(
        self, resource_arn_list: list[str], tag_keys: list[str]
    ) -> dict[str, dict[str, Any]]:
        """Untag, and remember what has been untagged, which moto itself forgets."""
        refused = super().untag_resources(resource_arn_list, tag_keys)
        self._once_tagged.update(arn for arn in resource_arn_list if arn not in refused)
        return refused

    def _get_resources_generator(
        self,
        tag_filters: list[dict[str, Any]] | None = None,
        resource_type_filters: list[str] | None = None,
        resource_arn_list: list[str] | None = None,
    ) -> Iterator[TaggedResource]:
        matches_tags = make_tag_matcher(tag_filters)
        for backend in iter_taggable_backends(self.account_id, self.region_name):
            for resource in backend.iter_tagged_resources():
                if (
                    (resource.tags or resource.arn in self._once_tagged)
                    and self._region_of(backend, resource) == self.region_name
                    and match_resource_type(resource.resource_type, resource_type_filters)
                    and matches_tags(resource.tags)
                    and (not resource_arn_list or resource.arn in resource_arn_list)
                ):
                    yield replace(resource, tags=_with_values(resource.tags))

    def _region_of(self, backend: Any, resource: TaggedResource) -> str:
        _, _, service, region, _, name = resource.arn.split(":", 5)
        if service == "s3":
            # The ARN of a bucket names no region either, but the bucket has one.
            return str(backend.buckets[name].region_name)
        return region or GLOBAL_REGION


def _with_values(tags: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value or "" for key, value in tags.items()}


def install() -> None:
    """Make moto's server use this backend, from its next account on."""
    resourcegroupstaggingapi_backends.backend = RememberingTaggingBackend
