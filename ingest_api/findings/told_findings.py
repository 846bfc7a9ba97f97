"""Findings as they are told, by the API and on the pages alike."""

from uuid import UUID

from ingest_api.database import Connection, fetch_all
from ingest_api.findings.evidence import find_evidence
from ingest_api.findings.finding_schemas import Finding, FindingDetails, FindingEvent, Findings, details_of
from warehouse.postgres.findings.finding_reads import (
    Asked,
    events_question,
    finding_question,
    list_question,
    page_of,
    the_finding,
)


async def find_page(connection: Connection, asked: Asked) -> Findings:
    """A page of findings.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    page = page_of(await fetch_all(connection, *list_question(asked)), asked)
    return Findings(items=[Finding.of(row) for row in page.findings], next_cursor=page.next_cursor)


async def find_details(connection: Connection, finding_id: UUID) -> FindingDetails:
    """One finding, the sessions behind it beside what was expected, and what became of it.

    Raises:
        FindingNotFoundError: there is none with this id.
    """
    finding = the_finding(await fetch_all(connection, *finding_question(finding_id)), finding_id)
    events = await fetch_all(connection, *events_question(finding_id))
    evidence = await find_evidence(connection, finding)
    return details_of(finding, evidence, [FindingEvent.of(event) for event in events])
