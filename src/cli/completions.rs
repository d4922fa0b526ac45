//! `vitalsd completions`: for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::print;

/// Print the completions of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vitalsd completions bash > /usr/share/bash-completion/completions/vitalsd")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self) -> u8 {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut super::Arguments::command(), "vitalsd", &mut text);
        print(&text)
    }
}
