//! SNMP traps, in version 1 or 2c: from a notice to variable bindings, and onto the wire over UDP.
//!
//! The columns that a trap carries are those that `health::notification` declares, so that the MIB's text and the packet
//! can't differ. A trap isn't acknowledged: sent is all that can be known.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;

use super::config::{SnmpTarget, Version};
use super::outbox::{Item, Notice};
use crate::health::notification::Notification;
use crate::health::{Alarm, Event, Health, families::ALARM};
use crate::metric::Projection;
use crate::mib::oid::Oid;
use crate::mib::value::Value;
use crate::mib::{smi, vitals};
use crate::snmp;
use crate::snmp::trap::{Trap, encode};

/// The longest that looking up a target's name may take.
const LOOKUP: Duration = Duration::from_secs(5);

/// The port of traps, where a target names none.
const PORT: u16 = 162;

/// coldStart (RFC 3418).
const COLD_START: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5, 1];

/// The arc of the notifications below the root of VITALS-MIB.
const NOTIFICATIONS: u32 = 0;

/// What traps say of their sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The root of VITALS-MIB.
    pub root: Oid,
    /// sysObjectID.
    pub object_id: Oid,
}

/// `host:port` of a `udp:ADDRESS:PORT`; 162 where the port is left out. `Err` says what is wrong.
pub fn address(target: &str) -> Result<String, String> {
    let wrong =
        |what: &str| Err(format!("`{target}` {what}: write it as `udp:192.0.2.10:162` or `udp:[2001:db8::1]:162`"));
    let Some(rest) = target.strip_prefix("udp:") else { return wrong("does not begin with `udp:`") };
    let bracketed = rest.rfind(']');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if bracketed.is_none_or(|at| at < host.len()) => (host, Some(port)),
        _ => (rest, None),
    };
    if host.is_empty() || (bracketed.is_none() && host.contains(':')) {
        return wrong("has no address");
    }
    if let Some(inner) = host.strip_prefix('[').map(|host| host.trim_end_matches(']'))
        && inner.parse::<Ipv6Addr>().is_err()
    {
        return wrong("has no IPv6 address in its brackets");
    }
    match port.map_or(Ok(PORT), str::parse::<u16>) {
        Ok(port) if port > 0 => Ok(format!("{host}:{port}")),
        _ => wrong("has no port number"),
    }
}

/// Sends the items in order. Returns the number of the last that was sent, and why the next wasn't.
pub async fn send(
    target: &SnmpTarget,
    sender: &Sender,
    uptime: Duration,
    items: &[Item],
) -> (Option<u64>, io::Result<()>) {
    let (socket, peer, agent) = match reach(target).await {
        Ok(reached) => reached,
        Err(error) => return (None, Err(error)),
    };
    let mut sent = None;
    for item in items {
        let message = message(target, sender, uptime, item, agent);
        if let Err(error) = socket.send_to(&message, peer).await {
            return (sent, Err(error));
        }
        sent = Some(item.number);
    }
    (sent, Ok(()))
}

/// A socket, the first of the target's addresses to which there is a way, and the host's own address on it.
///
/// The socket isn't connected: on a connected one, the refusal of one trap would be told as the failure of the next,
/// which would then be sent twice.
async fn reach(target: &SnmpTarget) -> io::Result<(UdpSocket, SocketAddr, [u8; 4])> {
    let address = address(&target.target).map_err(io::Error::other)?;
    let lookup = tokio::time::timeout(LOOKUP, tokio::net::lookup_host(address)).await;
    let peers = lookup.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "looking up its name took too long"))??;
    let mut failure = io::Error::other("its name has no address");
    for peer in peers {
        match local_address(peer).await {
            Ok(agent) => return Ok((UdpSocket::bind(any_like(peer)).await?, peer, agent)),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn any_like(peer: SocketAddr) -> SocketAddr {
    match peer.ip() {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// The IPv4 address that the host has towards the peer, which SNMPv1 names; 0.0.0.0 over IPv6. Fails where there is no
/// way to the peer.
async fn local_address(peer: SocketAddr) -> io::Result<[u8; 4]> {
    let socket = UdpSocket::bind(any_like(peer)).await?;
    socket.connect(peer).await?;
    Ok(match socket.local_addr()?.ip() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    })
}

fn message(target: &SnmpTarget, sender: &Sender, uptime: Duration, item: &Item, agent: [u8; 4]) -> Vec<u8> {
    // TimeTicks wrap after 497 days, and so do request identifiers.
    let ticks = u32::try_from((uptime.as_millis() / 10) % (1 << 32)).unwrap_or(0);
    let request_id = i32::try_from(item.number % (1 << 31)).unwrap_or(0);
    let community = target.community.as_ref().map_or("public", |community| community.expose());
    let trap = content(sender, &item.notice);
    let version = match target.version {
        Version::V1 => snmp::Version::V1,
        Version::V2c => snmp::Version::V2c,
    };
    encode(version, community.as_bytes(), ticks, &trap, request_id, agent)
}

fn content(sender: &Sender, notice: &Notice) -> Trap {
    match notice {
        Notice::ColdStart => {
            Trap { id: Oid::from_static(COLD_START), enterprise: sender.object_id.clone(), varbinds: Vec::new() }
        }
        Notice::Event(event) => {
            let notification = Notification::of(event.kind);
            Trap {
                id: sender.root.child(&[NOTIFICATIONS, notification.arc]),
                enterprise: sender.root.clone(),
                varbinds: varbinds(&sender.root, notification, event),
            }
        }
    }
}

/// The columns of the alarm's row, as the table would show it.
fn varbinds(root: &Oid, notification: &Notification, event: &Event) -> Vec<(Oid, Value)> {
    let shape = ALARM.shape();
    let health = Health { alarms: vec![Alarm::clone(&event.alarm)], ..Health::default() };
    let mut varbinds = Vec::new();
    ALARM.visit(&health, &mut |row| {
        for column in notification.columns {
            let label = shape.labels.iter().position(|label| label.column == *column);
            let text = label.and_then(|place| row.label(place)).map(|text| Value::text(&text));
            let metric = shape.metrics.iter().enumerate().find(|(_, metric)| metric.column == *column);
            let number = metric.and_then(|(place, metric)| Some(smi::value(metric, row.number(place)?)));
            if let Some(value) = text.or(number) {
                varbinds.push((vitals::column_oid(root, &shape, *column).child(&[event.alarm.id]), value));
            }
        }
    });
    varbinds
}

/// What is wrong with the targets as written: which one, the key, and the reason.
pub fn check(targets: &[SnmpTarget]) -> Vec<(usize, &'static str, String)> {
    let mut findings = Vec::new();
    for (place, target) in targets.iter().enumerate() {
        if target.name.is_empty() {
            findings.push((place, "name", "a target needs a name".to_string()));
        } else if targets.iter().take(place).any(|other| other.name == target.name) {
            findings.push((place, "name", format!("there is another target named `{}`", target.name)));
        }
        if let Err(reason) = address(&target.target) {
            findings.push((place, "target", reason));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Severity;
    use crate::health::alarm::EventKind;
    use crate::notify::outbox::tests::event;

    #[test]
    fn addresses_are_hosts_with_ports() {
        let good = [
            ("udp:192.0.2.10:162", "192.0.2.10:162"),
            ("udp:192.0.2.10", "192.0.2.10:162"),
            ("udp:[2001:db8::1]:1162", "[2001:db8::1]:1162"),
            ("udp:[::1]", "[::1]:162"),
            ("udp:nms.example:1162", "nms.example:1162"),
        ];
        for (target, expected) in good {
            assert_eq!(address(target).as_deref(), Ok(expected), "{target}");
        }
        for target in [
            "",
            "192.0.2.10:162",
            "tcp:192.0.2.10:162",
            "udp:",
            "udp::162",
            "udp:a:0",
            "udp:a:x",
            "udp:::1",
            "udp:[x]:1",
        ] {
            assert!(address(target).is_err(), "{target}");
        }
    }

    #[test]
    fn a_trap_carries_the_columns_of_its_alarm() {
        let root: Oid = "1.3.6.1.4.1.32473.1".parse().expect("an OID");
        let sender = Sender { object_id: root.child(&[3, 1]), root };
        let raised = event(1, EventKind::Raised, Severity::Critical, Severity::Critical);
        let trap = content(&sender, &Notice::Event(Box::new(raised)));
        assert_eq!(trap.id.to_string(), "1.3.6.1.4.1.32473.1.0.1");
        let varbinds: Vec<_> = trap.varbinds.iter().map(|(oid, value)| (oid.to_string(), value.clone())).collect();
        let at = |column: u32| format!("1.3.6.1.4.1.32473.1.1.4.1.{column}.7");
        assert_eq!(
            varbinds,
            [
                (at(2), Value::text("full")),
                (at(3), Value::text("mountpoint=/")),
                (at(7), Value::Integer(3)),
                (at(5), Value::text("90.0 %")),
                (at(6), Value::text("it is full")),
                (at(8), Value::OctetString(vec![0x07, 0xb2, 1, 1, 0, 0, 0, 0, b'+', 0, 0])),
            ]
        );
    }
}
