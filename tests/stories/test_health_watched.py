"""The running application keeps its own health up to date."""

from __future__ import annotations

from handlers.health import Health
from tests.stories.stage import until


async def test_every_sweep_that_ends_is_noted(stage, monkeypatch):
    """Otherwise a healthy application would be called stuck after half a minute."""
    noted = []
    monkeypatch.setattr(Health, "swept", lambda _self: noted.append(1))
    async with stage.app():
        await until(lambda: len(noted) >= 2, "two sweeps")
