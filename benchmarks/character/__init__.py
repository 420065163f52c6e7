"""How well characters write: what of it can be counted, and the sheets by which readers judge the rest."""
