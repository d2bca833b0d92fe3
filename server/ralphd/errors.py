"""Every error that ralphd raises on purpose.

    RalphError                 what happened, and what to do
    ├── UsageError             a wrong argument of a command
    ├── Misconfigured          a setting, a test command or a model that is not there
    │   ├── NoModel            the role that leads the run has no model that could be asked
    │   ├── NoIsolation        nothing isolates test runs here, and the person has not said that nothing needs to
    │   └── Unwritable         ralphd's own state or cache folder: read-only, full, or not to be made
    ├── Untrusted              a repository's own word where the person's is needed
    ├── Declined               the person was asked before it began, and said no
    ├── SandboxError           the shadow copy or the isolation could not be made
    └── ModelError             a call to a model brought no usable answer
        ├── RateLimited        429; `retry_after_s` where the provider names it
        ├── AuthenticationFailed  401, 403, or no key at all
        ├── OutOfCredit        the account at the provider has no money or quota left
        ├── ContextTooLong     the prompt does not fit the model's window
        ├── ContentRefused     the provider's filter said no
        ├── Unreachable        network, DNS, TLS, 5xx
        │   └── HostStopped    the process that talks to models ended before it answered
        ├── TimedOut           no text within the limit, keep-alives notwithstanding
        ├── BadAnswer          200, but nothing that a model says (HTML, empty, a dead stream)
        ├── OverBudget         its worst case would pass the budget: not sent
        └── Unpriced           no known price, and the budget refuses those

`str(error)` is one sentence for a person; no traceback, no key. `hint` says what to do.
"""

from __future__ import annotations

from typing import Self


class RalphError(Exception):
    """Something a person can act on: `message` says what happened, `hint` what to do about it."""

    setting = ""
    """The setting that decides, with dots, where one does."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def about(self, setting: str) -> Self:
        """This error, with the setting that it is about."""
        self.setting = setting
        return self

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(RalphError):
    pass


class Misconfigured(RalphError):
    pass


class NoIsolation(Misconfigured):
    """`installer`: the command that would mend it on this system; () where none is known."""

    def __init__(self, message: str, hint: str = "", *, installer: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.installer = installer


class NoModel(Misconfigured):
    def __init__(self, message: str, hint: str = "", *, embedded: bool, fetchable: bool = False) -> None:
        """`embedded`: the one that is missing is the embedded model; `fetchable`: its weights are what is missing."""
        super().__init__(message, hint)
        self.embedded, self.fetchable = embedded, fetchable


class Unwritable(Misconfigured):
    pass


class Untrusted(RalphError):
    pass


class Declined(RalphError):
    pass


class SandboxError(RalphError):
    pass


class ModelError(RalphError):
    """`code` is stable (logs, events, the host's wire); `partial` is the text that arrived and was thrown away."""

    code = "model_error"

    def __init__(self, message: str, hint: str = "", *, partial: str = "") -> None:
        super().__init__(message, hint)
        self.partial = partial


class RateLimited(ModelError):
    code = "rate_limited"

    def __init__(self, message: str, hint: str = "", *, partial: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint, partial=partial)
        self.retry_after_s = retry_after_s


class AuthenticationFailed(ModelError):
    code = "authentication_failed"


class OutOfCredit(ModelError):
    code = "out_of_credit"


class ContextTooLong(ModelError):
    code = "context_too_long"


class ContentRefused(ModelError):
    code = "content_refused"


class Unreachable(ModelError):
    code = "unreachable"


class HostStopped(Unreachable):
    """The process that talks to models ended before it answered; it is started again for the next question."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "It is started again for the next call.")


class TimedOut(ModelError):
    code = "timed_out"


class BadAnswer(ModelError):
    code = "bad_answer"


class OverBudget(ModelError):
    code = "over_budget"


class Unpriced(ModelError):
    code = "unpriced"


MODEL_ERRORS: dict[str, type[ModelError]] = {
    cls.code: cls
    for cls in (
        ModelError,
        RateLimited,
        AuthenticationFailed,
        OutOfCredit,
        ContextTooLong,
        ContentRefused,
        Unreachable,
        TimedOut,
        BadAnswer,
        OverBudget,
        Unpriced,
    )
}
