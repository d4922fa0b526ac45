//! `vitalsd check-config`: all that is wrong with a configuration, at once.

use std::path::{Path, PathBuf};

use super::{FAILED, GOOD, WRONG, complain, configuration, print};

/// Check a configuration file and say all that is wrong with it.
///
/// Each mistake is shown with its line and what to do about it. Exit code 0 where the file can be used, also with
/// warnings; 2 where it can't.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vitalsd check-config vitalsd.toml\n  vitalsd check-config vitalsd.toml --effective   what is in force, without secrets"
)]
pub struct Arguments {
    /// The file [default: as for --config]
    file: Option<PathBuf>,
    /// Print what is in force, defaults and all, without secrets
    #[arg(long)]
    effective: bool,
}

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let Some(mut loaded) = configuration(self.file.as_deref().or(config)) else { return WRONG };
        if !self.effective {
            return GOOD;
        }
        let agent = &mut loaded.config.agent;
        (agent.control, agent.state_dir) = (Some(agent.control()), Some(agent.state_dir()));
        match loaded.config.effective() {
            Ok(text) => print(text.as_bytes()),
            Err(error) => {
                complain(&format!("vitalsd: {error}"));
                FAILED
            }
        }
    }
}
