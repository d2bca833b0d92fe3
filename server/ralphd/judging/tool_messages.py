"""What tools say when they could not run any test, why that is, and what probably mends it: a row for each message."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """`why` and `mend` are sentences without their full stops. In them stand `{0}`, what the pattern's group found; `{folder}`,
    where the command runs; `{node}` and `{python}`, how the project's packages are installed."""

    pattern: re.Pattern[str]
    why: str
    mend: str


_INTERPRETER = "Make the project's environment with that version, or test with the one that there is"

_FETCH = "{0} fetches what the project needs; test runs themselves have no network"
_OFFLINE = (
    "Install what the tests need beforehand: test runs have no network (`sandbox: {{network: true}}` in your own configuration "
    "would give them one)"
)
_TABLE: tuple[tuple[str, str, str], ...] = (
    # The command, and where it runs.
    (r"(?:file or directory not found|file not found): ([^\n]{1,200})|can't open file '([^'\n]{1,300})': \[Errno 2\]"
     r"|Could not open input file: ([^\n]{1,200})|Start directory is not importable: '([^'\n]{1,200})'"
     r"|Could not find '([^'\n]{1,200})'"
     r"|(?:stat|lstat) ([^\s:]{1,200}): (?:no such file or directory|directory not found)"
     r"|Unable to find executable: ([^\n]{1,200})|(?m:^Error: No test files found: ([^\n]{1,200})$)",
     "{0} is not there; the command runs in {folder}", "Point testing.command at the tests, as seen from {folder}"),
    (r"cd: (?:can't cd to )?([\w./-]{1,200})(?:: No such file or directory)?$",
     "the command goes to a folder {0} that is not there; it runs in {folder}", "Leave the `cd` out of testing.command, or correct it"),
    (r"unrecognized arguments: ([^\n]{1,200})|error: no such option: ([^\n]{1,200})|node: bad option: ([^\n]{1,100})"
     r"|error: unexpected argument '([^'\n]{1,100})' found|[Uu]nknown (?:option|argument)s?:? [`'\"]?(-[\w=-]{1,80})",
     "the test runner does not know {0}",
     "Install the plugin that the option belongs to (such as pytest-cov) in the tests' environment, or leave it out"),
    (r"[Mm]issing script:? \"?([\w:.-]{1,100})\"?|Couldn't find a script named \"?([\w:.-]{1,100})|Script not found \"([^\"\n]{1,100})\""
     r"|error Command \"([\w:.-]{1,100})\" not found|Task not found: ([\w:.-]{1,100})",
     "the package.json of {folder} has no script {0!r}", "Correct testing.command, or add the script"),
    (r"Error: (no test specified)", "the package.json of {folder} has {0!r} as its tests",
     "Write the command that runs the tests into its script `test`, or into testing.command"),
    (r"enoent[^\n]{0,80}(package\.json)|No (package\.json) (?:\([^)\n]{0,60}\) )?(?:was )?found|Couldn't find a (package\.json)",
     "there is no {0} in {folder}", "Start testing.command where the package is, or with a ralph.config.yaml in its folder"),
    (r"No rule to make target [‘'`\"]([^’'`\"\n]{1,100})|Justfile does not contain recipe [`'\"]?([\w-]{1,100})"
     r"|Don't know how to build task '([^'\n]{1,100})'|Task '([^'\n]{1,100})' not found in|[Tt]ask \"([^\"\n]{1,100})\" does not exist",
     "the build file of {folder} has no target {0!r}", "Name the target that runs the tests in testing.command"),
    (r"No targets specified and no (makefile) found|[Nn]o (justfile) found|Could not locate (Gemfile)|could not find a (pyproject\.toml) file"
     r"|there is no (POM) in this directory|tox config file \([^)\n]{0,80}\) (not found)|Specify a (project or solution file)",
     "the tool finds no {0} in {folder}", "Start it where that is: with a ralph.config.yaml in that folder, or another testing.command"),
    (r"(?:Sessions not found|provided environments not found[^:\n]{0,60}|unknown environment): ([^\n]{1,100})",
     "there is no session or environment {0}", "Name one that there is in testing.command"),
    (r"package ID specification [`'\"]([^`'\"\n]{1,100})|Could not find project \"?([\w@/-]{1,100})|No projects matched the filters? ([^\n]{1,80})"
     r"|No workspaces found:? ?(?:--workspace=)?([\w@/-]{1,100})",
     "the workspace has no member {0!r}", "Name one that there is in testing.command"),
    # Packages.
    (r"(?:npm|npx|[Cc]orepack|yarn)[^\n]{0,80}(ENOTCACHED|EAI_AGAIN|ENOTFOUND|ENETUNREACH|ECONNREFUSED)|(npx canceled)"
     r"|could not determine (executable) to run|Error when performing the (request) to",
     "npm wants to fetch a package from its registry ({0})", "{node}"),
    (r"Command \"([\w@/.-]{1,100})\" not found|command not found: ([\w@/.-]{1,100})",
     "the test command needs {0!r}, which is not installed", "{node}"),
    (r"doesn't seem to (have been installed)|(present in your lockfile); run|(node_modules) missing|(pnp\.cjs) file",
     "the project's packages are not installed", "{node}"),
    (r"Module ([\w@/.-]{1,100}) in the [\w ]{1,40} option was not found|Preset ([\w@/.-]{1,100}) not found"
     r"|Test environment ([\w@/.-]{1,100}) cannot be found",
     "the package {0!r} is not installed", "{node}"),
    (r"Failed to spawn: [`'\"]([^`'\"\n]{1,100})", "the test command needs {0!r}, which is not in the environment", "{python}"),
    (r"Error importing plugin \"([\w.-]{1,100})\"|Missing required plugins: ([^\n]{1,100})",
     "the plugin {0} of pytest is not installed", "{python}"),
    (r"No package metadata was found for ([\w.-]{1,100})|DistributionNotFound: The '([^'\n]{1,100})' distribution was not found",
     "{0} is not installed in the environment of the tests", "Install it there; the project itself with `python -m pip install -e .`"),
    (r"(No solution found) when resolving|(No virtual environment found)|externally-managed-(environment)",
     "the command would make or change an environment, which a test run cannot", "{python}"),
    (r"(?:no required module provides package|missing go\.sum entry[^\n]{0,20}) ([^\s;:]{1,200})|inconsistent vendoring in ([^\s:]{1,200})",
     "the Go module {0} is not there", _FETCH.replace("{0}", "`go mod download`")),
    (r"(?:cannot find main module|could not find `(Cargo\.toml)`|go\.mod file not found|does not contain main module)",
     "there is no module or crate in {folder}", "Correct testing.command, or start it in the folder of the module with a ralph.config.yaml there"),
    (r"no matching package(?: named `([^`\n]{1,100})`| found)|failed to (?:get|download|load source for dependency) `?([\w-]{1,100})"
     r"|Unable to update registry `([\w.-]{1,100})",
     "the crate {0!r} is not there", _FETCH.replace("{0}", "`cargo fetch`")),
    (r"no such command: [`'\"]([\w-]{1,100})", "cargo has no command {0!r}", "Install it (`cargo install`), or correct testing.command"),
    (r"Could not find gem '([^'\n]{1,100})|cannot load such file -- ([\w./-]{1,100})|Bundler::GemNotFound: Could not find ([\w.-]{1,100})",
     "the gem {0!r} is not installed", _FETCH.replace("{0}", "`bundle install`")),
    (r"set up the project dependencies using (Composer)|(vendor/autoload\.php)[^\n]{0,80}(?:No such file|Failed opening)",
     "the project's packages are not installed", _FETCH.replace("{0}", "`composer install`")),
    (r"Could not (?:resolve|transfer)[^\n]{0,300}?((?:[\w.-]+:){2,4}[\w.-]+)|in (offline mode)|Could not resolve all \w+ for configuration '([^'\n]{1,100})"
     r"|UnknownHostException: ([\w.-]{1,100})|error NU1301: ([^\n]{1,100})",
     "the build wants to fetch packages ({0})", _OFFLINE),
    (r"fatal error: ([\w./+-]{1,100}\.h(?:pp)?): No such file|cannot find -l([\w.+-]{1,60})|Could NOT find (\w{1,60})",
     "the library {0} is not installed", "Install its development package on this machine"),
    (r"linker [`'\"]([\w.+-]{1,60})[`'\"] not found|exec: \"([\w.+-]{1,60})\": executable file not found|(JAVA_HOME) is not (?:set|defined)"
     r"|(JAVA_HOME) environment variable is not",
     "the build needs {0}, which was not found", "Install it, and see that it is on the PATH of the tests"),
    (r"(Docker) daemon|(docker)(?: API)? at [^\n]{0,60}sock",
     "the tests want Docker, which test runs do not have", "Name the tests that do without it in testing.command"),
    # Versions.
    (r"could not find python interpreter[^\n]{0,80}|InterpreterNotFound: ([^\n]{1,60})|interpreter ([\w.]+) not found"
     r"|No interpreter found for ([^\n]{1,60})",
     "the Python that the tests want is not on this machine", _INTERPRETER),
    (r"requires a different Python: ([^\n]{1,80})|requires-python[^\n]{0,20} ([^\n]{1,60})|Python version ([\w.]+) is not supported",
     "the environment has another Python than the project wants", _INTERPRETER),
    (r"bad (interpreter)", "the program's interpreter is not there any more", "Make the project's environment again"),
    (r"requires go >= ?([\d.]+)|toolchain '([\w.-]{1,60})' is not installed|requires rustc ([\d.]+)|rustc ([\d.]+) is not supported"
     r"|(choose a version of cargo)|your Gemfile specified ([\d.]+)|require a PHP version \"([^\"\n]{1,40})"
     r"|engine \"node\" is incompatible[^\n]{0,60}Expected version \"([^\"\n]{1,40})|(compatible \.NET) SDK was not found|toolchain (not available)",
     "the project wants another version of its language ({0})", _INTERPRETER),
    (r"(?:minversion|requires pytest)[^\n]{0,20}?-?([\d.]+)[^\n]{0,10}actual pytest-[\d.]+",
     "the project wants pytest {0}", "Install that version in the tests' environment"),
    (r"ImproperlyConfigured: Requested setting (\w+)",
     "Django was not told which settings to use",
     "Run the tests through `python manage.py test`, or set DJANGO_SETTINGS_MODULE in the configuration of pytest-django"),
    (r"(digital envelope routines::unsupported)", "the packages of the project are too old for this Node.js", _INTERPRETER),
)  # fmt: skip
SAID = tuple(Message(re.compile(pattern, re.MULTILINE), why, mend) for pattern, why, mend in _TABLE)
