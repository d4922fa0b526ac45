//! The counters of the network protocols, as the kernel keeps them for all of a network namespace, and those that IPv6
//! keeps for each interface.
//!
//! They are kept by the kernel's own names: `Tcp` and `CurrEstab`. Which of them leave the agent is said where they do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::root::read_file;
use super::super::{AnySection, DEADLINE, Error, Family, Root, Section};
use super::{Change, settings_are_the_hosts, sockstat};
use crate::metric::{Index, Metric, Now, Number, Unit};

/// What the protocols counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Netstat {
    /// By protocol: `Ip`, `IpExt`, `Icmp`, `IcmpMsg`, `Tcp`, `TcpExt`, `Udp`, `UdpLite`, and with a 6 at the end those of
    /// `net/snmp6`.
    pub protocols: BTreeMap<String, Counters>,
    /// What IPv6 counted on each interface; `net/dev_snmp6`. Of IPv4 the kernel has no such counters.
    pub interfaces: Vec<Interface>,
    /// When interfaces last came or went in [`Netstat::interfaces`], in time since the agent started.
    pub interfaces_changed: Duration,
    /// Whether IPv6 packets are forwarded; `net.ipv6.conf.all.forwarding`.
    pub ipv6_forwarding: Option<bool>,
    /// The hop limit of IPv6 packets; `net.ipv6.conf.all.hop_limit`.
    pub ipv6_hop_limit: Option<u32>,
    /// Sockets and the memory that they hold; `net/sockstat`, `net/sockstat6`.
    pub sockets: BTreeMap<String, Counters>,
    /// How often all this is read.
    pub interval: Duration,
}

impl Netstat {
    /// A number by its protocol and its name there: `Tcp`, `CurrEstab`. Negative ones are absent.
    pub fn get(&self, protocol: &str, name: &str) -> Option<u64> {
        self.protocols.get(protocol)?.get(name)
    }
}

/// What IPv6 counted on one interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// The kernel's name.
    pub name: Arc<str>,
    /// The counters of `Ip6`, without that beginning.
    pub ip6: Counters,
}

/// Numbers by name. The names are shared by all that have the same.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counters {
    names: Arc<[String]>,
    values: Vec<Option<u64>>,
}

impl Counters {
    /// The number with this name.
    pub fn get(&self, name: &str) -> Option<u64> {
        let place = self.names.iter().position(|known| known == name)?;
        self.values.get(place).copied().flatten()
    }

    /// All of them, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let both = self.names.iter().zip(&self.values);
        both.filter_map(|(name, value)| Some((name.as_str(), (*value)?)))
    }

    pub(super) fn new(numbers: Vec<(&str, Option<u64>)>) -> Self {
        let names = numbers.iter().map(|(name, _)| (*name).to_string()).collect();
        Counters { names, values: numbers.into_iter().map(|(_, value)| value).collect() }
    }
}

/// The section.
pub static SECTION: Section<Netstat> = Section {
    name: "netstat",
    interval: |config| config.netstat.interval,
    deadline: DEADLINE,
    start: |setup| {
        let root = setup.root.clone();
        let interval = SECTION.interval(&setup.config);
        let mut change = Change::default();
        Box::new(move |now| read(&root, interval, &mut change, now))
    },
    slot: |snapshot| &mut snapshot.netstat,
    status: |snapshot| &snapshot.netstat.status,
};

/// Reads them below `root`. A kernel without IPv6 has no such files; IPv4 it always has.
fn read(root: &Root, interval: Duration, change: &mut Change, now: Now) -> Result<Netstat, Error> {
    let net = root.net();
    let mut protocols = BTreeMap::new();
    let snmp = net.join("snmp");
    parse_pairs(&read_file(&snmp)?, &mut protocols).map_err(|reason| Error::malformed(&snmp, reason))?;
    if let Ok(text) = read_file(&net.join("netstat")) {
        parse_pairs(&text, &mut protocols).map_err(|reason| Error::malformed(net.join("netstat"), reason))?;
    }
    if let Ok(text) = read_file(&net.join("snmp6")) {
        for protocol in SIX {
            protocols.insert(protocol.to_string(), parse_six(&text, protocol, None));
        }
    }
    let interfaces = interfaces(&net.join("dev_snmp6"));
    let names = interfaces.iter().map(|interface| interface.name.clone()).collect();
    let setting = |name: &str| root.read_number::<u32>(Path::new("proc/sys/net/ipv6/conf/all").join(name));
    let known = settings_are_the_hosts(root);
    Ok(Netstat {
        protocols,
        interfaces,
        interfaces_changed: change.note(names, now),
        ipv6_forwarding: known.then(|| setting("forwarding")).flatten().map(|forwarding| forwarding != 0),
        ipv6_hop_limit: known.then(|| setting("hop_limit")).flatten(),
        sockets: sockstat::read(&net),
        interval,
    })
}

/// The protocols of `net/snmp6`.
const SIX: &[&str] = &["Ip6", "Icmp6", "Udp6", "UdpLite6"];

/// The files of a directory that holds one an interface; none where the kernel has no IPv6.
fn interfaces(directory: &Path) -> Vec<Interface> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let mut found: Vec<Interface> = Vec::with_capacity(names.len());
    for name in names {
        // An interface that went meanwhile.
        let Ok(text) = read_file(&directory.join(&name)) else { continue };
        let ip6 = parse_six(&text, "Ip6", found.last().map(|last| &last.ip6.names));
        found.push(Interface { name: name.into(), ip6 });
    }
    found
}

/// Lines in pairs: `Tcp: RtoMin RtoMax`, `Tcp: 200 120000`.
fn parse_pairs(text: &str, protocols: &mut BTreeMap<String, Counters>) -> Result<(), String> {
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let ((protocol, names), (again, numbers)) =
            names.split_once(": ").zip(numbers.split_once(": ")).ok_or("a line without a protocol")?;
        if protocol != again {
            return Err(format!("the numbers of {} are missing", &protocol[..protocol.floor_char_boundary(20)]));
        }
        // One that is negative means that there is none, such as no limit.
        let numbers =
            names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace().map(|text| text.parse().ok()));
        protocols.insert(protocol.to_string(), Counters::new(numbers.collect()));
    }
    if protocols.is_empty() { Err("no protocol".into()) } else { Ok(()) }
}

/// `Ip6InReceives 12` a line, of those that belong to `protocol`. `like` are the names of another such file.
fn parse_six(text: &str, protocol: &str, like: Option<&Arc<[String]>>) -> Counters {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let name = words.next()?.strip_prefix(protocol)?;
        Some((name, words.next()?.parse().ok()))
    });
    let numbers: Vec<(&str, Option<u64>)> = lines.collect();
    match like {
        Some(names) if names.iter().map(String::as_str).eq(numbers.iter().map(|(name, _)| *name)) => {
            Counters { names: names.clone(), values: numbers.into_iter().map(|(_, value)| value).collect() }
        }
        _ => Counters::new(numbers),
    }
}

/// What leaves the agent: what node_exporter shows by default.
pub static FAMILY: Family<Netstat> = Family {
    section: "netstat",
    subject: "netstat",
    object: "Net",
    arc: 30,
    help: "What the network protocols counted.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(netstat) = snapshot.netstat.get() {
            visit(netstat);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        Metric::flag(1, "ip_forwarding", "Whether IPv4 packets are forwarded.", SNMP, |row| {
            Some((row.get("Ip", "Forwarding")? == 1).into())
        }),
        Metric::flag(
            2,
            "ip6_forwarding",
            "Whether IPv6 packets are forwarded.",
            "/proc/sys/net/ipv6/conf/all",
            |row| row.ipv6_forwarding.map(Into::into),
        ),
        counter(3, "ip_in_bytes_total", Unit::Bytes, "Bytes of IPv4 received.", NETSTAT, |r| n(r, "IpExt", "InOctets")),
        counter(4, "ip_out_bytes_total", Unit::Bytes, "Bytes of IPv4 sent.", NETSTAT, |r| n(r, "IpExt", "OutOctets")),
        counter(5, "ip_in_discards_total", COUNT, "Sound IPv4 packets received and dropped.", SNMP, |r| {
            n(r, "Ip", "InDiscards")
        }),
        counter(6, "ip_out_no_routes_total", COUNT, "IPv4 packets without a route.", SNMP, |r| {
            n(r, "Ip", "OutNoRoutes")
        }),
        counter(7, "ip_reassembly_failures_total", COUNT, "Fragments that never became whole.", SNMP, |r| {
            n(r, "Ip", "ReasmFails")
        }),
        counter(8, "ip6_in_bytes_total", Unit::Bytes, "Bytes of IPv6 received.", SNMP6, |r| n(r, "Ip6", "InOctets")),
        counter(9, "ip6_out_bytes_total", Unit::Bytes, "Bytes of IPv6 sent.", SNMP6, |r| n(r, "Ip6", "OutOctets")),
        counter(10, "icmp_in_total", COUNT, "ICMP messages received.", SNMP, |r| n(r, "Icmp", "InMsgs")),
        counter(11, "icmp_in_errors_total", COUNT, "Faulty ICMP messages received.", SNMP, |r| {
            n(r, "Icmp", "InErrors")
        }),
        counter(12, "icmp_out_total", COUNT, "ICMP messages sent.", SNMP, |r| n(r, "Icmp", "OutMsgs")),
        counter(13, "icmp6_in_total", COUNT, "ICMPv6 messages received.", SNMP6, |r| n(r, "Icmp6", "InMsgs")),
        counter(14, "icmp6_in_errors_total", COUNT, "Faulty ICMPv6 messages received.", SNMP6, |r| {
            n(r, "Icmp6", "InErrors")
        }),
        counter(15, "icmp6_out_total", COUNT, "ICMPv6 messages sent.", SNMP6, |r| n(r, "Icmp6", "OutMsgs")),
        Metric::gauge(16, "tcp_established", COUNT, "TCP connections that stand.", SNMP, |r| n(r, "Tcp", "CurrEstab")),
        counter(17, "tcp_active_opens_total", COUNT, "TCP connections begun here.", SNMP, |r| {
            n(r, "Tcp", "ActiveOpens")
        }),
        counter(18, "tcp_passive_opens_total", COUNT, "TCP connections begun elsewhere.", SNMP, |r| {
            n(r, "Tcp", "PassiveOpens")
        }),
        counter(19, "tcp_attempt_failures_total", COUNT, "TCP connections that did not come about.", SNMP, |r| {
            n(r, "Tcp", "AttemptFails")
        }),
        counter(20, "tcp_resets_total", COUNT, "TCP connections that were reset.", SNMP, |r| {
            n(r, "Tcp", "EstabResets")
        }),
        counter(21, "tcp_in_segments_total", COUNT, "TCP segments received.", SNMP, |r| n(r, "Tcp", "InSegs")),
        counter(22, "tcp_out_segments_total", COUNT, "TCP segments sent.", SNMP, |r| n(r, "Tcp", "OutSegs")),
        counter(23, "tcp_retransmits_total", COUNT, "TCP segments sent again.", SNMP, |r| n(r, "Tcp", "RetransSegs")),
        counter(24, "tcp_in_errors_total", COUNT, "Faulty TCP segments received.", SNMP, |r| n(r, "Tcp", "InErrs")),
        counter(25, "tcp_out_resets_total", COUNT, "TCP resets sent.", SNMP, |r| n(r, "Tcp", "OutRsts")),
        counter(
            26,
            "tcp_listen_overflows_total",
            COUNT,
            "Connections lost as a listener's queue was full.",
            NETSTAT,
            |r| n(r, "TcpExt", "ListenOverflows"),
        ),
        counter(
            27,
            "tcp_listen_drops_total",
            COUNT,
            "Connections that a listener lost for any reason.",
            NETSTAT,
            |r| n(r, "TcpExt", "ListenDrops"),
        ),
        counter(28, "tcp_syncookies_sent_total", COUNT, "SYN cookies sent.", NETSTAT, |r| {
            n(r, "TcpExt", "SyncookiesSent")
        }),
        counter(29, "tcp_syncookies_failed_total", COUNT, "Faulty SYN cookies received.", NETSTAT, |r| {
            n(r, "TcpExt", "SyncookiesFailed")
        }),
        counter(30, "tcp_timeouts_total", COUNT, "Retransmission timers that ran out.", NETSTAT, |r| {
            n(r, "TcpExt", "TCPTimeouts")
        }),
        counter(31, "tcp_syn_retransmits_total", COUNT, "SYN segments sent again.", NETSTAT, |r| {
            n(r, "TcpExt", "TCPSynRetrans")
        }),
        counter(32, "udp_in_total", COUNT, "UDP datagrams over IPv4 received.", SNMP, |r| n(r, "Udp", "InDatagrams")),
        counter(33, "udp_out_total", COUNT, "UDP datagrams over IPv4 sent.", SNMP, |r| n(r, "Udp", "OutDatagrams")),
        counter(34, "udp_no_ports_total", COUNT, "UDP datagrams over IPv4 to a closed port.", SNMP, |r| {
            n(r, "Udp", "NoPorts")
        }),
        counter(35, "udp_in_errors_total", COUNT, "UDP datagrams over IPv4 lost or faulty.", SNMP, |r| {
            n(r, "Udp", "InErrors")
        }),
        counter(36, "udp_receive_full_total", COUNT, "UDP datagrams over IPv4 lost to a full buffer.", SNMP, |r| {
            n(r, "Udp", "RcvbufErrors")
        }),
        counter(37, "udp_send_full_total", COUNT, "UDP datagrams over IPv4 not sent for a full buffer.", SNMP, |r| {
            n(r, "Udp", "SndbufErrors")
        }),
        counter(38, "udp6_in_total", COUNT, "UDP datagrams over IPv6 received.", SNMP6, |r| {
            n(r, "Udp6", "InDatagrams")
        }),
        counter(39, "udp6_out_total", COUNT, "UDP datagrams over IPv6 sent.", SNMP6, |r| n(r, "Udp6", "OutDatagrams")),
        counter(40, "udp6_in_errors_total", COUNT, "UDP datagrams over IPv6 lost or faulty.", SNMP6, |r| {
            n(r, "Udp6", "InErrors")
        }),
    ],
};

const COUNT: Unit = Unit::Count;
const SNMP: &str = "/proc/net/snmp";
const SNMP6: &str = "/proc/net/snmp6";
const NETSTAT: &str = "/proc/net/netstat";

fn n(netstat: &Netstat, protocol: &str, name: &str) -> Option<Number> {
    netstat.get(protocol, name).map(Into::into)
}

const fn counter(
    column: u32,
    name: &'static str,
    unit: Unit,
    help: &'static str,
    source: &'static str,
    read: fn(&Netstat) -> Option<Number>,
) -> Metric<Netstat> {
    Metric::counter(column, name, unit, help, source, read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_by_name() {
        let text = "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: MaxConn InSegs\nTcp: -1 18446744073709551615\n";
        let mut protocols = BTreeMap::new();
        parse_pairs(text, &mut protocols).expect("two protocols");
        assert_eq!(protocols["Ip"].get("DefaultTTL"), Some(64));
        assert_eq!((protocols["Tcp"].get("MaxConn"), protocols["Tcp"].get("InSegs")), (None, Some(u64::MAX)));
        for odd in ["", "Ip: A", "x\ny\n", "Ip: A\nTcp: 1\n"] {
            assert!(parse_pairs(odd, &mut BTreeMap::new()).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn protocols_of_ipv6_are_told_apart() {
        let text = "ifIndex  4\nIp6InReceives   15\nIcmp6InMsgs\t7\nIp6InDiscards\tx\n";
        let counters = parse_six(text, "Ip6", None);
        assert_eq!((counters.get("InReceives"), counters.get("InDiscards")), (Some(15), None));
        assert_eq!(parse_six(text, "Icmp6", None).iter().collect::<Vec<_>>(), [("InMsgs", 7)]);
        let shared = parse_six(text, "Ip6", Some(&counters.names));
        assert!(Arc::ptr_eq(&shared.names, &counters.names));
    }
}
