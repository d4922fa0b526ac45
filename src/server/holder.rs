//! Which process holds an address that could not be had.
//!
//! The kernel's lists of sockets (proc(5), `/proc/net/udp` and its like) say which socket has the address; the open
//! files of each process say whose it is. Without the right to look at other users' processes the second step finds
//! nothing, and the message says what to run instead. Read only when a listener could not be opened; it blocks.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::{Listen, Transport};

/// How many open files are looked at before the search is given up: far more than a machine of sensors has, and below a
/// second.
const MOST_FILES: usize = 200_000;
/// The kernel's number for a TCP socket that listens; others don't keep an address from a listener.
const TCP_LISTEN: &str = "0A";

/// Who holds an address that is in use, as the end of a sentence: `in use by snmpd (process 812)`.
pub fn in_use(listen: &Listen) -> String {
    match find(Path::new("/proc"), listen) {
        Some((_, process)) if process == std::process::id() => {
            "in use by another listener of this agent, which takes a restart to move there".into()
        }
        Some((name, process)) => format!("in use by {name} (process {process})"),
        None => {
            let options = match listen.transport {
                Transport::Udp => "-lunp",
                Transport::Tcp => "-ltnp",
            };
            format!("in use by another program; as root, ss {options} shows which")
        }
    }
}

fn find(proc: &Path, listen: &Listen) -> Option<(String, u32)> {
    let inode = inode(proc, listen)?;
    let process = process(proc, &format!("socket:[{inode}]"))?;
    let name = fs::read_to_string(proc.join(process.to_string()).join("comm")).ok()?;
    // A process names itself, so that the name may hold anything.
    let name: String = name.trim_end_matches('\n').chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Some((name, process))
}

/// The socket that stands in the way: one of this address rather than one of all addresses.
fn inode(proc: &Path, listen: &Listen) -> Option<u64> {
    let name = listen.transport.name();
    let mut found = None;
    for file in [format!("net/{name}"), format!("net/{name}6")] {
        let Ok(file) = File::open(proc.join(file)) else { continue };
        for row in BufReader::new(file).lines().map_while(Result::ok).filter_map(|line| row(&line)) {
            if listen.transport == Transport::Tcp && !row.listens {
                continue;
            }
            let rank = conflict(row.local, listen.address);
            if rank > found.map_or(0, |(rank, _)| rank) {
                found = Some((rank, row.inode));
            }
        }
    }
    found.map(|(_, inode)| inode)
}

/// How sure it is that a socket at `held` keeps `wanted` from being bound; 0 where it doesn't.
fn conflict(held: SocketAddr, wanted: SocketAddr) -> u32 {
    if held.port() != wanted.port() {
        return 0;
    }
    let (held, wanted) = (held.ip().to_canonical(), wanted.ip().to_canonical());
    let same_family = held.is_ipv4() == wanted.is_ipv4();
    match (held == wanted, same_family, held.is_unspecified(), wanted.is_unspecified()) {
        (true, ..) => 3,
        (_, true, true, _) | (_, true, _, true) => 2,
        // `::` has IPv4 too, unless the socket says otherwise, which the lists don't tell.
        (_, false, true, _) if held.is_ipv6() => 1,
        (_, false, _, true) if wanted.is_ipv6() => 1,
        _ => 0,
    }
}

/// A line of a list of sockets.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    local: SocketAddr,
    listens: bool,
    inode: u64,
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...`
fn row(line: &str) -> Option<Row> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    Some(Row { local, listens: state == TCP_LISTEN, inode })
}

/// `0100007F:00A1`: words of 32 bits, each in the machine's order of octets, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |place: usize| u32::from_str_radix(address.get(place * 8..place * 8 + 8)?, 16).ok();
    let ip: IpAddr = match address.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let mut octets = [0; 16];
            for (place, part) in octets.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&word(place)?.to_ne_bytes());
            }
            Ipv6Addr::from(octets).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The process that has this file open.
fn process(proc: &Path, wanted: &str) -> Option<u32> {
    let mut left = MOST_FILES;
    for entry in fs::read_dir(proc).ok()?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that ends meanwhile, or isn't ours to look at, is passed over.
        let Ok(files) = fs::read_dir(entry.path().join("fd")) else { continue };
        for file in files.flatten() {
            left = left.checked_sub(1)?;
            if fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted) {
                return Some(process);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_the_kernel_are_read() {
        let udp = "  363: 0100007F:00A1 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 0000 0";
        assert_eq!(row(udp), Some(Row { local: at("127.0.0.1:161"), listens: false, inode: 12345 }));
        let tcp6 = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A \
                    00000000:00000000 00:00000000 00000000  1000        0 99 1 0000 100 0 0 10 0";
        assert_eq!(row(tcp6), Some(Row { local: at("[::1]:8080"), listens: true, inode: 99 }));
        for odd in
            ["", "  sl  local_address rem_address   st", "1: 0100007F 0:0 07 0:0 0:0 0 0 0 1", "1: é00007F:00A1 0"]
        {
            assert_eq!(row(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_nearest_conflict_wins() {
        let wanted = at("127.0.0.1:161");
        let ranks = ["127.0.0.1:161", "0.0.0.0:161", "[::]:161", "127.0.0.2:161", "127.0.0.1:162", "[::1]:161"]
            .map(|held| conflict(at(held), wanted));
        assert_eq!(ranks, [3, 2, 1, 0, 0, 0]);
        assert_eq!(conflict(at("127.0.0.1:161"), at("0.0.0.0:161")), 2);
        assert_eq!(conflict(at("[::ffff:127.0.0.1]:161"), wanted), 3);
    }

    #[test]
    fn a_socket_of_this_process_is_found() {
        for (transport, address, _held) in [
            {
                let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
                (Transport::Udp, socket.local_addr(), std::os::fd::OwnedFd::from(socket))
            },
            {
                let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
                (Transport::Tcp, socket.local_addr(), std::os::fd::OwnedFd::from(socket))
            },
        ] {
            let listen = Listen { transport, address: address.expect("bound") };
            assert_eq!(find(Path::new("/proc"), &listen).map(|(_, process)| process), Some(std::process::id()));
            assert!(in_use(&listen).contains("of this agent"));
        }
        let nobody = Listen { transport: Transport::Udp, address: at("127.0.0.1:1") };
        assert!(in_use(&nobody).contains("ss -lunp"));
    }
}
