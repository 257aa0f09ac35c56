"""Raw downloads as uniform datasets: fetching, unpacking, recognising layouts, preparing, checking."""
