//! `vitalsd man`: the manual page, made of the same words as `--help`.

use std::io;

use clap::CommandFactory;
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
    Man::new(command.clone()).render(&mut out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let mut heading = Roff::new();
        heading.control("SH", [format!("vitalsd {}", subcommand.get_name()).as_str()]);
        heading.text([roman(
            subcommand.get_long_about().or(subcommand.get_about()).map(ToString::to_string).unwrap_or_default(),
        )]);
        heading.to_writer(&mut out)?;
        let man = Man::new(subcommand.clone());
        man.render_options_section(&mut out)?;
    }
    let mut files = Roff::new();
    files.control("SH", ["FILES"]);
    files.control("TP", []);
    files.text([roman("/etc/vitalsd/vitalsd.toml")]);
    files.text([roman("The configuration; `vitalsd config` prints every key.")]);
    files.to_writer(&mut out)?;
    Ok(out)
}
