//! What the agent says when it starts: what it serves, and what to type to see it.

use std::fmt::Write;

use super::plan::Plan;
use crate::config::Loaded;
use crate::server::{Listen, Transport};
use crate::snmp::config::{Access, User};
use crate::snmp::engine_id::quoted;

/// The start message. Communities and passwords are secrets, so only the built-in `public` is spelled out.
pub fn text(loaded: &Loaded, plan: &Plan) -> String {
    let mut out = format!("vitalsd {}\n", env!("CARGO_PKG_VERSION"));
    let from = match &loaded.path {
        Some(path) => path.display().to_string(),
        None => "built in: loopback only, community public, read only".into(),
    };
    let _ = writeln!(out, "  configuration  {from}");
    let _ = writeln!(out, "  state          {}", loaded.config.agent.state_dir().display());
    let _ = writeln!(out, "  engine ID      {}", plan.identity.id);
    for listen in &plan.listen.snmp {
        let _ = writeln!(out, "  SNMP           {listen}   {}", versions(plan));
    }
    if let Some(address) = &plan.listen.http {
        let _ = writeln!(out, "  HTTP           {address}");
    }
    for target in &plan.targets {
        let _ = writeln!(out, "  notify         {} ({}), {target}", target.written, target.name);
        if let Some(line) = target.receiver_line(&plan.identity.id) {
            let _ = writeln!(out, "                 its snmptrapd.conf: {line}");
        }
    }
    out.push_str("\nTry:\n");
    if let Some(listen) = plan.listen.snmp.first() {
        let community = if loaded.path.is_none() { "public" } else { "COMMUNITY" };
        let root = &plan.system.root;
        let agent = reachable(listen);
        if !plan.config.snmp.community.is_empty() {
            let _ = writeln!(out, "  snmpwalk -v2c -c {community} {agent} 1.3.6.1.2.1.1");
            let _ = writeln!(out, "  snmpbulkwalk -v2c -c {community} {agent} {root}");
        }
        for user in asking(plan).take(1) {
            let _ = writeln!(out, "  snmpwalk {} {agent} {root}", options(user));
        }
    }
    if let Some(address) = &plan.listen.http {
        let _ = writeln!(out, "  curl http://{address}/metrics");
    }
    out.push_str("  vitalsd status\n");
    out
}

/// The users that may ask; none while SNMPv3 is closed.
fn asking(plan: &Plan) -> impl Iterator<Item = &User> {
    let users = plan.config.snmp.user.iter().filter(|user| user.access != Access::None);
    users.filter(|_| plan.identity.closed.is_none())
}

/// The versions that somebody may use.
fn versions(plan: &Plan) -> String {
    let communities = if plan.config.snmp.community.is_empty() { "" } else { "v1, v2c" };
    let users = if asking(plan).next().is_some() { "v3" } else { "" };
    let named: Vec<&str> = [communities, users].into_iter().filter(|name| !name.is_empty()).collect();
    let closed = match plan.identity.closed {
        Some(_) if !plan.config.snmp.user.is_empty() => "   (v3 is closed, see the log)",
        _ => "",
    };
    if named.is_empty() { format!("nobody may ask{closed}") } else { named.join(", ") + closed }
}

/// A user as net-snmp's tools want him; the passwords are the reader's to fill in.
fn options(user: &User) -> String {
    let name = quoted(&user.name);
    match (user.auth.protocol(), user.privacy.protocol()) {
        (None, _) => format!("-v3 -l noAuthNoPriv -u {name}"),
        (Some(auth), None) => format!("-v3 -l authNoPriv -u {name} -a {} -A PASSWORD", auth.tool_name()),
        (Some(auth), Some(privacy)) => {
            let (auth, privacy) = (auth.tool_name(), privacy.tool_name());
            format!("-v3 -l authPriv -u {name} -a {auth} -A PASSWORD -x {privacy} -X PASSWORD")
        }
    }
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
