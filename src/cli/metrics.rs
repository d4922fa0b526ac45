//! `vitalsd metrics`: one collection, as Prometheus would see it.

use std::path::Path;
use std::sync::Arc;

use super::{FAILED, WRONG, complain, configuration, gather, print};
use crate::http::prometheus;
use crate::mib::Moment;

/// Collect once and print every metric in Prometheus' text format.
///
/// No agent needs to run. The names are those that a [[rule]] of the configuration may use.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vitalsd metrics | grep filesystem\n  vitalsd metrics | promtool check metrics")]
pub struct Arguments {}

impl Arguments {
    pub(super) fn run(self, config: Option<&Path>) -> u8 {
        let Some(loaded) = configuration(config) else { return WRONG };
        let (snapshot, health) = gather::look(&loaded.config);
        let moment = Moment { snapshot: Arc::new(snapshot), health: Arc::new(health), counters: Arc::default() };
        match prometheus::text(&moment) {
            Ok(text) => print(&text),
            Err(error) => {
                complain(&format!("vitalsd: {error}"));
                FAILED
            }
        }
    }
}
