"""What Telegram sends us."""
