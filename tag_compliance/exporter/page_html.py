"""The status page for browsers: one document, nothing loaded from elsewhere, no script."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template

from tag_compliance import __version__
from tag_compliance.exporter.page import LINKS, Page, chosen, share, succeeded, worst_tags
from tag_compliance.exporter.wording import count, moment, percentage
from tag_compliance.snapshot.status import AccountStatus, RegionStatus, ScanStatus

_FINE, _HALF = 90, 50
_NOTHING = '<p class="none">Nothing to show yet.</p>'


class HtmlPage:
    """Fills the template, which is read once."""

    def __init__(self) -> None:
        resources = files("tag_compliance.exporter")
        style = resources.joinpath("status.css").read_text("utf-8")
        template = resources.joinpath("status.html").read_text("utf-8")
        self._template = Template(Template(template).safe_substitute(style=style))
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def render(self, page: Page) -> str:
        return self._template.substitute(
            verdict=page.verdict,
            messages=_messages(page),
            facts=_facts(page),
            violations=_violations(page.status),
            accounts=_accounts(page),
            links="".join(
                f'<li><a href="{path}">{path}</a> <span>{escape(what)}</span></li>'
                for path, what in LINKS
            ),
            version=escape(__version__),
            made=escape(moment(page.now)),
        )


def _messages(page: Page) -> str:
    told = [("fault", text) for text in page.health.faults]
    told += [("remark", text) for text in page.health.remarks]
    return "".join(f'<p class="message {kind}">{escape(text)}</p>' for kind, text in told)


def _facts(page: Page) -> str:
    return "".join(
        f"<div><dt>{escape(fact.name)}</dt><dd>{escape(fact.value)}</dd>"
        f"<dd>{escape(fact.note)}</dd></div>"
        for fact in page.facts()
    )


def _violations(status: ScanStatus | None) -> str:
    if status is None or not status.tags:
        return _NOTHING
    rows = "".join(
        f"<tr><th scope=row><code>{escape(tag.tag)}</code></th>"
        f"<td class=bar>{_bar(share(tag.missing, status.resources), 'poor')}</td>"
        f"<td class=number>{count(tag.missing)}</td>"
        f"<td class=number>{percentage(share(tag.missing, status.resources))}</td></tr>"
        for tag in worst_tags(status)
    )
    return (
        "<table class=violations><thead><tr><th scope=col>Tag</th><th scope=col class=bar></th>"
        "<th scope=col class=number>Missing on</th><th scope=col class=number>Of all</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _accounts(page: Page) -> str:
    status = page.status
    if status is None or not status.accounts:
        return _NOTHING
    accounts, left_out = chosen(status.accounts)
    note = f'<p class="none">{escape(left_out)}</p>' if left_out else ""
    return "".join(_account(page, account) for account in accounts) + note


def _account(page: Page, account: AccountStatus) -> str:
    regions = account.regions
    failed = [region for region in regions if not succeeded(region)]
    state = "good" if not failed else ("failed" if len(failed) == len(regions) else "partial")
    chips = "".join(
        f'<li class="{_tone(r)}"><b>{escape(r.region)}</b> {escape(_state(r))}</li>'
        for r in regions
    )
    resources = sum(region.resources for region in regions)
    return (
        f'<details class="account {state}"{" open" if failed else ""}><summary>'
        f"<span class=name><b>{escape(account.account_name)}</b>"
        f"<code>{escape(account.account_id)}</code></span><ul class=chips>{chips}</ul>"
        f"<span class=total>{count(resources)}<small>resources</small></span></summary>"
        "<div class=scroll><table class=regions><thead><tr><th scope=col>Region</th>"
        "<th scope=col>State</th><th scope=col class=number>Resources</th>"
        "<th scope=col class=bar></th><th scope=col class=number>Compliant</th>"
        "<th scope=col class=took>Scan took</th><th scope=col class=ago>Last success</th></tr>"
        "</thead>"
        f"{''.join(_region(page, region) for region in regions)}</table></div>"
        f"<p class=last>All regions last read {escape(page.ago(account.last_success_at))}</p>"
        "</details>"
    )


def _region(page: Page, region: RegionStatus) -> str:
    tone = _tone(region)
    at = region.last_success_at
    title = f' title="{escape(moment(at))}"' if at else ""
    told = f'<tr class=told><td colspan="7">{escape(region.message)}</td></tr>'
    message = told if region.message else ""
    return (
        f"<tbody><tr><th scope=row>{escape(region.region)}</th>"
        f'<td><span class="state {"bad" if tone == "bad" else "good"}">'
        f"{escape(region.reason)}</span>"
        f"</td><td class=number>{count(region.resources)}</td>"
        f"<td class=bar>{_bar(region.compliance_percentage, tone)}</td>"
        f"<td class=number>{percentage(region.compliance_percentage)}</td>"
        f"<td class=took>{region.seconds:.1f} s</td>"
        f"<td class=ago{title}>{escape(page.ago(at))}</td></tr>{message}</tbody>"
    )


def _bar(value: float | None, tone: str) -> str:
    """As SVG, since its width is an attribute: the page allows no inline style."""
    if value is None:
        return ""
    width = min(max(value, 0.0), 100.0)
    return (
        f'<svg class="{tone}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rest" width="100" height="6"/><rect width="{width:.1f}" height="6"/></svg>'
    )


def _tone(region: RegionStatus) -> str:
    if not succeeded(region):
        return "bad"
    if region.compliance_percentage is None:
        return "empty"
    if region.compliance_percentage >= _FINE:
        return "good"
    return "fair" if region.compliance_percentage >= _HALF else "poor"


def _state(region: RegionStatus) -> str:
    if not succeeded(region):
        return region.reason
    return percentage(region.compliance_percentage) if region.resources else "empty"
