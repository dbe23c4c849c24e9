"""The Database port on SQLModel; the only folder that speaks SQL."""
