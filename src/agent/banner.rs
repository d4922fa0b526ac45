//! What the agent says when it starts: what it serves, and what to type to see it.

use std::fmt::Write;

use super::plan::Plan;
use crate::config::Loaded;
use crate::server::{Listen, Transport};

/// The start message. Communities are secrets, so only the built-in `public` is spelled out.
pub fn text(loaded: &Loaded, plan: &Plan) -> String {
    let mut out = format!("vitalsd {}\n", env!("CARGO_PKG_VERSION"));
    let from = match &loaded.path {
        Some(path) => path.display().to_string(),
        None => "built in: loopback only, community public, read only".into(),
    };
    let _ = writeln!(out, "  configuration  {from}");
    let _ = writeln!(out, "  state          {}", loaded.config.agent.state_dir().display());
    for listen in &plan.listen.snmp {
        let _ = writeln!(out, "  SNMP           {listen}   v1, v2c");
    }
    if let Some(address) = &plan.listen.http {
        let _ = writeln!(out, "  HTTP           {address}");
    }
    for target in &plan.notify.snmp {
        let _ = writeln!(out, "  traps to       {} ({})", target.target, target.name);
    }
    out.push_str("\nTry:\n");
    if let Some(listen) = plan.listen.snmp.first() {
        let community = if loaded.path.is_none() { "public" } else { "COMMUNITY" };
        let root = &plan.system.root;
        let agent = reachable(listen);
        let _ = writeln!(out, "  snmpwalk -v2c -c {community} {agent} 1.3.6.1.2.1.1");
        let _ = writeln!(out, "  snmpbulkwalk -v2c -c {community} {agent} {root}");
    }
    if let Some(address) = &plan.listen.http {
        let _ = writeln!(out, "  curl http://{address}/metrics");
    }
    out.push_str("  vitalsd status\n");
    out
}

/// The address as net-snmp's tools want it; a wildcard is reached over loopback.
fn reachable(listen: &Listen) -> String {
    let (address, transport) = (listen.address, listen.transport.name());
    let prefix = match (listen.transport, address.is_ipv6()) {
        (Transport::Udp, false) => String::new(),
        (_, false) => format!("{transport}:"),
        (_, true) => format!("{transport}6:"),
    };
    match (address.is_ipv6(), address.ip().is_unspecified()) {
        (false, true) => format!("{prefix}127.0.0.1:{}", address.port()),
        (true, true) => format!("{prefix}[::1]:{}", address.port()),
        (_, false) => format!("{prefix}{address}"),
    }
}
