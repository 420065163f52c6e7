"""The persona file as it stands: a model for each of its objects, with what each field means, its unit and effect."""

from services.agents.domain.persona.sections.root import PersonaFile

__all__ = ["PersonaFile"]
