"""An OpenAI-compatible server over llama.cpp, so that characters can write without a key or a network."""
