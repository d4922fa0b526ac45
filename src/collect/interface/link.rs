//! Interfaces as rtnetlink tells them: all of them, whole, in a few answers.
//!
//! A thousand interfaces are a few milliseconds, where their files of sysfs would be a tenth of a second. What rtnetlink
//! doesn't say (speed, duplex, whether there is a device) is [`super::settled`]'s. Numbers are as sysfs and `net/dev`
//! have them, so that both readers make the same rows. Read linux/if_link.h first.

use std::collections::HashMap;

use super::bridge::{Bridge, Port};
use super::{Errors, Interface, Layer, OperationalState, Receive, Transmit};
use crate::collect::Error;
use crate::collect::netlink::{self, attributes, field};

/// RTM_GETLINK.
const GET_LINK: u16 = 18;
/// RTM_NEWLINK.
const NEW_LINK: u16 = 16;
/// The bytes of ifinfomsg.
const HEADER: usize = 16;
/// IFF_UP.
const UP: u32 = 1;
/// IFF_PROMISC.
const PROMISCUOUS: u32 = 0x100;
/// IFF_RUNNING, IFF_LOWER_UP and IFF_DORMANT: state, which sysfs leaves out of its flags.
const VOLATILE: u32 = 0x40 | 0x1_0000 | 0x2_0000;

/// A link, and those that it names by their numbers.
#[derive(Debug, Default, PartialEq)]
struct Link {
    row: Interface,
    /// The bridge, bond or the like that it is part of.
    master: Option<u32>,
    /// What it stands on: the interface of a VLAN, say.
    below: Option<u32>,
}

/// Every interface in the order of the kernel's numbers, and what stands on what.
pub fn read() -> Result<(Vec<Interface>, Vec<Layer>), Error> {
    let failed = |error| Error::Peer(format!("rtnetlink: {error}"));
    let links = netlink::dump(GET_LINK, &[0; HEADER], NEW_LINK).map_err(failed)?;
    let mut links: Vec<Link> = links.iter().filter_map(|link| parse(link)).collect();
    links.sort_by_key(|link| link.row.index);
    // An interface that was renamed while the list was told may be there twice.
    links.dedup_by_key(|link| link.row.index);
    let names: HashMap<u32, String> =
        links.iter().filter_map(|link| Some((link.row.index?, link.row.name.clone()))).collect();
    let mut layers = Vec::new();
    for link in &mut links {
        let name = link.row.name.clone();
        if let Some(master) = link.master.and_then(|master| names.get(&master)) {
            link.row.master = Some(master.clone());
            layers.push(Layer { higher: master.clone(), lower: name.clone() });
        }
        if let Some(below) = link.below.and_then(|below| names.get(&below)) {
            layers.push(Layer { higher: name, lower: below.clone() });
        }
    }
    Ok((links.into_iter().map(|link| link.row).collect(), layers))
}

/// One RTM_NEWLINK; `None` where it lacks what makes it an interface.
fn parse(bytes: &[u8]) -> Option<Link> {
    let index = u32::from_ne_bytes(field(bytes, 4)?);
    let flags = u32::from_ne_bytes(field(bytes, 8)?);
    let mut link = Link::default();
    let (mut promiscuous, mut carrier, mut elsewhere, mut port) = (false, None, false, None);
    for (kind, content) in attributes(bytes.get(HEADER..)?) {
        let number = || Some(u32::from_ne_bytes(field(content, 0)?));
        let row = &mut link.row;
        match kind {
            1 => row.address = content.to_vec(),
            2 => row.broadcast = content.to_vec(),
            3 => row.name = text(content),
            4 => row.mtu = number().map(Into::into),
            5 => link.below = number().filter(|&below| below != index && below != 0),
            10 => link.master = number().filter(|&master| master != 0),
            16 => row.state = content.first().copied().and_then(state),
            18 => port = link_kind(content, row),
            20 => row.alias = Some(text(content)).filter(|alias| !alias.is_empty()),
            23 => traffic(content, row)?,
            30 => promiscuous = number() > Some(0),
            33 => carrier = content.first().map(|&carrier| carrier != 0),
            35 => row.carrier_changes = number().map(Into::into),
            37 => elsewhere = true,
            _ => {}
        }
    }
    // The other end of a veth isn't below it; what is in another network namespace isn't here.
    if elsewhere || link.row.kind.as_deref() == Some("veth") {
        link.below = None;
    }
    link.row.port = port;
    link.row.index = Some(index);
    link.row.hardware_type = Some(u16::from_ne_bytes(field(bytes, 2)?).into());
    link.row.flags = Some((flags & !VOLATILE) | if promiscuous { PROMISCUOUS } else { 0 });
    link.row.carrier = carrier.filter(|_| flags & UP != 0);
    (super::is_name(&link.row.name)).then_some(link)
}

/// IFLA_LINKINFO: what the interface is, what it is as a bridge, and what as a bridge's port.
fn link_kind(content: &[u8], row: &mut Interface) -> Option<Port> {
    let (mut own, mut part, mut part_kind) = (None, None, String::new());
    for (kind, content) in attributes(content) {
        match kind {
            1 => row.kind = Some(text(content)),
            2 => own = Some(content),
            4 => part_kind = text(content),
            5 => part = Some(content),
            _ => {}
        }
    }
    if row.kind.as_deref() == Some("bridge") {
        row.bridge = own.and_then(Bridge::from_attributes);
    }
    part.filter(|_| part_kind == "bridge").and_then(Port::from_attributes)
}

/// IFLA_STATS64, summed as `net/dev` sums it.
fn traffic(content: &[u8], row: &mut Interface) -> Option<()> {
    // Kernels before 4.6 lack the last.
    let number = |place: usize| field(content, place * 8).map(u64::from_ne_bytes);
    let at = |place: usize| number(place);
    row.errors = Some(Errors {
        receive_length: at(10)?,
        receive_over: at(11)?,
        receive_crc: at(12)?,
        receive_frame: at(13)?,
        receive_missed: at(15)?,
        transmit_aborted: at(16)?,
        transmit_carrier: at(17)?,
        transmit_heartbeat: at(19)?,
        transmit_window: at(20)?,
        receive_nohandler: at(23),
    });
    let errors = row.errors?;
    row.receive = Receive {
        packets: at(0)?,
        bytes: at(2)?,
        errors: at(4)?,
        drops: at(6)?.wrapping_add(errors.receive_missed),
        multicast: at(8)?,
        frame: errors.receive_frames(),
        fifo: at(14)?,
        compressed: at(21)?,
    };
    row.transmit = Transmit {
        packets: at(1)?,
        bytes: at(3)?,
        errors: at(5)?,
        drops: at(7)?,
        collisions: at(9)?,
        carrier: errors.transmit_carriers(),
        fifo: at(18)?,
        compressed: at(22)?,
    };
    Some(())
}

/// Text that ends in a NUL.
fn text(content: &[u8]) -> String {
    let end = content.iter().position(|&octet| octet == 0).unwrap_or(content.len());
    String::from_utf8_lossy(&content[..end]).into_owned()
}

/// IF_OPER_UNKNOWN and the rest, in the kernel's order, which isn't RFC 2863's.
fn state(number: u8) -> Option<OperationalState> {
    Some(match number {
        0 => OperationalState::Unknown,
        1 => OperationalState::NotPresent,
        2 => OperationalState::Down,
        3 => OperationalState::LowerLayerDown,
        4 => OperationalState::Testing,
        5 => OperationalState::Dormant,
        6 => OperationalState::Up,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::{Root, interface::sysfs};

    fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 4).expect("short");
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), content].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(index: u32, flags: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let header = [&[0, 0, 1, 0][..], &index.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]].concat();
        [header, attributes.concat()].concat()
    }

    #[test]
    fn a_vlan_stands_on_its_interface_and_a_veth_on_nothing() {
        let kind = |kind: &str| attribute(18, &attribute(1, kind.as_bytes()));
        let name = |name: &str| attribute(3, name.as_bytes());
        let below = attribute(5, &2_u32.to_ne_bytes());
        let vlan = parse(&message(7, 0x1_1043, &[name("eth0.5\0"), below.clone(), kind("vlan\0")])).expect("a link");
        assert_eq!((vlan.below, vlan.row.flags, vlan.row.index), (Some(2), Some(0x1003), Some(7)));
        let veth = parse(&message(8, 0, &[name("v0"), below.clone(), kind("veth")])).expect("a link");
        assert_eq!(veth.below, None);
        let far = parse(&message(9, 0, &[name("m0"), below, kind("macvlan"), attribute(37, &[0; 4])])).expect("a link");
        assert_eq!(far.below, None);
        assert_eq!(parse(&message(9, 0, &[name("../x")])), None);
        assert_eq!(parse(&message(9, 0, &[])), None);
        assert_eq!(parse(&[0; 15]), None);
    }

    #[test]
    fn bridges_and_ports_are_read_and_cut_messages_are_not_fatal() {
        let id = [0x80, 0, 2, 0, 0, 0, 0, 1];
        let own = [attribute(5, &1_u32.to_ne_bytes()), attribute(10, &id), attribute(11, &id)].concat();
        let bridge = [attribute(1, b"bridge\0"), attribute(2, &own)].concat();
        let whole = message(3, 1, &[attribute(3, b"br0\0"), attribute(18, &bridge)]);
        let bridge = parse(&whole).and_then(|link| link.row.bridge).expect("a bridge");
        assert_eq!((bridge.is_root(), bridge.stp_state), (Some(true), Some(1)));
        let part = [attribute(1, &[3]), attribute(18, &2_u16.to_ne_bytes())].concat();
        let part = [attribute(1, b"veth\0"), attribute(4, b"bridge\0"), attribute(5, &part)].concat();
        let whole = message(4, 1, &[attribute(3, b"p0\0"), attribute(18, &part), attribute(10, &3_u32.to_ne_bytes())]);
        let link = parse(&whole).expect("a link");
        let port = link.row.port.as_ref().map(|port| (port.number, port.state));
        assert_eq!((port, link.master), (Some((2, Some(3))), Some(3)));
        for end in 0..whole.len() {
            let _ = parse(&whole[..end]);
        }
    }

    #[test]
    fn counters_are_summed_as_net_dev_has_them() {
        let numbers: Vec<u8> = (1..=24_u64).flat_map(|number| (1_u64 << number).to_ne_bytes()).collect();
        let mut row = Interface::default();
        traffic(&numbers, &mut row).expect("a whole set");
        assert_eq!(row.receive.drops, (1 << 7) + (1 << 16));
        assert_eq!(row.receive.frame, (1 << 11) + (1 << 12) + (1 << 13) + (1 << 14));
        assert_eq!(row.transmit.carrier, (1 << 17) + (1 << 18) + (1 << 20) + (1 << 21));
        assert_eq!(row.errors.and_then(|errors| errors.receive_nohandler), Some(1 << 24));
        assert_eq!(traffic(&numbers[..100], &mut row), None);
    }

    /// Both readers make the same rows of this machine, save what moves.
    #[test]
    fn rtnetlink_says_what_the_files_say() {
        let still = |row: &Interface| {
            let mut row = row.clone();
            (row.receive, row.transmit, row.errors) = Default::default();
            // Only rtnetlink names the kind of what has no DEVTYPE; only the files have these.
            (row.kind, row.speed_bytes, row.duplex, row.physical) = Default::default();
            row
        };
        let (told, _) = read().expect("rtnetlink");
        let (files, _) = sysfs::read(&Root::new("/")).expect("files");
        for row in &told {
            let same = files.iter().find(|file| file.name == row.name).expect("in both");
            assert_eq!(still(row), still(same));
            assert!(row.receive.bytes >= same.receive.bytes || row.name != "lo", "the loopback");
        }
        assert_eq!(told.len(), files.len());
    }
}
