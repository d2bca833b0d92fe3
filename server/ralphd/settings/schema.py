"""Every setting: its name, type, default, scope and manual text. Knows nothing of files, layers or the environment.

Attribute names are the keys of the YAML. The string below an attribute is its manual text (`export.py` reads it).
All values are frozen; a key's value never stands in one, only a `KeyRef` that the model host resolves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

from ralphd.settings.scopes import Asked, Free, PersonOnly, TightenOnly
from ralphd.settings.value_kinds import (
    WHOLE,
    Argv,
    Count,
    Endpoint,
    Flag,
    Line,
    Lines,
    Name,
    Names,
    Natural,
    Seconds,
    Usd,
    as_tuple,
)

# Who may set a key: each field, or the section it lies in, has one of these marks.
PERSON = PersonOnly()
FREE = Free()
LOWER = TightenOnly("lower")
ADD = TightenOnly("add")
ASKED = Asked()
COMMAND = Asked("command")


class Section(BaseModel):
    """A mapping of the YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class KeyRef(Section):
    """Where a secret is to be found, never the secret."""

    env: str | None = None
    """The environment variable that holds it."""
    default: bool = False
    """Where `env` is unset, the text after `:-` in the file counts: `file` and `pointer` say where it stands."""
    file: str | None = None
    """The person's own file that holds it, or the text to expand it from."""
    pointer: str | None = None
    """JSON pointer (RFC 6901) into `file`, as the keys are written there: "/api_keys/openai"."""


class BackupModel(Section):
    """A fallback that is written out, with all that it needs. Only your own settings can hold one."""

    model: Annotated[Name, PERSON]
    """Name of the model, as for a role."""
    provider: Annotated[Name | None, PERSON] = None
    """Provider of a bare model name."""
    api_base: Annotated[Endpoint | None, PERSON] = None
    """Endpoint to use instead of the provider's own."""
    api_key: Annotated[KeyRef | None, PERSON] = None
    """Key for the `api_base` beside it, best as `${NAME}`. It is sent nowhere else."""
    api_version: Annotated[Line | None, PERSON] = None
    """API version, for Azure."""
    max_tokens: Annotated[Count | None, PERSON] = None
    """Longest answer in tokens; the role's where none is set."""
    timeout_s: Annotated[Seconds | None, PERSON] = None
    """Seconds without any text after which a call is given up; the role's where none is set."""
    headers: Annotated[Mapping[str, KeyRef], PERSON] = {}
    """HTTP headers to send along to `api_base`, each best as `${NAME}`."""
    drop_params: Annotated[Names, PERSON] = ()
    """Parameters that are never sent to it."""
    extra_body: Annotated[Mapping[str, Any], PERSON] = {}
    """Further fields of the request's body."""
    context_window: Annotated[Count | None, PERSON] = None
    """Tokens of prompt and answer together, where nobody knows the model's window."""


Fallbacks = Annotated[tuple[Name | BackupModel, ...], BeforeValidator(as_tuple)]


class RoleModel(Section):
    """One role's model. `model` is None where none is set: the default selection chooses."""

    model: Annotated[Name | None, ASKED] = None
    """Name of the model as LiteLLM knows it (`openai/gpt-4.1-mini`, `gemini/gemini-3.8-flash`,
    `ollama/qwen2.5-coder`), an alias, or `local`."""
    provider: Annotated[Name | None, ASKED] = None
    """Provider of a bare model name: `openai`, `anthropic`, `gemini`, `azure`, `bedrock`, `ollama`, …"""
    temperature: Annotated[Annotated[float, Strict(), Field(ge=0, le=2, allow_inf_nan=False)] | None, ASKED] = None
    """How freely the model samples. Dropped where the model refuses one."""
    max_tokens: Annotated[Count | None, ASKED] = None
    """Longest answer in tokens, capped at the model's own maximum."""
    fallback: Annotated[Fallbacks, ASKED] = ()
    """Models to ask, in this order, when the first one does not answer: names, or models written out with their own
    `api_base` and `api_key`."""
    api_base: Annotated[Endpoint | None, PERSON] = None
    """Endpoint to use instead of the provider's own. Model names are then taken as they are written."""
    api_key: Annotated[KeyRef | None, PERSON] = None
    """Key for the `api_base` beside it, best as `${NAME}`. It is sent nowhere else."""
    api_version: Annotated[Line | None, ASKED] = None
    """API version, for Azure."""
    timeout_s: Annotated[Seconds, ASKED] = 120.0
    """Seconds without any text after which a call is given up."""
    prompt: Annotated[Line | None, PERSON] = None
    """File with a prompt to use instead of the role's own."""
    edit_format: Annotated[Literal["auto", "region", "whole", "blocks"], ASKED] = "auto"
    """The form in which edits are asked for. All forms are understood at any time."""
    candidates: Annotated[int, Strict(), Field(ge=1, le=8), WHOLE, ASKED] = 1
    """Fresh samples to ask for at once when the loop resamples; the first that passes the tests wins."""
    headers: Annotated[Mapping[str, KeyRef], PERSON] = {}
    """HTTP headers to send along to `api_base`, each best as `${NAME}`."""
    drop_params: Annotated[Names, PERSON] = ()
    """Parameters that are never sent to this model, for instance `temperature`."""
    extra_body: Annotated[Mapping[str, Any], PERSON] = {}
    """Further fields of the request's body, for instance `reasoning_effort`."""
    context_window: Annotated[Count | None, PERSON] = None
    """Tokens of prompt and answer together, where nobody knows the model's window."""


class ModelsSettings(Section):
    """The model of each role. `models: NAME` and `models: {default: …}` stand for all four roles."""

    librarian: RoleModel = RoleModel.model_construct(temperature=0.3, max_tokens=2048)
    """Gathers what the task needs to know, and briefs the artisan."""
    artisan: RoleModel = RoleModel.model_construct(temperature=0.7, max_tokens=8192)
    """Writes the code."""
    critic: RoleModel = RoleModel.model_construct(temperature=0.5, max_tokens=4096)
    """Reviews it."""
    chaos: RoleModel = RoleModel.model_construct(temperature=0.9, max_tokens=4096)
    """Writes hostile tests."""


class Price(Section):
    """What a model costs."""

    input_usd_per_mtok: Usd
    """USD for a million tokens of prompt."""
    output_usd_per_mtok: Usd
    """USD for a million tokens of answer."""


class LoopSettings(Section):
    """How long a run goes on, and what it is made of."""

    max_iterations: Annotated[int, Strict(), Field(ge=1, le=100), WHOLE, LOWER] = 5
    """Verified answers of the artisan before the run ends. Where nobody set a number, a small local model gives up to 12."""
    max_wall_s: Annotated[Seconds, LOWER] = 900.0
    """Seconds before the run ends."""
    stuck_after: Annotated[int, Strict(), Field(ge=2, le=100), WHOLE, LOWER] = 3
    """The same failure this many times ends the run."""
    librarian: Annotated[Literal["auto", "always", "never"], TightenOnly("choose", ("never", "auto", "always"))] = (
        "auto"
    )
    """Whether the librarian's model is asked what else must be shown, and for a brief. `auto`: when what was retrieved does
    not fit, or the task reaches beyond the file. Retrieval itself always runs."""
    critic: Annotated[Literal["after", "beside", "never"], PERSON] = "after"
    """When the critic reads a candidate: after its tests are green, beside the tests, or never. The embedded model is not asked: its reviews are noise."""
    critic_rounds: Annotated[int, Strict(), Field(ge=0, le=20), WHOLE, LOWER] = 2
    """How often confirmed findings send the artisan back."""


class CeilingPrice(Section):
    """What a model without a known price is taken to cost."""

    input: Usd = 10.0
    """USD for a million tokens of prompt."""
    output: Usd = 40.0
    """USD for a million tokens of answer."""


class Budget(Section):
    """What may be spent. A call whose worst case would pass it is not sent."""

    usd_per_run: Annotated[Usd, LOWER] = 1.0
    """USD for one run."""
    usd_per_day: Annotated[Usd, LOWER] = 10.0
    """USD for one day, over all windows."""
    tokens_per_run: Annotated[Count | None, LOWER] = None
    """Tokens for one run, prompts and answers together; of models without a price and of local ones too."""
    tokens_per_day: Annotated[Count | None, LOWER] = None
    """Tokens for one day, over all windows."""
    unpriced: Annotated[Literal["ceiling", "refuse"], TightenOnly("choose", ("refuse", "ceiling"))] = "ceiling"
    """A model without a known price: reckon with `ceiling_usd_per_mtok`, or refuse to call it."""
    ceiling_usd_per_mtok: Annotated[CeilingPrice, PERSON] = CeilingPrice.model_construct()
    """What a model without a known price is taken to cost."""
    confirm_above_usd: Annotated[Usd, LOWER] = 0.5
    """A run that is estimated above this asks first."""


class Testing(Section):
    """The tests that decide."""

    __test__ = False

    command: Annotated[Argv | None, COMMAND] = None
    """The test command, as one line or as a list of arguments. No shell reads it. From a repository's file it runs
    only after your consent to exactly this command."""
    fast_command: Annotated[Argv | None, COMMAND] = None
    """A quicker command to try first; `command` still decides."""
    env: Annotated[Names, PERSON] = ()
    """Names of further variables of your environment that the tests may see. Without it they see `PATH` and what
    toolchains need, so that no key or password can reach a test, a prompt or a journal."""
    timeout_s: Annotated[Seconds, LOWER] = 300.0
    """Seconds for one run of the tests."""
    junit: Annotated[Line | None, FREE] = None
    """Path of the JUnit XML that the command writes, relative to the folder it runs in, for runners that have no report of their
    own here. `*` may stand in the file's name: `target/surefire-reports/TEST-*.xml`."""
    include: Annotated[Lines, PERSON] = ()
    """Ignored files and folders that tests read, relative to the folder they run in: `[build/table.json]`. They are
    copied for test runs and shown to no model. Files of secrets, dependencies and version control never are."""
    git: Annotated[Flag, FREE] = False
    """Give test runs a git whose one commit holds the project as it is, made by ralphd: no history, no remotes, no
    configuration and no hooks of yours. For tests that call git, which is absent otherwise."""
    adversarial_tests: Annotated[Flag, PERSON] = True
    """Attack a green candidate with hostile tests, where the language has an adapter."""
    control: Annotated[Literal["auto", "first", "off"], PERSON] = "auto"
    """Whether the tests of a green notice faults that are planted in what changed: `first` only breaks the whole body,
    `auto` goes on with small faults for as long as the run's own tests took, and for five seconds in any case."""
    locked: Annotated[Lines, ADD] = (
        "tests/**",
        "**/test_*",
        "**/*_test.*",
        "conftest.py",
        "pytest.ini",
    )
    """Further files that a model may not edit. What the tests were collected from and what is a test by its name is
    locked as well; only "Ralph: allow this edit" or `--allow PATH` unlocks a file."""


class ChaosSettings(Section):
    """Hostile tests."""

    max_examples: Annotated[int, Strict(), Field(ge=1, le=100_000), WHOLE, PERSON] = 200
    """Inputs tried for each property."""
    repeat: Annotated[int, Strict(), Field(ge=1, le=20), WHOLE, PERSON] = 3
    """Runs, each under another seed, that must give the same verdict."""
    mutants: Annotated[int, Strict(), Field(ge=0, le=200), WHOLE, PERSON] = 8
    """Small faults put into the target to see whether a test catches them."""
    timeout_s: Annotated[Seconds, PERSON] = 60.0
    """Seconds for one run of a hostile test."""


class OpinionsSettings(Section):
    """Versions of a function that are written without seeing it, and vote on what it should give."""

    versions: Annotated[int, Strict(), Field(ge=3, le=20), WHOLE, PERSON] = 5
    """Versions that are written of a function; as many again where fewer than three pass your tests."""
    inputs: Annotated[int, Strict(), Field(ge=1, le=1000), WHOLE, PERSON] = 100
    """Inputs that they are called with."""
    use: Annotated[Literal["auto", "always", "never"], PERSON] = "auto"
    """Whether critique and implement ask for them too. `auto`: with the embedded model, whose answers cost nothing; in
    implement where fewer than three tests reach the target, or notice fewer than three quarters of the planted faults.
    `Ralph: second opinions` always does."""


class ContextSettings(Section):
    """What of the repository a model is shown."""

    max_tokens: Annotated[int, Strict(), Field(ge=200, le=1_000_000), WHOLE, LOWER] = 16_000
    """Tokens of context beside the target itself."""
    exclude: Annotated[Lines, ADD] = ()
    """Files never shown to a model, as patterns of .gitignore. Ignored files and files of secrets never are."""
    rules_files: Annotated[Lines, TightenOnly("inside")] = ("AGENTS.md", "CLAUDE.md", ".ralph/rules.md")
    """Files that tell a model the house style. They shape style, never permissions."""


class CriticSettings(Section):
    """Findings."""

    max_findings: Annotated[int, Strict(), Field(ge=1, le=50), WHOLE, PERSON] = 5
    """Findings shown at most, the most severe first."""
    confirm: Annotated[Flag, PERSON] = True
    """Run the test that comes with a finding: it is confirmed when the test fails, dropped when it passes."""


class Sandbox(Section):
    """How what models write is kept in."""

    mode: Annotated[Literal["auto", "bwrap", "none"], PERSON] = "auto"
    """`auto`: bubblewrap where it works, nothing is run elsewhere. `none`: run without isolation."""
    network: Annotated[Flag, PERSON] = False
    """Let tests reach the network."""
    read_only: Annotated[Lines, PERSON] = ()
    """Further folders that tests may read."""
    memory_mb: Annotated[Annotated[int, Strict(), Field(ge=64, le=1_048_576), WHOLE], PERSON] = 4096
    """Memory of a test run in MB."""
    output_mb: Annotated[Annotated[int, Strict(), Field(ge=1, le=1024), WHOLE], PERSON] = 4
    """Output of a test run that is kept, in MB."""


class Host(Section):
    """The process that talks to models."""

    prewarm: Annotated[Flag, FREE] = True
    """Start it early, at low priority, so that the first run does not wait for it."""
    idle_s: Annotated[Seconds, LOWER] = 900.0
    """Seconds without a call after which it is stopped."""


class CacheSettings(Section):
    """Where answers are kept."""

    type: Annotated[Literal["disk", "redis"], ASKED] = "disk"
    """On this machine, or in a Redis that a team shares."""
    url: Annotated[KeyRef | None, PERSON] = None
    """Address of the Redis server, best as `${REDIS_URL}`."""


class LiteLLM(Section):
    """How calls are made."""

    enable_fallback: Annotated[Flag, ASKED] = True
    """Go on to a role's `fallback` models when its first does not answer."""
    retry_attempts: Annotated[int, Strict(), Field(ge=1, le=20), WHOLE, ASKED] = 3
    """Requests per model in all."""
    retry_delay_ms: Annotated[int, Strict(), Field(ge=0, le=600_000), WHOLE, ASKED] = 2000
    """Wait before the second request; it grows by as much with each further one."""
    enable_caching: Annotated[Flag, ASKED] = True
    """Answer a question that was asked before from the cache, at no cost."""
    cache_ttl_seconds: Annotated[Natural, ASKED] = 3600
    """Seconds that an answer is kept."""
    enable_cost_tracking: Annotated[Flag, ASKED] = True
    """Show what calls cost. `false` hides the figures; the budget still holds."""
    log_requests: Annotated[Flag, ASKED] = True
    """Write the text of calls to the request log, masked."""
    log_file: Annotated[Line, PersonOnly("info")] = ".ralph/litellm.log"
    """The request log. A relative path lies in ralphd's own state folder, never in a repository."""
    redact_api_keys: Annotated[Flag, PERSON] = True
    """Keys are always masked; `false` is not honoured."""
    cache: CacheSettings = CacheSettings.model_construct()
    """Where answers are kept."""
    prompt_caching: Annotated[Flag, ASKED] = True
    """Use the providers' own prompt caches."""


class Settings(Section):
    """All settings."""

    models: ModelsSettings = ModelsSettings.model_construct()
    """The model of each role."""
    aliases: Annotated[Mapping[str, Name], ASKED] = {}
    """Your own short names for models, beside the built-in `claude`, `sonnet`, `opus`, `gpt-4`, `gpt`, `gemini`,
    `gemini-pro` and `local`."""
    prices: Annotated[Mapping[str, Price], PERSON] = {}
    """Prices of models that have none in LiteLLM's table, or another one for you."""
    api_keys: Annotated[Mapping[str, KeyRef], PersonOnly("info")] = {}
    """Key of each provider, best as `${NAME}`; sent to that provider's own hosts only. The usual variables
    (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, …) are read anyway."""
    loop: LoopSettings = LoopSettings.model_construct()
    """How long a run goes on, and what it is made of."""
    budget: Budget = Budget.model_construct()
    """What may be spent. A call whose worst case would pass it is not sent."""
    testing: Testing = Testing.model_construct()
    """The tests that decide."""
    chaos: ChaosSettings = ChaosSettings.model_construct()
    """Hostile tests."""
    opinions: OpinionsSettings = OpinionsSettings.model_construct()
    """Versions of a function that are written without seeing it, and vote on what it should give."""
    context: ContextSettings = ContextSettings.model_construct()
    """What of the repository a model is shown."""
    critic: CriticSettings = CriticSettings.model_construct()
    """Findings."""
    review: Annotated[
        Literal["pending", "apply", "preview"], TightenOnly("choose", ("pending", "preview", "apply"))
    ] = "pending"
    """What happens to a proposal: it waits hunk by hunk, it is applied when its tests are green, or the editor
    previews it (VS Code)."""
    sandbox: Sandbox = Sandbox.model_construct()
    """How what models write is kept in."""
    host: Host = Host.model_construct()
    """The process that talks to models."""
    litellm: LiteLLM = LiteLLM.model_construct()
    """How calls are made."""
