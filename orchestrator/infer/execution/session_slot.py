"""Keeps a session from one picture to the next."""

from collections.abc import Mapping

import numpy as np

from orchestrator.infer.execution.tile_subgraph import TileSubgraph
from orchestrator.infer.graphs.node import Array
from orchestrator.infer.session import Resources, Session


class SessionSlot:
    """Holds the session of the last picture that went through whole.

    Graphs state no heights and widths, so that the next picture's is often the same, whatever its size; and a session
    costs more than a small picture.
    """

    def __init__(self) -> None:
        self._content = b""
        self._weights: Mapping[str, Array] = {}
        self._session: Session | None = None

    def session(self, subgraph: TileSubgraph, resources: Resources, name: str) -> Session:
        """Return the session that is held where it has this graph, else a new one in its place.

        Args:
            subgraph: Of the whole picture.
            name: For messages.

        Raises what making a session raises.
        """
        content = subgraph.model()
        if self._session is None or content != self._content or not _equal(self._weights, subgraph.weights):
            self.clear()
            self._session = Session(content, resources, name, subgraph.weights)
            self._content, self._weights = content, subgraph.weights
        return self._session

    def clear(self) -> None:
        """Let the session go, and its memory."""
        self._content, self._weights, self._session = b"", {}, None


def _equal(first: Mapping[str, Array], second: Mapping[str, Array]) -> bool:
    return first.keys() == second.keys() and all(
        first[name] is second[name] or np.array_equal(first[name], second[name]) for name in first
    )
