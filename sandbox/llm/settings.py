"""What the language-model sandbox can be told through its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from sandbox.settings import Port, SandboxSettings


class LlmSandboxSettings(SandboxSettings):
    """Settings of `python -m sandbox.llm`; the environment prefix is `PUPPET_SANDBOX_LLM_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_SANDBOX_LLM_", frozen=True, extra="ignore")

    port: Port = 50063
    data_dir: Path = Path("var/sandbox/llm")
    model: str = ""
    """Any GGUF file, or the name of a packed model, such as `qwen`; SmolLM2-135M-Instruct when left out."""
    threads: int = Field(default=2, ge=1)
    context: int = Field(default=8192, ge=512)
    """Tokens of prompt and answer that all calls under way share."""
    slots: int = Field(default=8, ge=1)
    """Sequences decoded side by side, and so the most choices (`n`) that one call may ask for."""
