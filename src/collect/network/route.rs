//! The routes of the host's main table, IPv4 and IPv6.
//!
//! The kernel's table of its own addresses is left out, as `ip route` does. Below another root the files say neither how
//! a route came to be nor how long it lives, and the kernel's `net/ipv6_route` mixes all tables: what is local or multicast
//! there is left out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use super::super::root::read_file;
use super::super::{DEADLINE, Error, Family, Root, Section};
use super::netlink::{self, Table, attributes, u16_at, u32_at};
use super::{Interned, Names, parse_ipv4, parse_ipv6};
use crate::metric::{Index, Interval, Metric, Number, Unit};

/// How often they are read: thousands take a while.
pub const INTERVAL: Interval = Interval::seconds(60);

/// The most routes that are kept.
const MAX_ROUTES: usize = 50_000;

/// Routes at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Routes {
    /// Those that are kept, 50,000 at most.
    pub rows: Vec<Route>,
    /// How many more there are.
    pub left_out: usize,
}

/// A route, or one of the ways of a route that has several.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The network.
    pub destination: IpAddr,
    /// How many bits of it count.
    pub prefix: u8,
    /// The next host; absent where the network is on the link.
    pub gateway: Option<IpAddr>,
    /// The kernel's name of the interface; absent where packets are dropped.
    pub interface: Option<Arc<str>>,
    /// What becomes of packets.
    pub kind: Kind,
    /// Who made it; RTA_PROTOCOL (linux/rtnetlink.h). Absent where only the file says anything.
    pub protocol: Option<u8>,
    /// The priority: the smallest counts.
    pub metric: u32,
    /// The type of service that it is for.
    pub service: u8,
    /// The preference that a router advertised: 1 is high, 3 low.
    pub preference: u8,
    /// Seconds that it still lives; absent where it does for ever.
    pub expires_seconds: Option<u32>,
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They are sent on.
    Unicast,
    /// They are dropped, and the sender is told.
    Reject,
    /// They are dropped.
    Blackhole,
    /// Another thing.
    Other,
}

impl Route {
    /// Whether it is for whatever no other route is for.
    pub fn is_default(&self) -> bool {
        self.prefix == 0 && self.kind == Kind::Unicast
    }

    fn new(destination: IpAddr, prefix: u8, kind: Kind) -> Self {
        Route {
            destination,
            prefix,
            gateway: None,
            interface: None,
            kind,
            protocol: None,
            metric: 0,
            service: 0,
            preference: 0,
            expires_seconds: None,
        }
    }

    /// A network on the link.
    #[cfg(test)]
    pub fn connected(destination: IpAddr, prefix: u8, interface: &str) -> Self {
        Route { interface: Some(interface.into()), ..Route::new(destination, prefix, Kind::Unicast) }
    }
}

/// The section.
pub static SECTION: Section<Routes> = Section {
    name: "route",
    interval: |config| config.route.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        Box::new(move |_now| read(&root))
    },
    slot: |snapshot| &mut snapshot.route,
    status: |snapshot| &snapshot.route.status,
};

/// Reads them: by netlink, or from the files below another root.
pub fn read(root: &Root) -> Result<Routes, Error> {
    // Where a sandbox refuses netlink, the files must do.
    let asked = root.is_own().then(|| ask().ok()).flatten();
    let mut rows = asked.map_or_else(|| read_files(&root.net()), Ok)?;
    let left_out = rows.len().saturating_sub(MAX_ROUTES);
    rows.truncate(MAX_ROUTES);
    Ok(Routes { rows, left_out })
}

fn ask() -> Result<Vec<Route>, Error> {
    let mut names = Names::default();
    let mut rows = Vec::new();
    for message in netlink::rows(Table::Routes)? {
        rows.extend(parse_message(&message, &mut names).unwrap_or_default());
    }
    Ok(rows)
}

fn read_files(net: &Path) -> Result<Vec<Route>, Error> {
    let mut rows = read_ipv4(net)?;
    // A kernel without IPv6 has no such file.
    if let Ok(text) = read_file(&net.join("ipv6_route")) {
        rows.extend(parse_six(&text).map_err(|reason| Error::malformed(net.join("ipv6_route"), reason))?);
    }
    Ok(rows)
}

/// RT_TABLE_MAIN.
const MAIN: u32 = 254;
/// RTM_F_CLONED: what was learned of a path, not a route.
const CLONED: u32 = 0x200;

/// `struct rtmsg`: family, destination's and source's bits, service, table, protocol, scope, type, flags; then attributes.
fn parse_message(payload: &[u8], names: &mut Names) -> Option<Vec<Route>> {
    let [family, prefix, _, service, table, protocol, _, kind, ..] = *payload else { return None };
    let any = match family {
        2 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        10 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    if u32_at(payload, 8)? & CLONED != 0 || u32::from(table) != MAIN {
        return None;
    }
    let kind = match kind {
        1 => Kind::Unicast,
        6 => Kind::Blackhole,
        7 | 8 => Kind::Reject,
        _ => Kind::Other,
    };
    let mut route = Route { protocol: Some(protocol), service, ..Route::new(any, prefix, kind) };
    let mut ways: &[u8] = &[];
    for (kind, content) in attributes(payload.get(12..)?) {
        match kind {
            1 => route.destination = netlink::address(content)?,
            4 => route.interface = names.of(u32_at(content, 0)?),
            5 => route.gateway = netlink::address(content),
            6 => route.metric = u32_at(content, 0)?,
            9 => ways = content,
            12 => route.expires_seconds = expires(content),
            18 => route.gateway = via(content),
            20 => route.preference = *content.first()?,
            _ => {}
        }
    }
    Some(if ways.is_empty() { vec![route] } else { several(&route, ways, names) })
}

/// RTA_CACHEINFO: the clock ticks until a route goes; zero where it doesn't.
fn expires(content: &[u8]) -> Option<u32> {
    u32_at(content, 8).filter(|ticks| *ticks > 0).map(|ticks| ticks / 100)
}

/// RTA_VIA: a family and an address of it, which isn't the destination's.
fn via(content: &[u8]) -> Option<IpAddr> {
    netlink::address(content.get(2..)?)
}

/// RTA_MULTIPATH: `struct rtnexthop` (length, flags, weight, interface) and attributes, once a way.
fn several(route: &Route, mut ways: &[u8], names: &mut Names) -> Vec<Route> {
    let mut found = Vec::new();
    while let Some(length) = u16_at(ways, 0).map(usize::from) {
        let Some(way) = ways.get(..length).filter(|way| way.len() >= 8) else { break };
        let mut route = route.clone();
        route.interface = u32_at(way, 4).and_then(|index| names.of(index));
        for (kind, content) in attributes(&way[8..]) {
            match kind {
                5 => route.gateway = netlink::address(content),
                18 => route.gateway = via(content),
                _ => {}
            }
        }
        found.push(route);
        ways = ways.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// The IPv4 routes in a directory of network facts.
pub(super) fn read_ipv4(net: &Path) -> Result<Vec<Route>, Error> {
    let path = net.join("route");
    parse_four(&read_file(&path)?).map_err(|reason| Error::malformed(path, reason))
}

/// RTF_REJECT.
const REJECT: u32 = 0x200;

/// `net/route`: a heading, then interface, destination, gateway, flags, two counts, metric, mask, and more.
fn parse_four(text: &str) -> Result<Vec<Route>, String> {
    if !text.starts_with("Iface") {
        return Err("no heading".into());
    }
    let mut names = Interned::default();
    let mut parse = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [interface, destination, gateway, flags, _, _, metric, mask, ..] = *words.as_slice() else { return None };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let kind = if flags & REJECT == 0 { Kind::Unicast } else { Kind::Reject };
        let prefix = u8::try_from(parse_ipv4(mask)?.to_bits().leading_ones()).ok()?;
        let gateway = parse_ipv4(gateway)?;
        Some(Route {
            gateway: (!gateway.is_unspecified()).then_some(gateway.into()),
            interface: (interface != "*").then(|| names.of(interface)),
            metric: metric.parse().ok()?,
            ..Route::new(parse_ipv4(destination)?.into(), prefix, kind)
        })
    };
    text.lines().skip(1).map(|line| parse(line).ok_or_else(|| "not a route".to_string())).collect()
}

/// RTF_LOCAL, RTF_ANYCAST and RTF_CACHE.
const NOT_MAIN: u32 = 0x8000_0000 | 0x0010_0000 | 0x0100_0000;

/// `net/ipv6_route`: destination, bits, source, bits, gateway, metric, two counts, flags, interface, in hexadecimal.
fn parse_six(text: &str) -> Result<Vec<Route>, String> {
    let mut names = Interned::default();
    let mut parse = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [destination, prefix, _, _, gateway, metric, _, _, flags, interface] = *words.as_slice() else {
            return None;
        };
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let (destination, gateway, flags, metric) =
            (parse_ipv6(destination)?, parse_ipv6(gateway)?, number(flags)?, number(metric)?);
        let kind = if flags & REJECT == 0 { Kind::Unicast } else { Kind::Reject };
        // The entry behind all others, with the worst metric there is, stands for no route.
        let is_end = kind == Kind::Reject && metric == u32::MAX;
        let shown = flags & NOT_MAIN == 0 && !destination.is_multicast() && !is_end;
        let route = Route {
            gateway: (!gateway.is_unspecified()).then_some(gateway.into()),
            interface: (kind == Kind::Unicast).then(|| names.of(interface)),
            metric,
            ..Route::new(destination.into(), u8::from_str_radix(prefix, 16).ok()?, kind)
        };
        Some(shown.then_some(route))
    };
    text.lines().filter_map(|line| parse(line).ok_or_else(|| "not a route".to_string()).transpose()).collect()
}

/// How many there are.
pub struct Counts {
    ipv4: u64,
    ipv6: u64,
    ipv4_default: u64,
    ipv6_default: u64,
}

/// What leaves the agent.
pub static FAMILY: Family<Counts> = Family {
    section: "route",
    subject: "route",
    object: "Route",
    arc: 34,
    help: "The routes of the main table.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(routes) = snapshot.route.get() {
            let mut counts = Counts { ipv4: 0, ipv6: 0, ipv4_default: 0, ipv6_default: 0 };
            for route in &routes.rows {
                let (all, default) = match route.destination {
                    IpAddr::V4(_) => (&mut counts.ipv4, &mut counts.ipv4_default),
                    IpAddr::V6(_) => (&mut counts.ipv6, &mut counts.ipv6_default),
                };
                *all += 1;
                *default += u64::from(route.is_default());
            }
            visit(&counts);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        gauge(1, "ipv4", "IPv4 routes.", |row| Some(row.ipv4.into())),
        gauge(2, "ipv6", "IPv6 routes.", |row| Some(row.ipv6.into())),
        gauge(3, "ipv4_default", "IPv4 default routes.", |row| Some(row.ipv4_default.into())),
        gauge(4, "ipv6_default", "IPv6 default routes.", |row| Some(row.ipv6_default.into())),
    ],
};

const fn gauge(
    column: u32,
    name: &'static str,
    help: &'static str,
    read: fn(&Counts) -> Option<Number>,
) -> Metric<Counts> {
    Metric::gauge(column, name, Unit::Count, help, "netlink; /proc/1/net/route, ipv6_route", read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_tell_gateways_from_links() {
        let hex = |text: &str| {
            let address: Ipv4Addr = text.parse().expect("an address");
            format!("{:08X}", u32::from_ne_bytes(address.octets()))
        };
        let line = |destination, gateway, mask| {
            format!("eth0\t{}\t{}\t0003\t0\t0\t100\t{}\t0\t0\t0\n", hex(destination), hex(gateway), hex(mask))
        };
        let text = format!(
            "Iface\tDestination\n{}{}",
            line("0.0.0.0", "192.0.2.1", "0.0.0.0"),
            line("192.0.2.0", "0.0.0.0", "255.255.255.0")
        );
        let routes = parse_four(&text).expect("two routes");
        assert!(routes[0].is_default() && routes[0].gateway == Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!((routes[1].prefix, routes[1].gateway, routes[1].metric), (24, None, 100));
        assert!(parse_four("Iface\neth0 x").is_err() && parse_four("").is_err());
    }

    #[test]
    fn the_other_tables_of_ipv6_are_left_out() {
        let line = |destination: &str, prefix, metric, flags: &str| {
            let zero = "0".repeat(32);
            format!("{destination} {prefix} {zero} 00 {zero} {metric} 00000001 00000000 {flags} eth0\n")
        };
        let text = [
            line("fe800000000000000000000000000000", "40", "00000100", "00000001"),
            line("fe8000000000000000fc00fffe000001", "80", "00000000", "80200001"),
            line("ff000000000000000000000000000000", "08", "00000100", "00000001"),
            line(&"0".repeat(32), "00", "ffffffff", "00200200"),
        ];
        let routes = parse_six(&text.concat()).expect("routes");
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].prefix, 64);
        assert!(parse_six("x").is_err());
    }

    #[test]
    fn a_route_of_several_ways_is_a_row_each() {
        let mut names = Names::default();
        names.0.insert(2, Some("eth0".into()));
        let mut ways = Vec::new();
        for last in [1, 2] {
            ways.extend(16_u16.to_ne_bytes());
            ways.extend([0, 0]);
            ways.extend(2_u32.to_ne_bytes());
            ways.extend(8_u16.to_ne_bytes());
            ways.extend(5_u16.to_ne_bytes());
            ways.extend([192, 0, 2, last]);
        }
        let route = Route::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0, Kind::Unicast);
        let found = several(&route, &ways, &mut names);
        let gateways: Vec<_> = found.iter().filter_map(|route| route.gateway).collect();
        assert_eq!(gateways, [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])]);
        assert!(several(&route, &[0; 20], &mut names).is_empty());
    }
}
