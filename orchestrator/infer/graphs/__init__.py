"""Networks as typed graphs: what each node does in space, views of its maps, and optimisations."""
