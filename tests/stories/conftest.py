"""A stage for each story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.sandbox import Sandbox
from tests.stories.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Providers without limits of rate; the application keeps its own pace."""
    async with Sandbox(rate="unlimited", seed=11) as sandbox:
        stage = Stage(sandbox, tmp_path)
        await stage.prepare()
        yield stage
