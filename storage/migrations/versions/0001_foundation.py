"""The foundation."""

from alembic import op
import sqlalchemy as sa

revision = "0001"
down_revision = None


#: Stored types, named once: this file is a record and imports nothing of ours.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "article",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("fingerprint", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_article_fingerprint")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("article", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_article_changed_at"), ["changed_at"], unique=False
        )

    op.create_table(
        "audience",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience")),
        sa.UniqueConstraint("name", name=op.f("uq_audience_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "digest",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "inbound",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_inbound_channel_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbound_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )
        batch_op.create_index(
            "ix_inbound_done",
            ["done_at"],
            unique=False,
            sqlite_where=sa.text("done_at IS NOT NULL"),
            postgresql_where=sa.text("done_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_inbound_messages",
            ["received_at"],
            unique=False,
            sqlite_where=sa.text("key LIKE 'message:%'"),
            postgresql_where=sa.text("key LIKE 'message:%'"),
        )

    op.create_table(
        "invitation",
        sa.Column("token_hash", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitation")),
    )
    op.create_table(
        "suppression",
        sa.Column("address_hash", sa.String(length=43), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_suppression")),
    )
    op.create_table(
        "clock_reading",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("shown", MOMENT, nullable=False),
        sa.Column("latest", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_reading")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "keyring",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keyring")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "look",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "recipient",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("standing", sa.String(length=24), nullable=False),
        sa.Column("standing_reason", sa.Text(), nullable=False),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("last_inbound_at", MOMENT, nullable=True),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("retry_at", MOMENT, nullable=True),
        sa.Column("rest_until", MOMENT, nullable=True),
        sa.Column("leave_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("merged_into", NUMBER, nullable=True),
        sa.Column("moved_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["recipient.id"], name=op.f("fk_recipient_merged_into")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.create_index(
            "ix_recipient_address",
            ["channel", "value", "thread"],
            unique=True,
            sqlite_where=sa.text("merged_into IS NULL"),
            postgresql_where=sa.text("merged_into IS NULL"),
        )
        batch_op.create_index(
            "ix_recipient_leaving",
            ["leave_at"],
            unique=False,
            sqlite_where=sa.text("leave_at IS NOT NULL"),
            postgresql_where=sa.text("leave_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_recipient_retrying",
            ["retry_at"],
            unique=False,
            sqlite_where=sa.text("retry_at IS NOT NULL"),
            postgresql_where=sa.text("retry_at IS NOT NULL"),
        )

    op.create_table(
        "sender",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("clock", MOMENT, nullable=False),
        sa.Column("down", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender")),
        sa.UniqueConstraint("channel", "name", name=op.f("uq_sender_channel_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alias",
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("recipient_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_alias_recipient_id")
        ),
        sa.PrimaryKeyConstraint("channel", "value", "thread", name=op.f("pk_alias")),
    )
    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_alias_recipient_id"), ["recipient_id"], unique=False
        )

    op.create_table(
        "article_version",
        sa.Column("article_id", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("taken_in_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_version_article_id")
        ),
        sa.PrimaryKeyConstraint(
            "article_id", "version", name=op.f("pk_article_version")
        ),
    )
    op.create_table(
        "broadcast",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("digest_id", NUMBER, nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("origin_id", NUMBER, nullable=True),
        sa.Column("merged_into_id", NUMBER, nullable=True),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("corrects_id", NUMBER, nullable=True),
        sa.Column("superseded_by", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digest.id"], name=op.f("fk_broadcast_digest_id")
        ),
        sa.ForeignKeyConstraint(
            ["origin_id"], ["broadcast.id"], name=op.f("fk_broadcast_origin_id")
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["broadcast.id"], name=op.f("fk_broadcast_corrects_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("broadcast", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_broadcast_digest_id"), ["digest_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_broadcast_corrects_id"), ["corrects_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_broadcast_state"), ["state"], unique=False)

    op.create_table(
        "digest_article",
        sa.Column("digest_id", NUMBER, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("article_id", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_digest_article_article_id")
        ),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digest.id"], name=op.f("fk_digest_article_digest_id")
        ),
        sa.PrimaryKeyConstraint("digest_id", "place", name=op.f("pk_digest_article")),
    )
    with op.batch_alter_table("digest_article", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_digest_article_article_id"), ["article_id"], unique=False
        )

    op.create_table(
        "editor",
        sa.Column("recipient_id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_editor_recipient_id")
        ),
        sa.PrimaryKeyConstraint("recipient_id", name=op.f("pk_editor")),
    )
    op.create_table(
        "join_link",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("audience_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("token", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_join_link_audience_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_join_link")),
        sa.UniqueConstraint("code", name=op.f("uq_join_link_code")),
        sa.UniqueConstraint("token", name=op.f("uq_join_link_token")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reply",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("sender_id", NUMBER, nullable=False),
        sa.Column("recipient_id", NUMBER, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_reply_recipient_id")
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["sender.id"], name=op.f("fk_reply_sender_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("key", name=op.f("uq_reply_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reply_open",
            ["sender_id", "recipient_id", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'leased', 'sending')"),
            postgresql_where=sa.text("state IN ('queued', 'leased', 'sending')"),
        )
        batch_op.create_index(
            batch_op.f("ix_reply_recipient_id"), ["recipient_id"], unique=False
        )

    op.create_table(
        "canary",
        sa.Column("broadcast_id", NUMBER, nullable=False),
        sa.Column("sender_id", NUMBER, nullable=False),
        sa.Column("first_id", NUMBER, nullable=False),
        sa.Column("last_id", NUMBER, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcast.id"], name=op.f("fk_canary_broadcast_id")
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["sender.id"], name=op.f("fk_canary_sender_id")
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "sender_id", name=op.f("pk_canary")),
    )
    op.create_table(
        "coverage",
        sa.Column("broadcast_id", NUMBER, nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcast.id"],
            name=op.f("fk_coverage_broadcast_id"),
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "state", name=op.f("pk_coverage")),
    )
    op.create_table(
        "broadcast_audience",
        sa.Column("broadcast_id", NUMBER, nullable=False),
        sa.Column("audience_id", NUMBER, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"],
            ["audience.id"],
            name=op.f("fk_broadcast_audience_audience_id"),
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcast.id"],
            name=op.f("fk_broadcast_audience_broadcast_id"),
        ),
        sa.PrimaryKeyConstraint(
            "broadcast_id", "audience_id", name=op.f("pk_broadcast_audience")
        ),
    )
    op.create_table(
        "delivery",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("broadcast_id", NUMBER, nullable=False),
        sa.Column("recipient_id", NUMBER, nullable=False),
        sa.Column("audience_id", NUMBER, nullable=False),
        sa.Column("sender_id", NUMBER, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("form", sa.String(length=24), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure_kind", sa.String(length=24), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_delivery_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcast.id"], name=op.f("fk_delivery_broadcast_id")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_delivery_recipient_id")
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["sender.id"], name=op.f("fk_delivery_sender_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "broadcast_id",
            "recipient_id",
            "part",
            name=op.f("uq_delivery_broadcast_id_recipient_id_part"),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_in_hand",
            ["sender_id", "state"],
            unique=False,
            sqlite_where=sa.text("state IN ('leased', 'sending', 'doubtful')"),
            postgresql_where=sa.text("state IN ('leased', 'sending', 'doubtful')"),
        )
        batch_op.create_index(
            "ix_delivery_queue",
            ["broadcast_id", "sender_id", "due_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )
        batch_op.create_index(
            batch_op.f("ix_delivery_recipient_id"), ["recipient_id"], unique=False
        )
        batch_op.create_index(
            "ix_delivery_states", ["broadcast_id", "state"], unique=False
        )

    op.create_table(
        "enrolment",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("audience_id", NUMBER, nullable=False),
        sa.Column("recipient_id", NUMBER, nullable=False),
        sa.Column("link_id", NUMBER, nullable=True),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_enrolment_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["join_link.id"], name=op.f("fk_enrolment_link_id")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_enrolment_recipient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_enrolment_current",
            ["audience_id", "recipient_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_enrolment_recipient_id"), ["recipient_id"], unique=False
        )

    op.create_table(
        "message",
        sa.Column("broadcast_id", NUMBER, nullable=False),
        sa.Column("audience_id", NUMBER, nullable=False),
        sa.Column("channel", sa.String(length=24), nullable=False),
        sa.Column("form", sa.String(length=24), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audience.id"], name=op.f("fk_message_audience_id")
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcast.id"], name=op.f("fk_message_broadcast_id")
        ),
        sa.PrimaryKeyConstraint(
            "broadcast_id",
            "audience_id",
            "channel",
            "form",
            "part",
            name=op.f("pk_message"),
        ),
    )
    op.create_table(
        "attempt",
        sa.Column("delivery_id", NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(length=24), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempt")),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attempt_template",
            ["started_at"],
            unique=False,
            sqlite_where=sa.text("form = 'template'"),
            postgresql_where=sa.text("form = 'template'"),
        )

    op.create_table(
        "consent",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("enrolment_id", NUMBER, nullable=False),
        sa.Column("link_id", NUMBER, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("agreed_by", sa.LargeBinary(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_consent_enrolment_id")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["join_link.id"], name=op.f("fk_consent_link_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consent_enrolment_id"), ["enrolment_id"], unique=False
        )
