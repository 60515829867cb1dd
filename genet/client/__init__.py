"""The user's command line: logs in at Genet, and hands kubectl what it needs to say who is calling.

It stands on the standard library, httpx, msgspec and wsproto alone and imports nothing else of genet, so that it
installs anywhere in seconds. kubectl starts `genet credential` for every command that somebody types, so what that path
imports is counted: a token that is still good is answered without httpx, ssl or msgspec.
"""
