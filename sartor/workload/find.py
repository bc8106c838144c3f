"""A model by name or by file, and what it asks for in one dictionary."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..errors import UnknownName
from ..tables import data_text
from . import model_toml
from .model import Model
from .readers import hf_config


def names() -> list[str]:
    """The bundled models, which need no file and no network."""
    found = (entry.name for entry in files("sartor.data").joinpath("models").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def bundled(name: str) -> Model:
    if name not in names():
        raise UnknownName("model", name, names())
    return model_toml.loads(data_text(f"models/{name}.toml"), f"models/{name}.toml")


def find_model(name_or_path: str | Path) -> Model:
    """A bundled model by its name, or the model in a config.json or a folder that holds one."""
    name = str(name_or_path)
    if name in names():
        return bundled(name)
    path = Path(name)
    if path.is_dir():
        return hf_config.read(path / "config.json")
    if path.suffix == ".json" or path.exists():
        return hf_config.read(path)
    raise UnknownName("model", name, names())
