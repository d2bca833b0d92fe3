//! Starts the `ralphd` that is on the person's PATH. It installs nothing.

use zed_extension_api::{self as zed, Command, LanguageServerId, Result, Worktree};

struct Ralphd;

impl zed::Extension for Ralphd {
    fn new() -> Self {
        Ralphd
    }

    fn language_server_command(&mut self, _id: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let command = worktree
            .which("ralphd")
            .ok_or("ralphd is not on your PATH. In a terminal: uv tool install ralphd")?;
        Ok(Command {
            command,
            args: vec!["serve".to_string()],
            env: worktree.shell_env(),
        })
    }
}

zed::register_extension!(Ralphd);
