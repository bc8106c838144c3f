"""The data sheet of a generated core: its numbers in one dictionary, said as Markdown and as one page of HTML."""

from .markdown import markdown, memory_markdown, registers_markdown
from .page import page
from .sheet import Model, sheet

__all__ = ["Model", "markdown", "memory_markdown", "page", "registers_markdown", "sheet"]
