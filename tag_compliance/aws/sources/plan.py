"""Which sources are read in which region."""

from __future__ import annotations

from tag_compliance.aws.regions import global_region
from tag_compliance.config import Config, NeverTagged
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.read_status import Source


def enabled_sources(config: Config) -> tuple[Source, ...]:
    """The sources that the configuration switches on.

    In the order in which they are read and reported, which is also their precedence: the tags of a
    resource are those of the first source that returned it.
    """
    on = [Source.TAGGING, *map(Source, config.more_sources)]
    if config.never_tagged is not NeverTagged.OFF:
        on.append(Source.RESOURCE_EXPLORER)
    order = (Source.TAGGING, Source.IAM, Source.AUTOSCALING, Source.RESOURCE_EXPLORER)
    return tuple(source for source in order if source in on)


def sources_in(config: Config, region: RegionName) -> tuple[Source, ...]:
    """The enabled sources that are read in this region, in the same order."""
    is_global = region == global_region(region)
    return tuple(s for s in enabled_sources(config) if is_global or not s.is_global)
