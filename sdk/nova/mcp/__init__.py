"""Tools of agents: reads of an edge, by the Model Context Protocol."""
