"""The pack inside the stand-in host, as for the tests of its nodes."""

from tests.nodes.conftest import models, part

__all__ = ["models", "part"]
