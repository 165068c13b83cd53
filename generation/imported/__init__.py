"""Makes releases from data that others published: reads their files, maps their personas to the catalogue, and says what could not be mapped."""
