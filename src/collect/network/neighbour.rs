//! The neighbours that the host knows on its links, by ARP and neighbour discovery.
//!
//! Below another root only ARP's are known, and not how they are reached: `net/arp` says no more.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::root::read_file;
use super::super::{DEADLINE, Error, Family, Root, Section};
use super::netlink::{self, Table, attributes, ticks, u16_at, u32_at};
use super::{Interned, Names};
use crate::metric::{Index, Interval, Label, Metric, Now, Unit};

/// How often they are read.
pub const INTERVAL: Interval = Interval::seconds(30);

/// The most neighbours that are kept: the kernel's own tables end at 1,024 unless told otherwise.
const MAX_NEIGHBOURS: usize = 50_000;

/// A neighbour.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// The kernel's name of the interface on which it is.
    pub interface: Arc<str>,
    /// Its hardware address; empty while it isn't known.
    pub hardware: Vec<u8>,
    /// How it is reached.
    pub state: State,
    /// When this was last changed, in time since the agent started; zero if before. Absent where only the file says
    /// anything.
    pub changed: Option<Duration>,
}

/// How a neighbour is reached (linux/neighbour.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its address is being asked for.
    Incomplete,
    /// It answered lately.
    Reachable,
    /// It may still be there.
    Stale,
    /// It is about to be asked.
    Delay,
    /// It is being asked again.
    Probe,
    /// It didn't answer.
    Failed,
    /// It was configured and is never asked.
    Permanent,
    /// It is there; the file says no more.
    Known,
}

/// The section.
pub static SECTION: Section<Vec<Neighbour>> = Section {
    name: "neighbour",
    interval: |config| config.neighbour.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |now| read(&root, now))
    },
    slot: |snapshot| &mut snapshot.neighbour,
    status: |snapshot| &snapshot.neighbour.status,
};

/// Reads them: by netlink, or from the file below another root.
pub fn read(root: &Root, now: Now) -> Result<Vec<Neighbour>, Error> {
    // Where a sandbox refuses netlink, the file must do.
    if let Some(rows) = root.is_own().then(|| ask(now).ok()).flatten() {
        return Ok(rows);
    }
    let path = root.net().join("arp");
    parse(&read_file(&path)?).map_err(|reason| Error::malformed(path, reason))
}

fn ask(now: Now) -> Result<Vec<Neighbour>, Error> {
    let mut names = Names::default();
    let messages = netlink::rows(Table::Neighbours)?;
    let rows = messages.iter().filter_map(|message| parse_message(message, &mut names, now));
    Ok(rows.take(MAX_NEIGHBOURS).collect())
}

/// `struct ndmsg`: family, two paddings, interface, state, flags, type; then attributes. Entries that the kernel makes for
/// itself, such as those of multicast groups, are left out as `ip neighbour` does.
fn parse_message(payload: &[u8], names: &mut Names, now: Now) -> Option<Neighbour> {
    let state = match u16_at(payload, 8)? {
        0x01 => State::Incomplete,
        0x02 => State::Reachable,
        0x04 => State::Stale,
        0x08 => State::Delay,
        0x10 => State::Probe,
        0x20 => State::Failed,
        0x80 => State::Permanent,
        _ => return None,
    };
    let interface = names.of(u32_at(payload, 4)?)?;
    let (mut address, mut hardware, mut changed) = (None, Vec::new(), None);
    for (kind, content) in attributes(payload.get(12..)?) {
        match kind {
            1 => address = netlink::address(content),
            2 => hardware = content.to_vec(),
            // Confirmed, used, updated: ticks ago.
            3 => changed = u32_at(content, 8).map(|ago| now.monotonic.saturating_sub(ticks(ago))),
            _ => {}
        }
    }
    Some(Neighbour { address: address?, interface, hardware, state, changed })
}

/// `net/arp`: a heading, then address, hardware type, flags, hardware address, mask, interface.
fn parse(text: &str) -> Result<Vec<Neighbour>, String> {
    if !text.starts_with("IP address") {
        return Err("no heading".into());
    }
    let mut names = Interned::default();
    let lines = text.lines().skip(1).take(MAX_NEIGHBOURS);
    lines.map(|line| parse_line(line, &mut names).ok_or_else(|| "not a neighbour".to_string())).collect()
}

fn parse_line(line: &str, names: &mut Interned) -> Option<Neighbour> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [address, _, flags, hardware, _, interface] = *words.as_slice() else { return None };
    // ATF_COM: complete; ATF_PERM: permanent.
    let flags = u32::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?;
    let state = match (flags & 2 != 0, flags & 4 != 0) {
        (_, true) => State::Permanent,
        (true, false) => State::Known,
        (false, false) => State::Incomplete,
    };
    let hardware: Vec<u8> =
        hardware.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect::<Option<_>>()?;
    Some(Neighbour {
        address: address.parse().ok()?,
        interface: names.of(interface),
        hardware: if state == State::Incomplete { Vec::new() } else { hardware },
        state,
        changed: None,
    })
}

/// How many there are on an interface.
pub struct Counts {
    interface: Arc<str>,
    ipv4: u64,
    ipv6: u64,
    unresolved: u64,
}

/// What leaves the agent.
pub static FAMILY: Family<Counts> = Family {
    section: "neighbour",
    subject: "neighbour",
    object: "Neigh",
    arc: 33,
    help: "The neighbours that are known on an interface.",
    exported: true,
    rows: |snapshot, visit| {
        let mut counts: Vec<Counts> = Vec::new();
        for row in snapshot.neighbour.get().into_iter().flatten() {
            let place = counts.iter().position(|known| known.interface == row.interface).unwrap_or_else(|| {
                counts.push(Counts { interface: row.interface.clone(), ipv4: 0, ipv6: 0, unresolved: 0 });
                counts.len() - 1
            });
            let Some(known) = counts.get_mut(place) else { continue };
            match row.address {
                IpAddr::V4(_) => known.ipv4 += 1,
                IpAddr::V6(_) => known.ipv6 += 1,
            }
            known.unresolved += u64::from(matches!(row.state, State::Incomplete | State::Failed));
        }
        counts.iter().for_each(visit);
    },
    index: Index::Name { key: |row| Cow::Borrowed(&row.interface), preferred: |_| None },
    labels: &[Label::identity(2, "interface", "The kernel's name of the interface.", SOURCE, |row| {
        Some(Cow::Borrowed(&row.interface))
    })],
    metrics: &[
        Metric::gauge(3, "arp_entries", Unit::Count, "Entries of the ARP table.", SOURCE, |row| Some(row.ipv4.into())),
        Metric::gauge(4, "ipv6_entries", Unit::Count, "Entries of neighbour discovery.", SOURCE, |row| {
            Some(row.ipv6.into())
        }),
        Metric::gauge(5, "unresolved", Unit::Count, "Entries without an answer.", SOURCE, |row| {
            Some(row.unresolved.into())
        }),
    ],
};

const SOURCE: &str = "netlink; /proc/1/net/arp";

#[cfg(test)]
mod tests {
    use super::*;

    const ARP: &str = "IP address       HW type     Flags       HW address            Mask     Device\n\
        192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n\
        192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0\n\
        192.0.2.5        0x1         0x6         02:fc:00:00:00:07     *        eth0\n";

    #[test]
    fn the_file_says_who_is_known() {
        let rows = parse(ARP).expect("three neighbours");
        let states: Vec<State> = rows.iter().map(|row| row.state).collect();
        assert_eq!(states, [State::Known, State::Incomplete, State::Permanent]);
        assert_eq!((rows[0].hardware.as_slice(), rows[1].hardware.len()), (&[2, 0xfc, 0, 0, 0, 5][..], 0));
        assert!(Arc::ptr_eq(&rows[0].interface, &rows[2].interface));
        for odd in ["", "IP address\nx", "IP address\n192.0.2.1 0x1 2 aa * eth0"] {
            assert!(parse(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn the_kernels_own_entries_are_left_out() {
        let mut names = Names::default();
        names.0.insert(1, Some("lo".into()));
        let now = Now { wall: jiff::Timestamp::UNIX_EPOCH, monotonic: Duration::ZERO };
        let mut message = vec![2, 0, 0, 0];
        message.extend(1_u32.to_ne_bytes());
        let with_state = |state: u16| {
            let mut message = message.clone();
            message.extend(state.to_ne_bytes());
            message.extend([0, 1]);
            message.extend(8_u16.to_ne_bytes());
            message.extend(1_u16.to_ne_bytes());
            message.extend([192, 0, 2, 1]);
            message
        };
        assert!(parse_message(&with_state(0x02), &mut names, now).is_some());
        assert_eq!(parse_message(&with_state(0x40), &mut names, now), None);
        assert_eq!(parse_message(&with_state(0x02)[..11], &mut names, now), None);
    }
}
