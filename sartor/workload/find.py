"""A model by name or by file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..errors import InputError, UnknownName, Unsupported
from ..tables import data_text
from . import model_toml
from .model import Model
from .readers import gguf_model, hf_config, safetensors_index


def names() -> list[str]:
    """The bundled models, which need no file and no network."""
    found = (entry.name for entry in files("sartor.data").joinpath("models").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def bundled(name: str) -> Model:
    if name not in names():
        raise UnknownName("model", name, names())
    return model_toml.loads(data_text(f"models/{name}.toml"), f"models/{name}.toml")


def find_model(name_or_path: str | Path) -> Model:
    """A bundled model by its name, or the model in a file: config.json, .gguf, .safetensors, its index, a
    .toml of our own, or a folder that holds one of them."""
    name = str(name_or_path)
    if name.lower() in names():
        return bundled(name.lower())
    path = Path(name)
    if not name or not exists(path):
        if len(path.parts) > 1 or path.suffix in (".json", ".gguf", ".safetensors", ".toml"):
            raise InputError(f"{name}: no such file (check the path, or name a bundled model)")
        raise UnknownName("model", name, names())
    return _in_folder(path) if path.is_dir() else _in_file(path)


def exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _in_folder(path: Path) -> Model:
    """config.json if there, else the one GGUF file."""
    if (path / "config.json").is_file():
        return hf_config.read(path / "config.json")
    found = sorted(path.glob("*.gguf"))
    if len(found) != 1:
        raise InputError(f"{path}: holds no config.json and {len(found)} .gguf files (name one file)")
    return gguf_model.read(found[0])


def _in_file(path: Path) -> Model:
    if path.suffix == ".gguf":
        return gguf_model.read(path)
    if path.suffix == ".safetensors" or path.name.endswith(".safetensors.index.json"):
        return safetensors_index.read(path)
    if path.suffix == ".json":
        return hf_config.read(path)
    if path.suffix == ".toml":
        return model_toml.read(path)
    raise Unsupported(
        f"{path.name}: not a kind of model file (known: config.json, .gguf, .safetensors, .toml)"
    )
