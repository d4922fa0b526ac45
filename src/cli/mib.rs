//! `vitalsd mib`: the private MIB as text.

use std::path::Path;

use super::{WRONG, configuration, print};
use crate::mib::Oid;
use crate::render;

/// Print VITALS-MIB, the MIB module that managers load.
///
/// It is rendered from the program itself, below the root that `mib.root` of the configuration names.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vitalsd mib > ~/.snmp/mibs/VITALS-MIB.txt\n  vitalsd mib --root 1.3.6.1.4.1.99999.1"
)]
pub struct Arguments {
    /// The root, instead of the configuration's
    #[arg(long, value_name = "OID")]
    root: Option<Oid>,
}

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let root = match self.root {
            Some(root) => root,
            None => match configuration(config) {
                Some(loaded) => loaded.config.mib.root,
                None => return WRONG,
            },
        };
        print(render::mib::text(&root).as_bytes())
    }
}
