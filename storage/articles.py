"""What the newsroom publishes, with versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, update

from bot.domain.articles import Article, ArticleId, Draft
from bot.domain.errors import Unknown
from storage.tables import article_versions, articles

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from storage.connection import Connection


class Articles:
    """The Articles port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, draft: Draft, *, fingerprint: str, now: datetime) -> Article:
        """Take an article in; the same content again writes nothing."""
        row = await self._connection.row(
            _newest.where(articles.c.fingerprint == fingerprint)
        )
        if row is None:
            number = await self._connection.add(
                articles, fingerprint=fingerprint, version=1, changed_at=now
            )
            return await self._add_version(ArticleId(number), 1, draft, now)
        known = _article(row)
        if known.draft == draft:
            return known
        version = known.version + 1
        await self._connection.run(
            update(articles)
            .where(articles.c.id == known.id)
            .values(version=version, changed_at=now)
        )
        return await self._add_version(known.id, version, draft, now)

    async def get(self, article: ArticleId) -> Article:
        """Return the newest version. Raises Unknown."""
        row = await self._connection.row(_newest.where(articles.c.id == article))
        if row is None:
            raise Unknown(
                f"there is no article {article}; harkara article list shows the newest"
            )
        return _article(row)

    async def latest(self, limit: int) -> list[Article]:
        """Return the newest articles, the most recently taken in first."""
        rows = await self._connection.rows(
            _newest.order_by(articles.c.changed_at.desc(), articles.c.id.desc()).limit(
                limit
            )
        )
        return [_article(row) for row in rows]

    async def _add_version(
        self, article: ArticleId, version: int, draft: Draft, now: datetime
    ) -> Article:
        await self._connection.run(
            article_versions.insert().values(
                article_id=article,
                version=version,
                headline=draft.headline,
                text=draft.text,
                link=draft.link,
                language=draft.language,
                taken_in_at=now,
            )
        )
        return Article(id=article, version=version, draft=draft, taken_in_at=now)


_newest = select(article_versions).join(
    articles,
    and_(
        articles.c.id == article_versions.c.article_id,
        articles.c.version == article_versions.c.version,
    ),
)


def _article(row: Row[Any]) -> Article:
    return Article(
        id=ArticleId(row.article_id),
        version=row.version,
        draft=Draft(
            headline=row.headline,
            text=row.text,
            link=row.link,
            language=row.language,
        ),
        taken_in_at=row.taken_in_at,
    )
