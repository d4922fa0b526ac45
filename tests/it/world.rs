//! A live agent with users of every kind, plain sockets to it, and what is known of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vitalsd::snmp::usm::{AuthProtocol, PrivProtocol};

use crate::agent::Agent;
use crate::judge;
use crate::message::{GET, ID, Keys, NULL, PASSWORD, Secure, asking, message, pdu};
use crate::tcp;

pub const UP_TIME: &str = "1.3.6.1.2.1.1.3.0";
pub const CONTACT: &str = "1.3.6.1.2.1.1.4.0";
pub const NAME: &str = "1.3.6.1.2.1.1.5.0";
pub const LOCATION: &str = "1.3.6.1.2.1.1.6.0";
/// The request-id of the good request behind the odd one.
pub const PROBE: i64 = 0x5bad_0001;

/// A message, and how its answer is looked at.
pub struct Sent {
    pub octets: Vec<u8>,
    pub id: i64,
    pub keys: Option<Arc<Keys>>,
    /// The most octets of an answer that is not told variable by variable.
    pub bound: Option<usize>,
    /// The most octets of any answer.
    pub size: usize,
    /// Whether its variables are told at all.
    pub whole: bool,
    /// Whether it goes over TCP, in these pieces.
    pub pieces: Option<usize>,
}

/// A message of which all is to be told.
pub fn sent(octets: Vec<u8>) -> Sent {
    Sent { octets, id: ID, keys: None, bound: None, size: 65_507, whole: true, pieces: None }
}

impl Sent {
    pub fn of(message: &Secure) -> Sent {
        Sent { keys: message.keys.clone(), ..sent(message.octets()) }
    }

    pub fn within(self, octets: usize) -> Sent {
        Sent { bound: Some(octets), ..self }
    }

    pub fn within_size(self, size: usize) -> Sent {
        Sent { size, ..self }
    }

    pub fn wholly(self, whole: bool) -> Sent {
        Sent { whole, ..self }
    }
}

/// The agent that is asked, and what is known of it.
pub struct World {
    pub agent: Agent,
    pub socket: UdpSocket,
    probe: Vec<u8>,
    pub engine: Vec<u8>,
    boots: i64,
    time: i64,
    began: Instant,
    keys: BTreeMap<&'static str, Arc<Keys>>,
    pub counters: BTreeMap<String, u64>,
}

/// A user of every kind.
const USERS: &[(&str, Option<AuthProtocol>, Option<PrivProtocol>, &str)] = &[
    ("priv", Some(AuthProtocol::Sha256), Some(PrivProtocol::Aes128), ""),
    ("des", Some(AuthProtocol::Md5), Some(PrivProtocol::Des), ""),
    ("long", Some(AuthProtocol::Sha1), Some(PrivProtocol::Aes256c), "access = \"write\""),
    ("auth", Some(AuthProtocol::Sha512), None, ""),
    ("none", None, None, ""),
    ("lax", Some(AuthProtocol::Sha224), Some(PrivProtocol::Aes192), "level = \"noAuthNoPriv\""),
    ("sender", Some(AuthProtocol::Sha384), Some(PrivProtocol::Aes128), "access = \"none\""),
];

/// The users as the configuration has them, and a community that may write what it sees.
pub fn configuration() -> String {
    let mut text = "[[snmp.community]]\nname = \"part\"\naccess = \"write\"\nview = \"system\"\n".to_string();
    for (name, auth, privacy, more) in USERS {
        writeln!(text, "[[snmp.user]]\nname = \"{name}\"\n{more}").expect("a String takes all");
        if let Some(auth) = auth {
            let auth = format!("{auth:?}").to_lowercase();
            writeln!(text, "auth = \"{auth}\"\nauth_password = \"{PASSWORD}\"").expect("a String takes all");
        }
        if let Some(privacy) = privacy {
            let privacy = format!("{privacy:?}").to_lowercase();
            writeln!(text, "priv = \"{privacy}\"\npriv_password = \"{PASSWORD}\"").expect("a String takes all");
        }
    }
    text
}

impl World {
    pub fn start() -> World {
        let agent = tcp::agent(&configuration());
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(("127.0.0.1", agent.port)).expect("an address");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        let mut world = World {
            agent,
            socket,
            probe: message(1, "public", &pdu(GET, PROBE, 0, 0, &[(UP_TIME, NULL.to_vec())])),
            engine: Vec::new(),
            boots: 0,
            time: 0,
            began: Instant::now(),
            keys: BTreeMap::new(),
            counters: BTreeMap::new(),
        };
        let report = world.exchange(&sent(Secure::discovery().octets()));
        let secure = judge::read(&report[0], None).secure.expect("SNMPv3");
        (world.engine, world.boots, world.time) = (secure.engine, secure.boots, secure.time);
        for (name, auth, privacy, _) in USERS {
            if let Some(auth) = auth {
                world.keys.insert(name, Keys::new(*auth, *privacy, &world.engine));
            }
        }
        world.counters = world.read_counters();
        world
    }

    /// The engine's time, now.
    pub fn time(&self) -> i64 {
        self.time + i64::try_from(self.began.elapsed().as_secs()).expect("small")
    }

    /// A good message of a user, as safe as his keys make it.
    pub fn secure(&self, user: &'static str) -> Secure {
        let keys = self.keys.get(user).cloned();
        let encrypts = keys.as_ref().is_some_and(|keys| keys.cipher.is_some());
        Secure {
            flags: vec![4 | u8::from(keys.is_some()) | if encrypts { 2 } else { 0 }],
            engine: self.engine.clone(),
            boots: self.boots,
            time: self.time(),
            user: user.into(),
            keys,
            salt: if encrypts { vec![9, 8, 7, 6, 5, 4, 3, 2] } else { Vec::new() },
            context_engine: self.engine.clone(),
            pdu: asking(GET, 0, 0, &[UP_TIME]),
            ..Secure::discovery()
        }
    }

    /// What comes back before the answer to the good request that is sent behind it.
    pub fn exchange(&self, sent: &Sent) -> Vec<Vec<u8>> {
        if let Some(pieces) = sent.pieces {
            return self.exchange_stream(&sent.octets, pieces, &self.probe);
        }
        self.try_exchange(&sent.octets).expect("an answer to a good request")
    }

    /// The same for octets over UDP.
    pub fn try_exchange(&self, octets: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        self.socket.send(octets)?;
        self.socket.send(&self.probe)?;
        let mut answers = Vec::new();
        let mut buffer = vec![0; 65_536];
        loop {
            let octets = self.socket.recv(&mut buffer)?;
            if is_probe(&buffer[..octets]) {
                return Ok(answers);
            }
            answers.push(buffer[..octets].to_vec());
        }
    }

    /// Waits until a good request is answered, whatever else is on its way; it is sent again, as the kernel may drop it.
    pub fn settle(&self) {
        let mut buffer = vec![0; 65_536];
        self.socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a limit");
        for _ in 0..20 {
            self.socket.send(&self.probe).expect("sent");
            while let Ok(octets) = self.socket.recv(&mut buffer) {
                if is_probe(&buffer[..octets]) {
                    // Answers to what was sent before are behind it no more.
                    self.socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
                    return;
                }
            }
        }
        panic!("no good request was answered");
    }

    /// The same over TCP. One empty answer stands for the end of the connection.
    fn exchange_stream(&self, octets: &[u8], pieces: usize, probe: &[u8]) -> Vec<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.agent.port)).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream.set_nodelay(true).expect("an option");
        for piece in [octets, probe].concat().chunks(octets.len().div_ceil(pieces)) {
            // It may have been closed already.
            let _ = stream.write_all(piece);
        }
        let _ = stream.shutdown(Shutdown::Write);
        let mut answers = Vec::new();
        loop {
            let Some(answer) = read_message(&mut stream) else {
                answers.push(Vec::new());
                return answers;
            };
            if is_probe(&answer) {
                return answers;
            }
            answers.push(answer);
        }
    }

    pub fn read_counters(&self) -> BTreeMap<String, u64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.agent.http)).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("a page");
        let lines = page.lines().filter_map(|line| line.strip_prefix("vitals_snmp_")?.split_once("_total "));
        lines.map(|(name, value)| (name.to_string(), value.parse().expect("a number"))).collect()
    }
}

/// The next message of a stream; nothing at its end.
pub fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = vec![0; 2];
    stream.read_exact(&mut head).ok()?;
    assert_eq!(head[0], 0x30);
    let mut length = usize::from(head[1]);
    if length >= 0x80 {
        let mut octets = vec![0; length & 0x7f];
        stream.read_exact(&mut octets).expect("a length");
        length = octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
        head.extend(octets);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).expect("the rest");
    Some([head, rest].concat())
}

/// Whether this is the answer to the good request.
pub fn is_probe(octets: &[u8]) -> bool {
    octets.windows(6).any(|octets| octets == [2, 4, 0x5b, 0xad, 0, 1]) && octets.len() < 100
}
