"""Which parts of a network are computed one after the other, in which tiles, and what that takes."""
