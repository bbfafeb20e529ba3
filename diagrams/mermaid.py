"""A graph as a Mermaid state diagram, which GitHub draws by itself.

What leaves a state as it is would hide the rest: self-loops are left to the generated document. Labels hold
no `:` and no `;`, which end a label in Mermaid's grammar.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagrams.graph import Graph


def mermaid(graph: Graph) -> str:
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "stateDiagram-v2"
    yield "    direction TB"
    yield f"    [*] --> {graph.initial}"
    for arrow in graph.arrows:
        yield f"    {arrow.source} --> {arrow.target} : {'<br/>'.join(arrow.labels)}"
    for arrow in graph.opens:
        yield f"    note right of {arrow.source}"
        yield "        starts the next conversation"
        yield from (f"        {label}" for label in arrow.labels)
        yield "    end note"
    for state in graph.nodes:
        if state in graph.final:
            yield f"    {state} --> [*]"
