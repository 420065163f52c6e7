"""What a process hands down of its environment: what every program needs of the machine, and no program's secrets."""

from collections.abc import Mapping

_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TERM", "VIRTUAL_ENV"),
        *("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    }
)
_PREFIXES = ("LC_", "PYTHON", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_", "GGML_", "GRPC_", "TOKENIZERS_", "OTEL_")


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the machine: paths, language, certificates, proxies, telemetry, threads of libraries."""
    return {
        name: value
        for name, value in environment.items()
        # Proxies are written in small letters as well.
        if name.upper() in _NAMES or name.startswith(_PREFIXES)
    }


def own_settings(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the settings of one program, whose prefix is in capitals; they are read in any mixture of cases."""
    return {name: value for name, value in environment.items() if name.upper().startswith(prefix)}
