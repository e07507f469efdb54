"""The error tree. Every message says what is wrong, where, and what to do next."""

from __future__ import annotations

from envmon.texts import joined, system_reason, t


class EnvmonError(Exception):
    """Root of everything envmon raises on purpose.

    message : a sentence, or the key of one in the catalogue of texts with the values it asks for; then the error can
        be said in the user's language (`said`), and is English as a plain string, as in the log. A value that is itself
        an error (of the system too), or a tuple of errors, is said in that language.
    retryable : the same step may succeed later without anyone changing anything.
    exit_code : what the command line returns (1 failed, 2 usage or config, 3 done with data problems).
    """

    retryable = False
    exit_code = 1

    def __init__(self, message: str = "", **values: object) -> None:
        super().__init__(message)
        self.message, self.values = message, values

    def said(self, lang: str) -> str:
        """The error as a sentence for people."""
        if not self.values:
            return self.message
        return t(self.message, lang, **{name: _said(value, lang) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.said("en")


def _said(value: object, lang: str) -> object:
    if isinstance(value, EnvmonError):
        return value.said(lang)
    if isinstance(value, OSError):
        return system_reason(value, lang)
    if isinstance(value, tuple):
        return joined("semicolon", lang, dict.fromkeys(str(_said(one, lang)) for one in value))
    return value


class ConfigError(EnvmonError):
    """The bureau's config.toml (or a file it names) has mistakes; all of them are in the message."""

    exit_code = 2


class UsageError(EnvmonError):
    """A command was asked for something that does not exist or makes no sense."""

    exit_code = 2


class StandardsError(EnvmonError):
    """A standards file is incomplete, contradictory or wrongly typed; names file and row."""


class NotInForce(EnvmonError):
    """No edition covers the day asked for."""


class NotAssessable(EnvmonError):
    """A value no rule can judge (negative, wrong shape) reached the pure middle."""


class SourceUnavailable(EnvmonError):
    """The service refused, timed out or answered an error; asking again later may help.

    until : the minute before which it asked not to be asked again; 0: it did not say.
    """

    retryable = True
    until = 0


class SourceChanged(EnvmonError):
    """The answer does not have the shape this source has; the payload is kept for a person to look at."""


class StoreError(EnvmonError):
    """The database cannot be opened, is of a newer schema, is locked or is read-only."""


class StoreBusy(StoreError):
    """Another envmon process is writing; only one may."""

    retryable = True


class ChannelRefused(EnvmonError):
    """A notification channel refused a message for good."""
