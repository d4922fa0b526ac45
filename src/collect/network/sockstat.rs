//! How many sockets there are of each protocol, and the memory that they hold: a part of the section `netstat`.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Family;
use super::super::root::read_file;
use super::netstat::{Counters, Netstat};
use crate::metric::{Index, Metric, Number, Unit};

/// `sockstat` and `sockstat6` of this directory, by protocol: `TCP`, `UDP6`. A file that is missing says nothing.
pub fn read(net: &Path) -> BTreeMap<String, Counters> {
    let texts = ["sockstat", "sockstat6"].iter().filter_map(|file| read_file(&net.join(file)).ok());
    let texts: Vec<String> = texts.collect();
    texts.iter().flat_map(|text| text.lines()).filter_map(parse).collect()
}

/// `TCP: inuse 8 orphan 0`.
fn parse(line: &str) -> Option<(String, Counters)> {
    let (protocol, numbers) = line.split_once(": ")?;
    let words: Vec<&str> = numbers.split_ascii_whitespace().collect();
    let pairs = words.chunks_exact(2).map(|pair| (pair[0], pair[1].parse().ok()));
    Some((protocol.to_string(), Counters::new(pairs.collect())))
}

/// What leaves the agent.
pub static FAMILY: Family<Netstat> = Family {
    section: "netstat",
    subject: "sockstat",
    object: "Sockstat",
    arc: 31,
    help: "Sockets of each protocol.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(netstat) = snapshot.netstat.get() {
            visit(netstat);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        gauge(1, "used", "Sockets of all kinds.", |row| number(row, "sockets", "used")),
        gauge(2, "tcp_inuse", "TCP sockets over IPv4 that are bound or connected.", |row| number(row, "TCP", "inuse")),
        gauge(3, "tcp_orphan", "TCP sockets that no process holds any more.", |row| number(row, "TCP", "orphan")),
        gauge(4, "tcp_tw", "TCP connections in TIME_WAIT.", |row| number(row, "TCP", "tw")),
        gauge(5, "tcp_alloc", "TCP sockets in any state.", |row| number(row, "TCP", "alloc")),
        gauge(6, "tcp_mem", "Pages that TCP's buffers hold.", |row| number(row, "TCP", "mem")),
        gauge(7, "tcp6_inuse", "TCP sockets over IPv6 that are bound or connected.", |row| {
            number(row, "TCP6", "inuse")
        }),
        gauge(8, "udp_inuse", "UDP sockets over IPv4.", |row| number(row, "UDP", "inuse")),
        gauge(9, "udp_mem", "Pages that UDP's buffers hold.", |row| number(row, "UDP", "mem")),
        gauge(10, "udp6_inuse", "UDP sockets over IPv6.", |row| number(row, "UDP6", "inuse")),
        gauge(11, "raw_inuse", "Raw sockets over IPv4.", |row| number(row, "RAW", "inuse")),
        gauge(12, "raw6_inuse", "Raw sockets over IPv6.", |row| number(row, "RAW6", "inuse")),
        gauge(13, "frag_inuse", "IPv4 packets of which fragments are awaited.", |row| number(row, "FRAG", "inuse")),
    ],
};

fn number(netstat: &Netstat, protocol: &str, name: &str) -> Option<Number> {
    netstat.sockets.get(protocol)?.get(name).map(Into::into)
}

const fn gauge(
    column: u32,
    name: &'static str,
    help: &'static str,
    read: fn(&Netstat) -> Option<Number>,
) -> Metric<Netstat> {
    Metric::gauge(column, name, Unit::Count, help, "/proc/net/sockstat, sockstat6", read)
}
