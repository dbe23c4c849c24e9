"""The database's shapes, one after the other; there is no way back but a backup."""
