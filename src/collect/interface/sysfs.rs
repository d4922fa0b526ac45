//! Interfaces as `net/dev` and the files of `/sys/class/net` tell them: below another root, and where a sandbox refuses
//! rtnetlink.
//!
//! sysfs shows the network namespace in which it was mounted: below another root, where its names aren't those of
//! `net/dev`, it is another namespace's and left unread.

use std::path::{Path, PathBuf};

use super::bridge::{Bridge, Port};
use super::{Errors, Interface, Layer, OperationalState, Receive, Transmit};
use crate::collect::root::read_file;
use crate::collect::{Error, Root};

/// Where interfaces are.
const CLASS: &str = "sys/class/net";

/// The directory of an interface.
pub fn directory(name: &str) -> PathBuf {
    Path::new(CLASS).join(name)
}

/// Every interface in the kernel's order, and what stands on what.
pub fn read(root: &Root) -> Result<(Vec<Interface>, Vec<Layer>), Error> {
    let path = root.net().join("dev");
    let mut rows = parse(&read_file(&path)?).map_err(|reason| Error::malformed(&path, reason))?;
    let mut layers = Vec::new();
    if root.is_own() || rows.iter().all(|row| root.path(directory(&row.name)).exists()) {
        for row in &mut rows {
            describe(root, &directory(&row.name), row);
            layers.extend(lower(root, &row.name).map(|lower| Layer { higher: row.name.clone(), lower }));
        }
    }
    Ok((rows, layers))
}

/// Fills in what sysfs says of the interface; each file that is missing or refused leaves its field absent.
fn describe(root: &Root, directory: &Path, row: &mut Interface) {
    let text = |file: &str| root.read_trimmed(directory.join(file));
    row.index = root.read_number(directory.join("ifindex"));
    row.hardware_type = root.read_number(directory.join("type"));
    row.address = text("address").and_then(|text| parse_address(&text)).unwrap_or_default();
    row.broadcast = text("broadcast").and_then(|text| parse_address(&text)).unwrap_or_default();
    row.alias = text("ifalias");
    row.flags = text("flags").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    row.state = text("operstate").and_then(|text| OperationalState::parse(&text));
    row.carrier = root.read_number::<u8>(directory.join("carrier")).map(|carrier| carrier != 0);
    row.carrier_changes = root.read_number(directory.join("carrier_changes"));
    row.mtu = root.read_number(directory.join("mtu"));
    let master = std::fs::read_link(root.path(directory.join("master"))).ok();
    row.master = master.and_then(|path| Some(path.file_name()?.to_str()?.to_string()));
    row.errors = errors(root, &directory.join("statistics"), row);
    row.bridge = Bridge::from_files(root, &directory.join("bridge"));
    row.port = Port::from_files(root, &directory.join("brport"));
}

/// What `net/dev` adds up, apart. Of a sum that is zero no part is read.
fn errors(root: &Root, directory: &Path, row: &Interface) -> Option<Errors> {
    let part = |sum: u64, file: &str| if sum == 0 { Some(0) } else { root.read_number(directory.join(file)) };
    let (frame, carrier) = (row.receive.frame, row.transmit.carrier);
    Some(Errors {
        receive_length: part(frame, "rx_length_errors")?,
        receive_over: part(frame, "rx_over_errors")?,
        receive_crc: part(frame, "rx_crc_errors")?,
        receive_frame: part(frame, "rx_frame_errors")?,
        receive_missed: part(row.receive.drops, "rx_missed_errors")?,
        receive_nohandler: root.read_number(directory.join("rx_nohandler")),
        transmit_aborted: part(carrier, "tx_aborted_errors")?,
        transmit_carrier: part(carrier, "tx_carrier_errors")?,
        transmit_heartbeat: part(carrier, "tx_heartbeat_errors")?,
        transmit_window: part(carrier, "tx_window_errors")?,
    })
}

/// What an interface stands on: the links `lower_NAME`.
fn lower(root: &Root, name: &str) -> impl Iterator<Item = String> {
    let names = root.names(directory(name)).unwrap_or_default();
    names.into_iter().filter_map(|name| name.to_str()?.strip_prefix("lower_").map(str::to_string))
}

/// `net/dev`: two lines of heading, then `name: ` and sixteen counters a line.
fn parse(text: &str) -> Result<Vec<Interface>, String> {
    let lines = text.lines().skip(2).filter(|line| !line.trim().is_empty());
    if !text.lines().nth(1).is_some_and(|heading| heading.contains("bytes")) {
        return Err("no heading".into());
    }
    lines.map(|line| parse_line(line).ok_or_else(|| not_an_interface(line))).collect()
}

/// The line's beginning is enough to know it by: the whole of an odd file would become a label.
fn not_an_interface(line: &str) -> String {
    format!("not an interface: {:?}", &line[..line.floor_char_boundary(100)])
}

fn parse_line(line: &str) -> Option<Interface> {
    // A name may itself have a colon (an alias of old), the counters none.
    let (name, counters) = line.rsplit_once(':')?;
    let name = name.trim();
    let counters: Vec<u64> = counters.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let counters: [u64; 16] = counters.try_into().ok()?;
    let [bytes, packets, errors, drops, fifo, frame, compressed, multicast, ..] = counters;
    let receive = Receive { bytes, packets, errors, drops, fifo, frame, compressed, multicast };
    let [.., bytes, packets, errors, drops, fifo, collisions, carrier, compressed] = counters;
    let transmit = Transmit { bytes, packets, errors, drops, fifo, collisions, carrier, compressed };
    super::is_name(name).then(|| Interface { name: name.to_string(), receive, transmit, ..Interface::default() })
}

/// `02:00:5e:10:00:01`.
pub fn parse_address(text: &str) -> Option<Vec<u8>> {
    text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect()
}

/// `net/dev_mcast`: number, name, users, users for all packets, and the address without colons. The addresses of groups,
/// with the interface.
pub fn groups(root: &Root) -> Vec<(String, Vec<u8>)> {
    let text = read_file(&root.net().join("dev_mcast")).unwrap_or_default();
    text.lines().filter_map(parse_group).collect()
}

fn parse_group(line: &str) -> Option<(String, Vec<u8>)> {
    let [_, name, _, _, address] = line.split_ascii_whitespace().collect::<Vec<_>>().try_into().ok()?;
    Some((name.to_string(), hex::decode(address).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 675333450 7373222    0    0    0     0          0         0 675333450 7373222    0    0    0     0       0          0
  eth0:279426100    9811    1    2    3     4          5         6   738607    6978    7    8    9     10       11          12
";

    #[test]
    fn counters_are_in_the_kernels_order() {
        let rows = parse(DEV).expect("a whole net/dev");
        assert_eq!(rows[0].name, "lo");
        let eth0 = &rows[1];
        assert_eq!((eth0.receive.bytes, eth0.receive.frame, eth0.receive.multicast), (279_426_100, 4, 6));
        assert_eq!((eth0.transmit.bytes, eth0.transmit.collisions, eth0.transmit.compressed), (738_607, 10, 12));
    }

    #[test]
    fn odd_files_are_errors_not_panics() {
        let heading = "Inter-| Receive\n face |bytes\n";
        for text in ["", "x", "a\nb\nc", &format!("{heading}lo: 1 2"), &format!("{heading} : {}", "1 ".repeat(16))] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        let huge = format!("{heading}lo: 99999999999999999999999 {}", "1 ".repeat(15));
        assert!(parse(&huge).is_err());
        assert_eq!(parse(heading), Ok(vec![]));
        for name in ["..", "/etc", "a/b"] {
            assert_eq!(parse_line(&format!("{name}: {}", "1 ".repeat(16))), None, "{name}");
        }
        let reason = parse(&format!("{heading}{}", "\u{fffd}".repeat(100_000))).expect_err("no interface");
        assert!(reason.len() < 200, "{} bytes", reason.len());
    }

    #[test]
    fn addresses_are_octets() {
        assert_eq!(parse_address("02:fc:00:00:00:0a"), Some(vec![2, 0xfc, 0, 0, 0, 10]));
        assert_eq!(parse_address("nonsense"), None);
        let group = parse_group("4    eth0            1     0     01005e000001");
        assert_eq!(group, Some(("eth0".into(), vec![1, 0, 0x5e, 0, 0, 1])));
        assert_eq!(parse_group("4 eth0 1 0 0100x"), None);
    }
}
