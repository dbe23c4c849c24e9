"""What `harkara check` makes of what it found: facts in, findings out, all pure.

The facts are gathered by `bot.transports` and `storage`; `bot.cli.check` asks for them
and prints what is found.
"""
