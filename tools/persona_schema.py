"""`make gen` writes the JSON Schema of persona files, which is made from the models that read them."""

import json
import sys
from pathlib import Path

from services.agents.domain.persona.json_schema import json_schema


def main(path: Path) -> None:
    """Write the schema to this file."""
    path.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
