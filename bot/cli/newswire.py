"""What Kashmir Watch publishes in the demo, one story after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.cli.cast import sample
from bot.domain.articles import Draft

if TYPE_CHECKING:
    from bot.editorial import Editorial

SITE = "https://kashmirwatch.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """A story that comes with the demo."""

    file: str
    headline: str
    language: str


STORIES = (
    Sample(
        "apple-cold-store.txt",
        "Shopian's growers open a cold store for 12,000 tonnes of apples",
        "en",
    ),
    Sample("dal-lake-boats.txt", "ڈل جھیل میں بجلی سے چلنے والی پچاس کشتیاں", "ur"),
    Sample("tunnel-road.txt", "चार दिन बाद रामबन मार्ग छोटी गाड़ियों के लिए खुला", "hi"),
    Sample("saffron-harvest.txt", "أفضل موسم للزعفران في بامبور منذ عشر سنوات", "ar"),
    Sample("snow-warning.txt", "Heavy snow from Friday night; schools closed", "en"),
    Sample("night-clinic.txt", "بارہمولہ میں بچوں کے لیے رات کا کلینک", "ur"),
    Sample("papier-mache.txt", "पेपर माशे की कारीगरों को बीस हज़ार डिब्बों का ऑर्डर", "hi"),
    Sample(
        "football-lights.txt", "Women's football comes to Srinagar's floodlights", "en"
    ),
)


def draft(number: int) -> Draft:
    """Return story *number*, from 0; once all were published, they come as new ones."""
    again, place = divmod(number, len(STORIES))
    story = STORIES[place]
    name = story.file.removesuffix(".txt")
    edition = f" ({again + 1})" if again else ""
    return Draft(
        text=sample(story.file),
        headline=f"{story.headline}{edition}",
        link=f"{SITE}/{story.language}/{name}{f'-{again + 1}' if again else ''}",
        language=story.language,
    )


class Newswire:
    """Stands for the newsroom's own system: publishes the next story when asked."""

    def __init__(self, editorial: Editorial) -> None:
        self._editorial = editorial
        self._published = 0

    async def publish(self) -> dict[str, str]:
        """Take the next story in; return its ``title`` and ``language``."""
        story = draft(self._published)
        self._published += 1
        await self._editorial.take_in(story)
        return {"title": story.headline, "language": story.language}
