"""What can go wrong in this package.

    BotError
    ├── BadMessage             the customer's message cannot be taken (empty, too long); said to the customer
    ├── UnknownBackend         a backend was named that is not configured
    ├── UnknownConversation    an id that is not this customer's
    ├── NotYours               the conversation is not with whoever wants to act in it
    ├── BadPolicy              a policy, or the settings of a backend, that cannot be
    ├── PolicyChanged          somebody else changed the policy first
    ├── BadExample             an example that cannot be kept, or that does not exist
    ├── BadCanned              a canned reply that cannot be kept, or that does not exist
    ├── BadPrompt              a prompt template that cannot be used, or a version that does not exist
    └── BackendError           a backend did not answer; the router goes down the ladder
        ├── BackendUnavailable     down, refused, unknown host, 5xx
        ├── BackendTimeout         no first token, or a stall, within its limit
        ├── BackendRejected        bad key, unknown model, bad request: asking again will not help
        ├── RateLimited            429; `retry_after` seconds where the vendor says so
        ├── ContextOverflow        the prompt is longer than the model's window
        └── BadReply               empty or unusable

Vendor exceptions are translated in the backend's own file. Every message says what was got, what is allowed and what to do.
"""


class BotError(Exception):
    """Base of all errors of this package."""


class BadMessage(BotError):
    """The customer's message cannot be taken as it is."""


class UnknownBackend(BotError):
    """A backend was named that is not configured."""


class UnknownConversation(BotError):
    """A conversation id that does not exist or is another customer's."""


class BadPolicy(BotError, ValueError):
    """A policy, or the settings of a backend, that cannot be."""


class PolicyChanged(BotError):
    """Somebody else changed the policy first; look at it again and decide anew."""


class BadExample(BotError):
    """An example that cannot be kept as it is, or an id that the pool does not have."""


class BadCanned(BotError):
    """A canned reply that cannot be kept as it is, or that does not exist."""


class NotYours(BotError):
    """The conversation is not, or no longer, with whoever wants to act in it. holder: who has it, as people read the name."""

    def __init__(self, message: str, holder: str = "") -> None:
        super().__init__(message)
        self.holder = holder


class BadPrompt(BotError):
    """A prompt template that cannot be used, or a version that does not exist."""


class BackendError(BotError):
    """A backend did not answer."""


class BackendUnavailable(BackendError):
    """Down, refused, unknown host, or a 5xx."""


class BackendTimeout(BackendError):
    """No first token, or a stall, within its limit."""


class BackendRejected(BackendError):
    """Bad key, unknown model or bad request: asking again will not help."""


class RateLimited(BackendError):
    """429. `retry_after` is in seconds, None when the vendor did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ContextOverflow(BackendError):
    """The prompt is longer than the model's window."""


class BadReply(BackendError):
    """An empty or unusable reply."""
