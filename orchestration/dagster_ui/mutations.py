"""What may be changed through Dagster's UI, and what a GraphQL document would change."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

WITHOUT_EFFECT = frozenset({"logTelemetry", "setNuxSeen"})
"""What Dagster's pages send by themselves; both are switched off."""

ALLOWED = WITHOUT_EFFECT | {
    "launchRun",
    "launchPipelineExecution",
    "launchMultipleRuns",
    "launchRunReexecution",
    "launchPipelineReexecution",
    "launchPartitionBackfill",
    "reexecutePartitionBackfill",
    "resumePartitionBackfill",
    "cancelPartitionBackfill",
    "terminateRun",
    "terminateRuns",
    "terminatePipelineExecution",
    "startSensor",
    "stopSensor",
    "resetSensor",
    "sensorDryRun",
    "startSchedule",
    "stopRunningSchedule",
    "resetSchedule",
    "scheduleDryRun",
    "reloadRepositoryLocation",
    "reloadWorkspace",
}
"""What an operator needs: runs, the sensors and schedules that request them, and reloading the code.

All else is refused whoever asks. Nobody needs it here, and it does harm: ``wipeAssets``, ``deleteRun`` and the reports
of an asset's events make Dagster say of a day what the ledger does not; ``setSensorCursor`` hides failed runs from the
alerts; ``shutdownRepositoryLocation`` stops our code. What a newer Dagster brings is refused until it is listed here.
"""


def mutations_in(document: DocumentNode) -> set[str]:
    """The names of all mutations of a document, whatever they are called in it and however deep in fragments."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    return {
        name
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode) and each.operation is OperationType.MUTATION
        for name in _fields(each.selection_set, fragments, set())
    }


def _fields(selected: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], seen: set[str]) -> Iterator[str]:
    for node in selected.selections:
        match node:
            case FieldNode() if not node.name.value.startswith("__"):  # what the language itself has of each object
                yield node.name.value
            case InlineFragmentNode():
                yield from _fields(node.selection_set, fragments, seen)
            case FragmentSpreadNode() if node.name.value not in seen and node.name.value in fragments:
                seen.add(node.name.value)
                yield from _fields(fragments[node.name.value].selection_set, fragments, seen)
