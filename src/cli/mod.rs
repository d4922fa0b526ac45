//! The command line: one file a subcommand, each from parsed arguments to an exit code.

mod check_config;
mod completions;
mod config;
mod engine;
mod gather;
mod log;
mod man;
mod metrics;
mod mib;
mod notify;
mod rules;
mod run;
mod status;
mod user;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{Findings, Loaded, load};

/// SNMP health-monitoring agent: collects the health of this machine and serves it over SNMP, to Prometheus, and as traps.
#[derive(Debug, Parser)]
#[command(name = "vitalsd", version, max_term_width = 110, after_help = EXAMPLES)]
pub struct Arguments {
    /// The configuration file [default: /etc/vitalsd/vitalsd.toml if there, else what is built in]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vitalsd run                                   serve this machine's health, to this machine alone
  snmpwalk -v2c -c public 127.0.0.1:1161 1.3.6.1.4.1.32473.1
  curl http://127.0.0.1:9161/metrics
  vitalsd config > vitalsd.toml                 every key, with its default and a sentence
  vitalsd check-config vitalsd.toml             all that is wrong with it
  vitalsd mib > VITALS-MIB.txt                  the MIB that managers load";

/// The subcommands; what each is for, its arguments say.
#[allow(missing_docs, reason = "a sentence here would replace the one on the arguments, which `--help` shows")]
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(run::Arguments),
    CheckConfig(check_config::Arguments),
    Config(config::Arguments),
    Mib(mib::Arguments),
    Metrics(metrics::Arguments),
    Status(status::Arguments),
    Rules(rules::Arguments),
    Notify(notify::Arguments),
    Engine(engine::Arguments),
    User(user::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Success.
const GOOD: u8 = 0;
/// The program failed.
const FAILED: u8 = 1;
/// The arguments or the configuration are wrong.
const WRONG: u8 = 2;

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => ExitCode::from(arguments.run()),
        Err(error) => {
            // A closed pipe is the reader's choice.
            let _ = error.print();
            ExitCode::from(usage_code(error.kind(), &arguments))
        }
    }
}

/// What a usage error exits with: a monitoring plugin's "unknown" where one was meant.
fn usage_code(kind: ErrorKind, arguments: &[OsString]) -> u8 {
    match kind {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => GOOD,
        _ if arguments.iter().any(|argument| argument == "status") => status::UNKNOWN,
        _ => WRONG,
    }
}

impl Arguments {
    fn run(self) -> u8 {
        let config = self.config.as_deref();
        match self.command {
            Command::Run(arguments) => arguments.run(config),
            Command::CheckConfig(arguments) => arguments.run(config),
            Command::Config(arguments) => arguments.run(),
            Command::Mib(arguments) => arguments.run(config),
            Command::Metrics(arguments) => arguments.run(config),
            Command::Status(arguments) => arguments.run(config),
            Command::Rules(arguments) => arguments.run(config),
            Command::Notify(arguments) => arguments.run(config),
            Command::Engine(arguments) => arguments.run(config),
            Command::User(arguments) => arguments.run(config),
            Command::Completions(arguments) => arguments.run(),
            Command::Man(arguments) => arguments.run(),
        }
    }
}

/// The configuration in force, its warnings told; what is wrong with it is told too.
fn configuration(path: Option<&Path>) -> Option<Loaded> {
    match load(path) {
        Ok(loaded) => {
            tell(&loaded.warnings);
            Some(loaded)
        }
        Err(findings) => {
            tell(&findings);
            None
        }
    }
}

/// Findings, on standard error.
fn tell(findings: &Findings) {
    if !findings.items.is_empty() {
        complain(&findings.render(io::stderr().is_terminal()));
    }
}

/// A line on standard error; where that is closed, nobody is listening.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Text on standard output. A reader that has seen enough and closed the pipe is no failure.
fn print(text: &[u8]) -> u8 {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("vitalsd: standard output: {error}"));
            FAILED
        }
        _ => GOOD,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_declaration_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_usage_error_of_a_plugin_is_unknown() {
        let code = |line: &str| {
            let arguments: Vec<OsString> = line.split(' ').map(Into::into).collect();
            let error = Arguments::try_parse_from(&arguments).expect_err("wrong usage");
            usage_code(error.kind(), &arguments)
        };
        assert_eq!(code("vitalsd status --jason"), 3);
        assert_eq!(code("vitalsd rules --jason"), 2);
        assert_eq!(code("vitalsd --version"), 0);
    }
}
