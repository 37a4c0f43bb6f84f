"""The types of the components' scalar outputs: each is a file that the container writes, and a value for a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Flag = Any
    Number = Any
    Text = Any
else:
    from kfp import dsl

    Flag = dsl.OutputPath(bool)
    Number = dsl.OutputPath(int)
    Text = dsl.OutputPath(str)
