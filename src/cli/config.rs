//! `vitalsd config`: the example file.

use super::print;

/// Print an example configuration: every key, with its default and a sentence.
///
/// Every key is a comment, so that the file as printed changes nothing but that no community is built in and HTTP is off.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vitalsd config > /etc/vitalsd/vitalsd.toml")]
pub struct Arguments {}

impl Arguments {
    pub(super) fn run(self) -> u8 {
        print(crate::config::example().as_bytes())
    }
}
