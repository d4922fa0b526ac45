//! `vitalsd man`: the manual page, made of the same words as `--help`.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{FAILED, complain, print};

/// Print the manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vitalsd man > vitalsd.1 && man ./vitalsd.1")]
pub struct Arguments {}

impl Arguments {
    pub(super) fn run(self) -> u8 {
        match page() {
            Ok(page) => print(&page),
            Err(error) => {
                complain(&format!("vitalsd: {error}"));
                FAILED
            }
        }
    }
}

/// One page for the program and all of its subcommands.
fn page() -> io::Result<Vec<u8>> {
    let mut command = super::Arguments::command();
    command.build();
    let mut out = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        describe(&format!("vitalsd {}", subcommand.get_name()), subcommand, &mut out)?;
    }
    let mut examples = Roff::new();
    examples.control("SH", ["EXAMPLES"]).control("nf", []);
    examples.text([roman(super::EXAMPLES.trim_start_matches("Examples:\n"))]).control("fi", []);
    examples.to_writer(&mut out)?;
    section("FILES", "/etc/vitalsd/vitalsd.toml: the configuration; `vitalsd config` prints every key.")
        .to_writer(&mut out)?;
    Ok(out)
}

/// One subcommand, and those below it.
fn describe(name: &str, command: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    section(name, &about.unwrap_or_default()).to_writer(out)?;
    Man::new(command.clone()).render_options_section(out)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        describe(&format!("{name} {}", below.get_name()), below, out)?;
    }
    Ok(())
}

fn section(name: &str, text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [name]).text([roman(text)]);
    roff
}
