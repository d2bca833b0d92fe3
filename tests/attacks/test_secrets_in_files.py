"""Secrets that lie about in a workspace: never in a prompt, a log or a journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.conftest import RIGHT, WRONG
from tests.support import product
from tests.support.projects import DOUBLE, write
from tests.support.scripted_server import ScriptedServer

CANARY = "canary-7d3a90f1"
FILES = (".env", ".env.production", "server.pem", "deploy.key", "id_rsa", "id_ed25519", ".netrc", ".npmrc", ".pypirc",
         "secrets.yaml", "credentials.json", "ignored/token.txt", "ignored/double_helper.py", "keystore.jks", "prod.env",
         ".git-credentials", ".pgpass", "id_dsa", "deploy.ppk", "db-secrets.yml", "service-account-prod.json", "x.tfvars",
         "terraform.tfstate.backup", "kubeconfig.yaml", ".aws/config", ".docker/config.json", ".bash_history")  # fmt: skip


@pytest.mark.slow
@pytest.mark.row("G1")
def test_no_file_of_secrets_is_sent_or_kept(project: Path) -> None:
    """All mention the target, so that retrieval by name would find them; one folder is ignored by git's rules."""
    write(project, dict.fromkeys(FILES, f"double = '{CANARY}'  # calls double(x) from double import double\n"))
    write(project, {".gitignore": "ignored/\n", ".git/HEAD": "ref: refs/heads/main\n"})
    # A module with such a name, which the target imports, so that it is what retrieval looks for first.
    imports = "from credentials import FACTOR\n"
    write(project, {"credentials.py": f"FACTOR = 2  # {CANARY}\n", "double.py": imports + DOUBLE["double.py"]})
    with ScriptedServer([WRONG, RIGHT, "brief"]) as model:
        ended = product.run(project, "double.py:3", model, loop={"librarian": "never", "critic": "never"})
    assert ended.result["outcome"] == "proposed", ended.stderr
    assert CANARY not in "".join(ended.prompts) and CANARY not in ended.stderr
    journal = Path(ended.result["journal"]).read_text(encoding="utf-8")
    assert CANARY not in journal and "double" in journal


@pytest.mark.slow
@pytest.mark.row("G1")
def test_an_edit_of_one_brings_nothing_of_it(project: Path) -> None:
    """An answer that quotes such a file wrongly is not told what stands there instead."""
    write(project, {"config/db-secrets.yml": f"password: {CANARY}\nuser: double\n"})
    blocks = "config/db-secrets.yml\n<<<<<<< SEARCH\npassword: unknown\nuser: double\n=======\nuser: other\n>>>>>>> REPLACE\nEND OF EDITS\n"
    with ScriptedServer([blocks, RIGHT]) as model:
        ended = product.run(project, "double.py:2", model)
    assert ended.result["outcome"] == "proposed", ended.stderr
    journal = Path(ended.result["journal"]).read_text(encoding="utf-8")
    assert "config/db-secrets.yml holds secrets" in ended.prompts[1]
    assert CANARY not in "".join(ended.prompts) + ended.stderr + journal
