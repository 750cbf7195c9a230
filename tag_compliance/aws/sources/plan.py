"""Which sources are read in which region."""

from __future__ import annotations

from tag_compliance.aws.regions import global_region
from tag_compliance.config import Config, NeverTagged
from tag_compliance.domain.account import RegionName
from tag_compliance.domain.merging import TAGS_READ_BY
from tag_compliance.domain.read_status import PlannedSource, Source


def enabled_sources(config: Config) -> tuple[Source, ...]:
    """The sources that the configuration switches on, in their order."""
    on = {Source.TAGGING, *map(Source, config.more_sources)}
    if config.never_tagged is not NeverTagged.OFF:
        on.add(Source.RESOURCE_EXPLORER)
    return tuple(source for source in Source if source in on)


def sources_in(config: Config, region: RegionName) -> tuple[PlannedSource, ...]:
    """The enabled sources that are read in this region, in the same order."""
    is_global = region == global_region(region)
    reported = {Source.RESOURCE_EXPLORER} if config.never_tagged is NeverTagged.REPORT else set()
    return tuple(
        PlannedSource(source, counts=source not in reported)
        for source in enabled_sources(config)
        if is_global or not source.is_global
    )


def request_of(config: Config, source: Source) -> str:
    """What a source is asked for, as far as the configuration decides it.

    A result is reused only while this does not change.
    """
    if source is not Source.RESOURCE_EXPLORER:
        return ""
    view = config.resource_explorer_view
    parts = [f"view {view}" if view else "any view"]
    parts += [f"without {type_}" for type_ in sorted(types_without_tags(config))]
    return ", ".join(parts)


def types_without_tags(config: Config) -> frozenset[str]:
    """The types whose tags only a source reads that is not on: Resource Explorer's rows of them
    are not used.
    """
    on = enabled_sources(config)
    return frozenset(type_ for type_, source in TAGS_READ_BY.items() if source not in on)
