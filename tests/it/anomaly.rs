//! Good messages of every kind, changed in tens of thousands of ways, sent to a live agent: it answers good ones all the
//! while, panics never, and grows no larger.
//!
//! A message is taken apart into its elements; some of them are changed, and it is put together again, with the lengths
//! around them right, so that what is odd is met where it stands. Half of the authentic ones get a code that fits. The
//! numbers that choose are the same in every run; a failure prints which message it was.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn};

use crate::message::{BULK, GET, ID, NEXT, SET, Secure, asking, element, integer, message, pdu, sign, text};
use crate::tcp::resident_kilobytes;
use crate::world::{CONTACT, NAME, Sent, UP_TIME, World, sent};

const MESSAGES: u64 = 50_000;
const BATCH: u64 = 500;
const STREAMED: u64 = 3_000;
/// How much larger the agent may be after all messages than after the first batches, in kilobytes.
const GROWTH: u64 = 6_144;

/// Numbers that look random and are the same in each run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }

    /// Less than `count`, which is not zero.
    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count).expect("64 bits")).expect("small")
    }

    fn octet(&mut self) -> u8 {
        u8::try_from(self.next() & 0xff).expect("eight bits")
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// An element of a message, taken apart as far as it goes.
#[derive(Clone)]
struct Node {
    tag: u8,
    /// The length's octets, where they are not those that are right.
    length: Option<Vec<u8>>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Octets(Vec<u8>),
    Nodes(Vec<Node>),
}

/// The elements that these octets are, if they are elements throughout.
fn take_apart(mut octets: &[u8]) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while let [tag, first, rest @ ..] = octets {
        let (length, rest) = match usize::from(*first) {
            short @ 0..=0x7f => (short, rest),
            long @ 0x81..=0x82 => {
                let (length, rest) = rest.split_at_checked(long & 0x7f)?;
                (length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        // msgSecurityParameters are elements within a string.
        let within = *tag & 0x20 != 0 || content.first() == Some(&0x30);
        let content = match take_apart(content).filter(|_| within) {
            Some(nodes) => Content::Nodes(nodes),
            None => Content::Octets(content.to_vec()),
        };
        nodes.push(Node { tag: *tag, length: None, content });
        octets = rest;
    }
    octets.is_empty().then_some(nodes)
}

fn put_together(nodes: &[Node]) -> Vec<u8> {
    let mut octets = Vec::new();
    for Node { tag, length, content } in nodes {
        let content = match content {
            Content::Octets(octets) => octets.clone(),
            Content::Nodes(nodes) => put_together(nodes),
        };
        match length {
            None => octets.extend(element(*tag, &content)),
            Some(length) => {
                octets.push(*tag);
                octets.extend(length);
                octets.extend(content);
            }
        }
    }
    octets
}

fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + if let Content::Nodes(nodes) = &node.content { count(nodes) } else { 0 }).sum()
}

/// Changes the element at a place, counted in the order in which they are written.
fn change(nodes: &mut Vec<Node>, mut place: usize, dice: &mut Dice, others: &[Node]) {
    for index in 0..nodes.len() {
        if place == 0 {
            return change_at(nodes, index, dice, others);
        }
        place -= 1;
        if let Content::Nodes(inner) = &mut nodes[index].content {
            let within = count(inner);
            if place < within {
                return change(inner, place, dice, others);
            }
            place -= within;
        }
    }
}

fn change_at(nodes: &mut Vec<Node>, index: usize, dice: &mut Dice, others: &[Node]) {
    const TAGS: &[u8] = &[
        0, 1, 2, 3, 4, 5, 6, 9, 0x0d, 0x1f, 0x24, 0x30, 0x31, 0x40, 0x41, 0x42, 0x43, 0x44, 0x46, 0x47, 0x80, 0x81,
        0x82, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xbf, 0xff,
    ];
    match dice.below(10) {
        0 => nodes[index].tag = if dice.below(4) == 0 { dice.octet() } else { dice.one_of(TAGS) },
        1 | 2 => {
            let octets = put_together(&nodes[index..=index]).len();
            nodes[index].length = Some(odd_length(octets, dice));
        }
        3..=5 => nodes[index].content = Content::Octets(odd_content(&nodes[index], dice)),
        6 => {
            // Levels upon levels; most are as deep as a datagram allows.
            let levels = dice.one_of(&[1, 2, 100, 4_000]);
            let mut octets = put_together(&nodes[index..=index]);
            for _ in 0..levels {
                octets = element(0x30, &octets);
            }
            let content = octets.split_off(octets.len().min(2));
            nodes[index] = Node { tag: 0x30, length: Some(octets[1..].to_vec()), content: Content::Octets(content) };
        }
        7 => {
            let copies = dice.one_of(&[1, 2, 10, 300]);
            let copy = nodes[index].clone();
            nodes.extend(std::iter::repeat_n(copy, copies));
        }
        8 => {
            nodes.remove(index);
        }
        _ => nodes[index] = dice.one_of(others),
    }
}

fn odd_length(element: usize, dice: &mut Dice) -> Vec<u8> {
    let right = u32::try_from(element.saturating_sub(2)).expect("small");
    let off = |by: i64| u32::try_from((i64::from(right) + by).max(0)).expect("small");
    let number = dice.one_of(&[
        0,
        1,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
        right,
        off(-1),
        off(1),
        off(2),
    ]);
    match dice.below(8) {
        0 => vec![0x80],
        1 => vec![0xff],
        2 => [&[0x88, 0, 0, 0, 0], &number.to_be_bytes()[..]].concat(),
        3 => [&[0x85, 0], &number.to_be_bytes()[..]].concat(),
        4 => vec![u8::try_from(number & 0x7f).expect("seven bits")],
        _ => [&[0x84], &number.to_be_bytes()[..]].concat(),
    }
}

fn odd_content(node: &Node, dice: &mut Dice) -> Vec<u8> {
    let mut octets = match &node.content {
        Content::Octets(octets) => octets.clone(),
        Content::Nodes(nodes) => put_together(nodes),
    };
    let many = dice.one_of(&[0, 1, 2, 4, 5, 8, 9, 12, 24, 127, 128, 129, 300, 5_000]);
    match dice.below(7) {
        0 => vec![0; many],
        1 => vec![0xff; many],
        2 => vec![0x80; many],
        3 => {
            integer(dice.one_of(&[0, -1, 1 << 31, -(1 << 31), (1 << 31) - 1, 1 << 32, i64::MAX, i64::MIN])).split_off(2)
        }
        4 => {
            octets.truncate(dice.below(octets.len() + 1));
            octets
        }
        5 => {
            octets.extend((0..many).map(|_| dice.octet()));
            octets
        }
        _ => {
            for _ in 0..=dice.below(3) {
                if !octets.is_empty() {
                    let place = dice.below(octets.len());
                    octets[place] ^= 1 << dice.below(8);
                }
            }
            octets
        }
    }
}

/// A good message that is changed.
enum Seed {
    /// As it is sent; SNMPv3's with what makes its code right again.
    Whole(Sent),
    /// Before it is encrypted and signed: its PDU is changed.
    Within(Secure),
}

fn seeds(world: &World) -> Vec<Seed> {
    let binds = &[(NAME, text("name")), (CONTACT, text("contact"))];
    let of = |tag: u8| asking(tag, 0, 0, &[UP_TIME, "1.3.6.1.4.1.32473.1.1.3.1.2.1", "2.999.4294967295"]);
    let mut pdus: Vec<Vec<u8>> = [GET, NEXT, SET].map(of).into();
    pdus.push(asking(BULK, 1, 20, &[UP_TIME, "1.3.6.1.2.1.1", "1.3.6.1.4.1.32473"]));
    pdus.push(pdu(SET, ID, 0, 0, binds));
    let mut seeds: Vec<Seed> = Vec::new();
    for pdu in &pdus {
        seeds.extend([0, 1].map(|version| Seed::Whole(sent(message(version, "public", pdu)))));
        for user in ["priv", "auth", "none", "des"] {
            let message = Secure { pdu: pdu.clone(), ..world.secure(user) };
            seeds.push(Seed::Whole(Sent::of(&message)));
            seeds.push(Seed::Within(message));
        }
    }
    seeds.extend([0xa2, 0xa4, 0xa6, 0xa7, 0xa8].map(|tag| Seed::Whole(sent(message(1, "public", &of(tag))))));
    seeds.push(Seed::Whole(sent(message(1, "system-only", &pdus[3]))));
    seeds.push(Seed::Whole(sent(message(1, "private", &pdus[4]))));
    seeds.push(Seed::Whole(sent(Secure::discovery().octets())));
    seeds
}

/// The message of this number.
fn mutated(number: u64, seeds: &[Seed], others: &[Node]) -> Vec<u8> {
    let mut dice = Dice(number << 20);
    let seed = &seeds[dice.below(seeds.len())];
    let mut octets = match seed {
        Seed::Whole(sent) => sent.octets.clone(),
        Seed::Within(message) => message.pdu.clone(),
    };
    if dice.below(10) == 0 {
        // Without regard to elements.
        for _ in 0..=dice.below(8) {
            let place = dice.below(octets.len());
            octets[place] = dice.octet();
        }
        octets.truncate(octets.len() - if dice.below(2) == 0 { dice.below(octets.len()) } else { 0 });
    } else {
        let mut nodes = take_apart(&octets).expect("a good message");
        for _ in 0..dice.one_of(&[1, 1, 1, 2, 3]) {
            let place = dice.below(count(&nodes).max(1));
            change(&mut nodes, place, &mut dice, others);
        }
        octets = put_together(&nodes);
    }
    // What is too large for a datagram.
    octets.truncate(60_000);
    match seed {
        Seed::Within(message) => Secure { pdu: octets, ..message.clone() }.octets(),
        Seed::Whole(Sent { keys: Some(keys), .. }) if number.is_multiple_of(2) => {
            sign(&mut octets, &keys.authenticator);
            octets
        }
        Seed::Whole(_) => octets,
    }
}

/// Elements that are put in the place of others.
fn parts(seeds: &[Seed]) -> Vec<Node> {
    fn collect(nodes: &[Node], all: &mut Vec<Node>) {
        for node in nodes {
            all.push(node.clone());
            if let Content::Nodes(nodes) = &node.content {
                collect(nodes, all);
            }
        }
    }
    let mut all = Vec::new();
    for seed in seeds {
        if let Seed::Whole(sent) = seed {
            collect(&take_apart(&sent.octets).expect("a good message"), &mut all);
        }
    }
    all
}

fn assert_no_panics(world: &World) {
    assert_eq!(world.read_counters().get("panics"), Some(&0), "{}", world.agent.log());
}

#[test]
fn nothing_that_is_sent_stops_the_agent() {
    let world = World::start();
    // Tables are put together when they are first asked for: all of them before memory is measured.
    world.agent.snmp("snmpbulkwalk", &["-v2c", "-c", "public"], &["1"]);
    let seeds = seeds(&world);
    let others = parts(&seeds);
    let mut warm = 0;
    let (mut answered, mut octets_sent, mut octets_back) = (0, 0, 0);
    for number in 0..MESSAGES {
        let octets = mutated(number, &seeds, &others);
        octets_sent += octets.len();
        // Behind each message goes a good one, which must be answered.
        let answers = world
            .try_exchange(&octets)
            .unwrap_or_else(|error| panic!("message {number}: {error}; {octets:02x?}; {}", world.agent.log()));
        assert!(answers.len() <= 1, "message {number}: {} answers", answers.len());
        for answer in answers {
            answered += 1;
            octets_back += answer.len();
            let whole = vitalsd::snmp::wire::whole(&answer).map(<[u8]>::len);
            assert_eq!(whole, Ok(answer.len()), "message {number}: {octets:02x?}");
        }
        if number.is_multiple_of(BATCH) {
            let began = Instant::now();
            world.settle();
            assert!(began.elapsed() < Duration::from_secs(1), "message {number}: {:?}", began.elapsed());
            let resident = resident_kilobytes(&world.agent);
            if number == 10 * BATCH {
                warm = resident;
            }
            assert!(warm == 0 || resident < warm + GROWTH, "message {number}: {warm} kB, then {resident} kB");
        }
    }
    assert_no_panics(&world);
    let resident = resident_kilobytes(&world.agent);
    println!(
        "{MESSAGES} messages of {octets_sent} octets, {answered} answers of {octets_back}; {warm} kB, then {resident} kB"
    );
    // Enough came through to be worked on.
    assert!(answered > MESSAGES / 20, "{answered}");
    over_tcp(&world, &seeds, &others);
}

/// The same over TCP: each message has a connection of its own, as most are its end.
fn over_tcp(world: &World, seeds: &[Seed], others: &[Node]) {
    let before = resident_kilobytes(&world.agent);
    for number in MESSAGES..MESSAGES + STREAMED {
        let octets = mutated(number, seeds, others);
        let mut stream = connect(world.agent.port);
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        // It may be closed while this is on its way.
        let _ = stream.write_all(&octets);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answers = Vec::new();
        match stream.read_to_end(&mut answers) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("message {number}: {octets:02x?}"),
            _ => {}
        }
    }
    assert!(world.exchange(&sent(message(1, "public", &asking(GET, 0, 0, &[UP_TIME])))).len() == 1);
    assert_no_panics(world);
    let after = resident_kilobytes(&world.agent);
    assert!(after < before + GROWTH, "{before} kB, then {after} kB");
}

/// A connection from an address of its own: where it has been closed, its port is not free for a while, and other tests'
/// agents need ports.
fn connect(port: u16) -> TcpStream {
    let (from, to) = (SockaddrIn::new(127, 0, 0, 2, 0), SockaddrIn::new(127, 0, 0, 1, port));
    let stream = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    socket::bind(stream.as_raw_fd(), &from).expect("an address");
    socket::connect(stream.as_raw_fd(), &to).expect("a listener");
    TcpStream::from(stream)
}

/// X19: requests as fast as they go; what can't be answered in time is dropped by the kernel, and nothing is kept.
#[test]
fn a_flood_leaves_nothing_behind() {
    let world = World::start();
    let flood = [
        message(1, "public", &asking(GET, 0, 0, &[UP_TIME, NAME])),
        message(1, "public", &asking(BULK, 0, 50, &["1.3"])),
        message(1, "wrong", &asking(GET, 0, 0, &[UP_TIME])),
        Secure::discovery().octets(),
        world.secure("priv").octets(),
    ];
    let pour = |requests: usize| {
        for number in 0..requests {
            // A full buffer is the kernel's to say, and no reason to stop.
            let _ = world.socket.send(&flood[number % flood.len()]);
        }
        world.settle();
    };
    pour(5_000);
    let before = resident_kilobytes(&world.agent);
    let began = Instant::now();
    pour(100_000);
    println!("100000 requests in {:?}", began.elapsed());
    let after = resident_kilobytes(&world.agent);
    assert!(after < before + GROWTH, "{before} kB, then {after} kB");
    assert_no_panics(&world);
}
