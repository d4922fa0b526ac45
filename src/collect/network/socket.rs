//! TCP connections and listeners, and UDP endpoints; who holds them, where that may be seen.
//!
//! The owner of a socket is the first process in whose `/proc/PID/fd` it is. The kernel shows those of other users only
//! to a privileged agent, and looking through thousands of processes costs: the section has a slow interval, a bound, and
//! `owners = false` to leave it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::root::read_file;
use super::super::{DEADLINE, Error, Family, Root, Section};
use super::parse_ipv4;
use crate::metric::{Index, Interval, Metric, Number, Unit};

/// How often sockets are read, and whether their owners are.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often; by default every 60s, as a busy host has thousands.
    pub interval: Option<Interval>,
    /// Whether to look for the process that holds a socket, in the open files of up to 5,000 processes.
    pub owners: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config { interval: Some(Interval::seconds(60)), owners: true }
    }
}

/// The most sockets of a kind that are kept.
const MAX_SOCKETS: usize = 50_000;
/// The most processes whose open files are looked through.
const MAX_PROCESSES: usize = 5_000;
/// The most open files that are looked at.
const MAX_FILES: usize = 200_000;

/// Sockets at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sockets {
    /// TCP, IPv4 before IPv6.
    pub tcp: Vec<Socket>,
    /// UDP, IPv4 before IPv6.
    pub udp: Vec<Socket>,
}

/// A socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Where it is bound.
    pub local: End,
    /// What it is connected to; unspecified where it isn't.
    pub remote: End,
    /// TCP's state; of UDP without meaning.
    pub state: State,
    /// The kernel's number of the socket; zero where no process holds it.
    pub inode: u64,
    /// The process that holds it; absent where that isn't known.
    pub process: Option<u32>,
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

/// The state of a TCP connection, with its number in TCP-MIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as RFC 9293 names them")]
pub enum State {
    Closed = 1,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    LastAck,
    Closing,
    TimeWait,
}

impl State {
    /// By the kernel's number (linux/tcp_states.h).
    fn of(number: u8) -> Self {
        match number {
            1 => State::Established,
            2 => State::SynSent,
            3 | 12 => State::SynReceived,
            4 => State::FinWait1,
            5 => State::FinWait2,
            6 => State::TimeWait,
            8 => State::CloseWait,
            9 => State::LastAck,
            10 => State::Listen,
            11 => State::Closing,
            _ => State::Closed,
        }
    }
}

/// The section.
pub static SECTION: Section<Sockets> = Section {
    name: "socket",
    interval: |config| config.socket.interval,
    deadline: DEADLINE,
    start: |setup| {
        let (root, owners) = (setup.root.clone(), setup.config.socket.owners);
        Box::new(move |_now| read(&root, owners))
    },
    slot: |snapshot| &mut snapshot.socket,
    status: |snapshot| &snapshot.socket.status,
};

/// Reads them below `root`, with their `owners` if wanted.
pub fn read(root: &Root, owners: bool) -> Result<Sockets, Error> {
    let net = root.net();
    let mut sockets = Sockets { tcp: read_both(&net, "tcp")?, udp: read_both(&net, "udp")? };
    if owners {
        let all = sockets.tcp.iter_mut().chain(&mut sockets.udp).filter(|socket| socket.inode > 0);
        let mut wanted: HashMap<u64, &mut Socket> = all.map(|socket| (socket.inode, socket)).collect();
        find_owners(root, &mut wanted);
    }
    Ok(sockets)
}

/// The file of IPv4, and that of IPv6, which a kernel may lack.
fn read_both(net: &Path, name: &str) -> Result<Vec<Socket>, Error> {
    let path = net.join(name);
    let mut sockets = parse(&read_file(&path)?).map_err(|reason| Error::malformed(path, reason))?;
    let path = net.join(format!("{name}6"));
    if let Ok(text) = read_file(&path) {
        sockets.append(&mut parse(&text).map_err(|reason| Error::malformed(path, reason))?);
    }
    Ok(sockets)
}

/// A heading; then place, local and remote end, state, queues, timers, retransmissions, user, time-out, inode.
fn parse(text: &str) -> Result<Vec<Socket>, String> {
    if !text.trim_start().starts_with("sl") {
        return Err("no heading".into());
    }
    let lines = text.lines().skip(1).take(MAX_SOCKETS);
    lines.map(|line| parse_line(line).ok_or_else(|| "not a socket".to_string())).collect()
}

fn parse_line(line: &str) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (parse_end(words.next()?)?, parse_end(words.next()?)?);
    let state = State::of(u8::from_str_radix(words.next()?, 16).ok()?);
    let inode = words.nth(5)?.parse().ok()?;
    Some(Socket { local, remote, state, inode, process: None })
}

/// `0100007F:0016`; an IPv6 address is four such numbers.
fn parse_end(text: &str) -> Option<End> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if address.len() == 8 {
        return Some(End { address: parse_ipv4(address)?.into(), port });
    }
    (address.len() == 32 && address.is_ascii()).then_some(())?;
    let mut octets = [0; 16];
    for (place, part) in octets.chunks_exact_mut(4).enumerate() {
        part.copy_from_slice(&parse_ipv4(address.get(place * 8..place * 8 + 8)?)?.octets());
    }
    Some(End { address: Ipv6Addr::from(octets).into(), port })
}

/// Looks for sockets among the open files of processes, until all are found. What may not be seen is passed over.
fn find_owners(root: &Root, wanted: &mut HashMap<u64, &mut Socket>) {
    let names = root.names("proc").unwrap_or_default();
    let mut processes: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
    processes.sort_unstable();
    let mut files = MAX_FILES;
    for process in processes.into_iter().take(MAX_PROCESSES) {
        let Ok(entries) = std::fs::read_dir(root.path(format!("proc/{process}/fd"))) else { continue };
        for entry in entries.flatten() {
            if wanted.is_empty() || files == 0 {
                return;
            }
            files -= 1;
            let Ok(target) = std::fs::read_link(entry.path()) else { continue };
            let inode = target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
            if let Some(socket) = inode.and_then(|inode| wanted.remove(&inode.parse().ok()?)) {
                socket.process = Some(process);
            }
        }
    }
}

/// How many there are.
pub struct Counts {
    states: [u64; 12],
    udp: u64,
}

/// What leaves the agent.
pub static FAMILY: Family<Counts> = Family {
    section: "socket",
    subject: "socket",
    object: "Sock",
    arc: 35,
    help: "TCP and UDP sockets over IPv4 and IPv6.",
    exported: true,
    rows: |snapshot, visit| {
        if let Some(sockets) = snapshot.socket.get() {
            let mut counts = Counts { states: [0; 12], udp: u64::try_from(sockets.udp.len()).unwrap_or(u64::MAX) };
            for socket in &sockets.tcp {
                if let Some(count) = counts.states.get_mut(socket.state as usize) {
                    *count += 1;
                }
            }
            visit(&counts);
        }
    },
    index: Index::Scalar,
    labels: &[],
    metrics: &[
        tcp(1, "closed", |row| state(row, State::Closed)),
        tcp(2, "listen", |row| state(row, State::Listen)),
        tcp(3, "syn_sent", |row| state(row, State::SynSent)),
        tcp(4, "syn_recv", |row| state(row, State::SynReceived)),
        tcp(5, "established", |row| state(row, State::Established)),
        tcp(6, "fin_wait1", |row| state(row, State::FinWait1)),
        tcp(7, "fin_wait2", |row| state(row, State::FinWait2)),
        tcp(8, "close_wait", |row| state(row, State::CloseWait)),
        tcp(9, "last_ack", |row| state(row, State::LastAck)),
        tcp(10, "closing", |row| state(row, State::Closing)),
        tcp(11, "time_wait", |row| state(row, State::TimeWait)),
        Metric::gauge(12, "udp", Unit::Count, "UDP endpoints.", "/proc/net/udp, udp6", |row| Some(row.udp.into())),
    ],
};

fn state(counts: &Counts, state: State) -> Option<Number> {
    counts.states.get(state as usize).copied().map(Into::into)
}

const fn tcp(column: u32, state: &'static str, read: fn(&Counts) -> Option<Number>) -> Metric<Counts> {
    Metric::gauge(column, "tcp", Unit::Count, "TCP sockets in a state.", "/proc/net/tcp, tcp6", read)
        .variant("state", state)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_listener_is_found_with_its_owner() {
        let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let sockets = read(&Root::new("/"), true).expect("readable");
        let here = End { address: Ipv6Addr::LOCALHOST.into(), port };
        let found = sockets.tcp.iter().find(|socket| socket.local == here).expect("the listener");
        assert_eq!((found.state, found.process), (State::Listen, Some(std::process::id())));
    }

    #[test]
    fn odd_lines_are_errors() {
        let hex = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
        let line = format!("  0: {hex}:B20F 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 751075 1");
        let socket = parse_line(&line).expect("a socket");
        let expected = End { address: Ipv4Addr::LOCALHOST.into(), port: 0xb20f };
        assert_eq!((socket.local, socket.inode, socket.state), (expected, 751_075, State::Listen));
        for odd in ["", "0:", "0: 7F:1 7F:1 0A", &line.replace("751075", "x"), &line.replace(":B20F", "")] {
            assert_eq!(parse_line(odd), None, "{odd:?}");
        }
        assert!(parse("x").is_err());
        assert_eq!(parse_end(&format!("{}:1", "é".repeat(16))), None);
    }
}
