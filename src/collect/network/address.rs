//! The addresses of the host's interfaces, and how IPv4 and IPv6 are set up on each interface.
//!
//! Below another root, addresses have no age and no lifetime, IPv4 ones no broadcast address, and one of 32 bits is not
//! found (see [`super::fib_trie`]). The settings are those of `proc/sys/net`, where that is the host's.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::root::read_file;
use super::super::{DEADLINE, Error, Family, Root, Section};
use super::netlink::{self, Table, attributes, ticks, u32_at};
use super::{Change, Interned, Names, fib_trie, parse_ipv6, route, settings_are_the_hosts};
use crate::metric::{Index, Interval, Metric, Now, Number, Unit};

/// How often they are read: addresses change rarely.
pub const INTERVAL: Interval = Interval::seconds(30);

/// The most addresses that are kept.
const MAX_ADDRESSES: usize = 20_000;

/// Addresses at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Addresses {
    /// In the kernel's order, 20,000 at most.
    pub rows: Vec<Address>,
    /// How each interface is set up; empty where that is another namespace's.
    pub interfaces: Vec<Interface>,
    /// When interfaces last came or went in [`Addresses::interfaces`], in time since the agent started.
    pub interfaces_changed: Duration,
}

/// One address.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits are the network's.
    pub prefix: u8,
    /// The kernel's name of its interface.
    pub interface: Arc<str>,
    /// The broadcast address; IFA_BROADCAST.
    pub broadcast: Option<Ipv4Addr>,
    /// IFA_FLAGS; in the file their lowest eight bits.
    pub flags: u32,
    /// How it came to be there; IFA_PROTO, Linux 5.18.
    pub origin: Option<u8>,
    /// Only where the kernel tells more than the address; IFA_CACHEINFO.
    pub age: Option<Age>,
}

/// An address in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Age {
    /// Seconds that it is still preferred; 2^32 - 1 means for ever.
    pub preferred_seconds: u32,
    /// Seconds that it is still valid; 2^32 - 1 means for ever.
    pub valid_seconds: u32,
    /// When it was made, in time since the agent started; zero if before.
    pub created: Duration,
    /// When it was last changed, in time since the agent started; zero if before.
    pub changed: Duration,
}

impl Address {
    /// IFA_F_TEMPORARY of an IPv6 address, as RFC 8981 has it.
    pub const TEMPORARY: u32 = 0x01;
    /// IFA_F_OPTIMISTIC.
    pub const OPTIMISTIC: u32 = 0x04;
    /// IFA_F_DADFAILED: another host has it too.
    pub const DUPLICATE: u32 = 0x08;
    /// IFA_F_DEPRECATED.
    pub const DEPRECATED: u32 = 0x20;
    /// IFA_F_TENTATIVE: it is still being found out whether another host has it.
    pub const TENTATIVE: u32 = 0x40;
    /// IFA_F_PERMANENT: it has no lifetime.
    pub const PERMANENT: u32 = 0x80;
    /// IFAPROT_KERNEL_RA: made of a router's advertisement.
    pub const ADVERTISED: u8 = 2;
    /// IFAPROT_KERNEL_LL: the link-local address that the kernel makes.
    pub const LINK_LOCAL: u8 = 3;

    /// Whether it has one of these flags.
    pub fn is(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    /// Whether it is an IPv6 address that only one link knows.
    pub fn is_link_local(&self) -> bool {
        matches!(self.address, IpAddr::V6(address) if address.is_unicast_link_local())
    }
}

/// How IPv4 and IPv6 are set up on an interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// The kernel's name.
    pub name: Arc<str>,
    /// Milliseconds between two ARP requests; `net.ipv4.neigh.*.retrans_time_ms`.
    pub ipv4_retransmit: Option<u32>,
    /// How IPv6 is; absent where the interface doesn't speak it.
    pub ipv6: Option<Ipv6>,
}

/// How IPv6 is set up on an interface; `net.ipv6.conf` and `net.ipv6.neigh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6 {
    /// Not `disable_ipv6`.
    pub enabled: bool,
    /// `forwarding`.
    pub forwarding: bool,
    /// How long a neighbour counts as reachable, in milliseconds; `base_reachable_time_ms`.
    pub reachable: Option<u32>,
    /// Milliseconds between two solicitations; `retrans_time_ms`.
    pub retransmit: Option<u32>,
}

/// The section.
pub static SECTION: Section<Addresses> = Section {
    name: "address",
    interval: |config| config.address.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let mut change = Change::default();
        Box::new(move |now| read(&root, &mut change, now))
    },
    slot: |snapshot| &mut snapshot.address,
    status: |snapshot| &snapshot.address.status,
};

/// Reads them: by netlink, or from the files below another root.
fn read(root: &Root, change: &mut Change, now: Now) -> Result<Addresses, Error> {
    // Where a sandbox refuses netlink, the files must do.
    let asked = root.is_own().then(|| ask(started(root, now)).ok()).flatten();
    let rows = asked.map_or_else(|| read_files(root), Ok)?;
    let interfaces = if settings_are_the_hosts(root) { settings(root) } else { Vec::new() };
    let names = interfaces.iter().map(|interface| interface.name.clone()).collect();
    Ok(Addresses { rows, interfaces, interfaces_changed: change.note(names, now) })
}

/// When the agent started, in time since boot.
fn started(root: &Root, now: Now) -> Duration {
    let uptime = root.read_trimmed("proc/uptime");
    let seconds = uptime.and_then(|text| text.split_ascii_whitespace().next()?.parse().ok());
    let uptime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(Duration::MAX);
    uptime.saturating_sub(now.monotonic)
}

/// Asks the kernel; `started` is when the agent did, in time since boot.
fn ask(started: Duration) -> Result<Vec<Address>, Error> {
    let mut names = Names::default();
    let messages = netlink::rows(Table::Addresses)?;
    let rows = messages.iter().filter_map(|message| parse_message(message, &mut names, started));
    Ok(rows.take(MAX_ADDRESSES).collect())
}

/// `struct ifaddrmsg`: family, prefix, flags, scope, interface; then attributes (linux/if_addr.h).
fn parse_message(payload: &[u8], names: &mut Names, started: Duration) -> Option<Address> {
    let [_, prefix, flags, _, ..] = *payload else { return None };
    let interface = names.of(u32_at(payload, 4)?)?;
    let (mut address, mut local, mut broadcast, mut origin, mut age) = (None, None, None, None, None);
    let mut flags = u32::from(flags);
    for (kind, content) in attributes(payload.get(8..)?) {
        match kind {
            1 => address = netlink::address(content),
            2 => local = netlink::address(content),
            4 => broadcast = content.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets)),
            6 => age = parse_age(content, started),
            8 => flags = u32_at(content, 0)?,
            11 => origin = content.first().copied(),
            _ => {}
        }
    }
    // Where both are there, the first is the other end of a point-to-point link.
    Some(Address { address: local.or(address)?, prefix, interface, broadcast, flags, origin, age })
}

/// `struct ifa_cacheinfo`.
fn parse_age(content: &[u8], started: Duration) -> Option<Age> {
    let moment = |place| u32_at(content, place).map(|number| ticks(number).saturating_sub(started));
    Some(Age {
        preferred_seconds: u32_at(content, 0)?,
        valid_seconds: u32_at(content, 4)?,
        created: moment(8)?,
        changed: moment(12)?,
    })
}

fn read_files(root: &Root) -> Result<Vec<Address>, Error> {
    let net = root.net();
    let routes = route::read_ipv4(&net)?;
    let trie = read_file(&net.join("fib_trie"))?;
    let plain = |address: IpAddr, prefix, interface, flags| Address {
        address,
        prefix,
        interface,
        broadcast: None,
        flags,
        origin: None,
        age: None,
    };
    let four = fib_trie::addresses(&trie, &routes).into_iter();
    let mut rows: Vec<Address> = four
        .map(|(address, prefix, interface)| plain(address.into(), prefix, interface, Address::PERMANENT))
        .take(MAX_ADDRESSES)
        .collect();
    // A kernel without IPv6 has no such file.
    let Ok(text) = read_file(&net.join("if_inet6")) else { return Ok(rows) };
    let mut names = Interned::default();
    for line in text.lines().take(MAX_ADDRESSES) {
        // Address, interface, prefix, scope, flags, name; numbers in hexadecimal.
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let parsed = || {
            let [address, _, prefix, _, flags, name] = *words.as_slice() else { return None };
            let flags = u32::from_str_radix(flags, 16).ok()?;
            Some((parse_ipv6(address)?, u8::from_str_radix(prefix, 16).ok()?, flags, name))
        };
        let (address, prefix, flags, name) =
            parsed().ok_or_else(|| Error::malformed(net.join("if_inet6"), "not an address"))?;
        rows.push(plain(address.into(), prefix, names.of(name), flags));
    }
    Ok(rows)
}

/// What `proc/sys/net` says of each interface.
fn settings(root: &Root) -> Vec<Interface> {
    let base = Path::new("proc/sys/net");
    let names = |family: &str| -> BTreeSet<String> {
        let names = root.names(base.join(family).join("conf")).unwrap_or_default();
        names.into_iter().filter_map(|name| name.into_string().ok()).collect()
    };
    let (four, six) = (names("ipv4"), names("ipv6"));
    let number = |path: PathBuf| root.read_number::<u32>(base.join(path));
    four.union(&six)
        .filter(|name| !matches!(name.as_str(), "all" | "default"))
        .map(|name| {
            let neighbour = |family: &str, file: &str| number(Path::new(family).join("neigh").join(name).join(file));
            let conf = |file: &str| number(Path::new("ipv6/conf").join(name).join(file));
            let ipv6 = || {
                Some(Ipv6 {
                    enabled: conf("disable_ipv6")? == 0,
                    forwarding: conf("forwarding")? != 0,
                    reachable: neighbour("ipv6", "base_reachable_time_ms"),
                    retransmit: neighbour("ipv6", "retrans_time_ms"),
                })
            };
            Interface {
                name: name.as_str().into(),
                ipv4_retransmit: neighbour("ipv4", "retrans_time_ms"),
                ipv6: if six.contains(name) { ipv6() } else { None },
            }
        })
        .collect()
}

/// How many there are.
pub struct Counts {
    ipv4: u64,
    ipv6: u64,
    tentative: u64,
    duplicate: u64,
}

/// What leaves the agent.
pub static FAMILY: Family<Counts> = Family {
    section: "address",
    subject: "address",
    object: "Addr",
    arc: 32,
    help: "The addresses of the host's interfaces.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(addresses) = snapshot.address.get() {
            let count = |is: &dyn Fn(&Address) -> bool| {
                u64::try_from(addresses.rows.iter().filter(|row| is(row)).count()).unwrap_or(u64::MAX)
            };
            visit(&Counts {
                ipv4: count(&|row| row.address.is_ipv4()),
                ipv6: count(&|row| row.address.is_ipv6()),
                tentative: count(&|row| row.is(Address::TENTATIVE)),
                duplicate: count(&|row| row.address.is_ipv6() && row.is(Address::DUPLICATE)),
            });
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        gauge(1, "ipv4", "IPv4 addresses.", |row| Some(row.ipv4.into())),
        gauge(2, "ipv6", "IPv6 addresses.", |row| Some(row.ipv6.into())),
        gauge(3, "tentative", "Addresses of which it is being found out whether another host has them.", |row| {
            Some(row.tentative.into())
        }),
        gauge(4, "duplicate", "IPv6 addresses that another host has too.", |row| Some(row.duplicate.into())),
    ],
};

const fn gauge(
    column: u32,
    name: &'static str,
    help: &'static str,
    read: fn(&Counts) -> Option<Number>,
) -> Metric<Counts> {
    Metric::gauge(column, name, Unit::Count, help, "netlink; /proc/1/net/fib_trie, if_inet6", read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_own_namespace_has_a_loopback() {
        let rows = ask(Duration::ZERO).expect("netlink");
        let loopback = rows.iter().find(|row| row.address == IpAddr::V4(Ipv4Addr::LOCALHOST)).expect("127.0.0.1");
        assert_eq!((&*loopback.interface, loopback.prefix, loopback.broadcast), ("lo", 8, None));
        assert_eq!(loopback.age.map(|age| age.valid_seconds), Some(u32::MAX));
    }

    #[test]
    fn messages_are_read_to_their_end() {
        let mut names = Names::default();
        names.0.insert(3, Some("eth0".into()));
        let mut message = vec![2, 24, 0x80, 0, 3, 0, 0, 0];
        for (kind, content) in [(1, [192, 0, 2, 9]), (2, [192, 0, 2, 7]), (4, [192, 0, 2, 255])] {
            message.extend([8, 0, kind, 0]);
            message.extend(content);
        }
        if cfg!(target_endian = "little") {
            let row = parse_message(&message, &mut names, Duration::ZERO).expect("an address");
            assert_eq!(row.address, "192.0.2.7".parse::<IpAddr>().expect("an address"));
            assert_eq!(row.broadcast, Some(Ipv4Addr::new(192, 0, 2, 255)));
        }
        for length in 0..8 {
            assert_eq!(parse_message(&message[..length], &mut names, Duration::ZERO), None);
        }
    }
}
