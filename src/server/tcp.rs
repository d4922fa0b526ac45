//! SNMP over TCP (RFC 3430): messages follow each other on a connection, each as long as its outer SEQUENCE says.
//!
//! A peer that connects costs a task and, while a message is on its way, as much memory as has arrived of it. Each
//! connection has its own task and its answers are computed by [`exchange`](super::exchange), so that a slow or hostile
//! one delays nobody. Every wait ends: for the next message, for the rest of a message, for an answer to be taken.
//! Whatever is no message closes its connection, as nothing after it can be understood.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, setsockopt, sockopt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::exchange::Exchange;
use super::{Host, Listen, Transport, explain};
use crate::mib::Counter;
use crate::snmp::MAX_DATAGRAM;

/// The longest message that is taken and the longest answer, in octets: as over UDP, so that a request comes to the same
/// either way. RFC 3430, section 2.2, asks for at least 8,192.
pub const MAX_MESSAGE: usize = MAX_DATAGRAM;
/// How much room there is at least for what arrives next, in octets: several usual requests.
const CHUNK: usize = 4_096;
/// How many messages of one connection are answered before other tasks have their turn, where no answer waits.
const TURN: u32 = 32;
/// What the kernel may hold for a connection in either direction, in octets, doubled by its own accounting: the longest
/// message. Left alone it grows to megabytes for a peer that reads nothing.
const KERNEL_BUFFER_OCTETS: usize = 65_536;
/// How many connections may wait to be accepted.
const BACKLOG: i32 = 128;
/// How many unused sets of buffers are kept: one for each thread of the agent's runtime.
const SPARE: usize = 2;
/// How long accepting pauses after a failure such as a lack of descriptors; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How far that goes.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What connections may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many there are at once, on all listeners together.
    pub connections: usize,
    /// How many of them one source has: an IPv4 address, or the 64 bits of an IPv6 network, as a host has all of those.
    pub per_source: usize,
    /// How long a connection may be without a message.
    pub idle: Duration,
    /// How long a message may take from its first octet to its last.
    pub arrival: Duration,
    /// How long an answer may take to be accepted by the peer.
    pub taking: Duration,
}

impl Default for Limits {
    /// Every manager in sight, each with a poller on each of its cores, at some 140 KB each when all abuse it. Idle is
    /// above the minute that managers commonly poll at; one that polls less often connects anew.
    fn default() -> Limits {
        Limits {
            connections: 128,
            per_source: 16,
            idle: Duration::from_secs(150),
            arrival: Duration::from_secs(10),
            taking: Duration::from_secs(10),
        }
    }
}

/// The connections that there are, of all listeners.
#[derive(Debug, Default)]
pub struct Places {
    limits: Limits,
    /// How many each source has; as many entries as connections at most.
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Places {
    /// No connection yet.
    pub fn new(limits: Limits) -> Places {
        Places { limits, taken: Mutex::default() }
    }

    fn take(self: &Arc<Places>, peer: IpAddr) -> Option<Place> {
        let source = source(peer);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&source).copied().unwrap_or(0);
        if own >= self.limits.per_source || taken.values().sum::<usize>() >= self.limits.connections {
            return None;
        }
        taken.insert(source, own + 1);
        Some(Place { places: self.clone(), source })
    }
}

/// Who counts as one source.
fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// A connection's place, free again when this is dropped.
struct Place {
    places: Arc<Places>,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.source) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.source)),
        }
    }
}

/// A listening socket that nobody serves yet.
#[derive(Debug)]
pub struct Socket {
    listener: TcpListener,
    /// Where it is bound, with the real port.
    pub address: SocketAddr,
}

/// Listens. An IPv6 socket takes IPv6 only.
///
/// # Errors
/// Says which address, and who has it or what to do where that is known.
pub fn bind(listen: &Listen) -> io::Result<Socket> {
    let listener = open(listen.address).map_err(|errno| explain(listen, &errno.into()))?;
    let address = listener.local_addr()?;
    Ok(Socket { listener, address })
}

fn open(address: SocketAddr) -> nix::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket::socket(family, SockType::Stream, flags, None)?;
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    // Connections of an agent that ended a moment ago don't keep the address from the next one.
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    // Connections inherit these; less than asked for is no reason not to serve.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &KERNEL_BUFFER_OCTETS);
    let _ = setsockopt(&socket, sockopt::SndBuf, &KERNEL_BUFFER_OCTETS);
    socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    socket::listen(&socket, Backlog::new(BACKLOG)?)?;
    Ok(TcpListener::from(socket))
}

/// Serves until `shutdown` is ready; then its connections are closed too. Must run on a runtime with I/O.
///
/// # Errors
/// Only when the runtime can't take the socket.
pub async fn serve(
    socket: Socket,
    host: Arc<dyn Host>,
    places: Arc<Places>,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let mut shutdown = std::pin::pin!(shutdown);
    let listener = tokio::net::TcpListener::from_std(socket.listener)?;
    let answerer = Arc::new(Answerer { host: host.clone(), spare: Mutex::default() });
    // Dropped with this function, and all connections with it.
    let mut connections = JoinSet::new();
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    pause = FIRST_PAUSE;
                    if let Some(place) = admit(&*host, &places, peer.ip()) {
                        let limits = places.limits;
                        let answerer = answerer.clone();
                        connections.spawn(Connection { stream, peer: peer.ip(), limits, answerer, _place: place }.run());
                    }
                }
                Err(error) => {
                    tracing::warn!(address = %socket.address, %error, "no connection could be accepted");
                    tokio::select! {
                        () = &mut shutdown => return Ok(()),
                        () = sleep(pause) => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            },
        }
    }
}

/// A place for this peer; without one its connection is closed at once.
fn admit(host: &dyn Host, places: &Arc<Places>, peer: IpAddr) -> Option<Place> {
    let counters = host.counters();
    if !host.engine().allows(peer) {
        counters.add(Counter::RefusedSources, 1);
        return None;
    }
    let place = places.take(peer);
    counters.add(if place.is_some() { Counter::TcpConnections } else { Counter::TcpRefused }, 1);
    place
}

/// Buffers to answer with, shared as connections are many and threads few.
struct Answerer {
    host: Arc<dyn Host>,
    spare: Mutex<Vec<Exchange>>,
}

impl Answerer {
    /// The answer, if there is one.
    fn answer(&self, message: &[u8], sender: IpAddr) -> Option<Vec<u8>> {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = spare().pop();
        let mut exchange = taken.unwrap_or_else(|| Exchange::new(self.host.clone(), Transport::Tcp));
        let mut out = Vec::new();
        let answered = exchange.turn().answer(message, sender, MAX_MESSAGE, &mut out);
        let mut spare = spare();
        if spare.len() < SPARE {
            spare.push(exchange);
        }
        answered.then_some(out)
    }
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The peer closed it, or the network did.
    Closed,
    /// What it carried is no message, or nothing came.
    Broken,
    /// An answer was not taken.
    NotTaken,
}

/// One peer.
struct Connection {
    stream: TcpStream,
    peer: IpAddr,
    limits: Limits,
    answerer: Arc<Answerer>,
    _place: Place,
}

impl Connection {
    async fn run(mut self) {
        let counters = self.answerer.host.clone();
        // An answer must not wait for the next one to fill a packet.
        let _ = self.stream.set_nodelay(true);
        match self.converse().await {
            End::Closed => {}
            End::Broken => counters.counters().add(Counter::TcpBroken, 1),
            End::NotTaken => counters.counters().add(Counter::SendFailures, 1),
        }
    }

    async fn converse(&mut self) -> End {
        let mut inbox = Vec::new();
        // By when what the inbox begins with must be whole.
        let mut deadline = Instant::now() + self.limits.idle;
        loop {
            // A reload may have taken the peer off the allow-list.
            if !self.answerer.host.engine().allows(self.peer) {
                self.answerer.host.counters().add(Counter::RefusedSources, 1);
                return End::Closed;
            }
            match self.answer_all(&mut inbox).await {
                Err(end) => return end,
                Ok(_) if inbox.is_empty() => {
                    // An idle connection holds no memory.
                    inbox = Vec::new();
                    deadline = Instant::now() + self.limits.idle;
                }
                Ok(0) => {}
                Ok(_) => deadline = Instant::now() + self.limits.arrival,
            }
            let first = inbox.is_empty();
            match timeout_at(deadline, self.receive(&mut inbox)).await {
                Err(_) => return End::Broken,
                Ok(Ok(0)) => return if first { End::Closed } else { End::Broken },
                Ok(Ok(_)) if first => deadline = Instant::now() + self.limits.arrival,
                Ok(Ok(_)) => {}
                Ok(Err(_)) => return End::Closed,
            }
        }
    }

    /// Answers the messages that are whole, in order, and takes them off the inbox. How many they were.
    async fn answer_all(&mut self, inbox: &mut Vec<u8>) -> Result<u32, End> {
        let (mut read, mut answered) = (0, 0);
        loop {
            let rest = inbox.get(read..).unwrap_or_default();
            let message = match frame(rest) {
                Frame::Whole(octets) => rest.get(..octets).unwrap_or_default(),
                Frame::Unfinished => break,
                Frame::Broken => return Err(End::Broken),
            };
            read += message.len();
            answered += 1;
            match self.answerer.answer(message, self.peer) {
                Some(answer) => self.send(&answer).await?,
                None if answered % TURN == 0 => tokio::task::yield_now().await,
                None => {}
            }
        }
        inbox.drain(..read);
        Ok(answered)
    }

    async fn send(&mut self, answer: &[u8]) -> Result<(), End> {
        match timeout(self.limits.taking, self.stream.write_all(answer)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::NotTaken),
        }
    }

    /// Adds what has arrived, at least one octet; 0 at the end.
    async fn receive(&self, inbox: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            // Not before there is something.
            inbox.reserve(CHUNK);
            match self.stream.try_read_buf(inbox) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
    }
}

/// What a buffer begins with.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    /// A message of so many octets.
    Whole(usize),
    /// A part of a message that is not too long, as far as can be seen.
    Unfinished,
    /// No message, or one that is too long.
    Broken,
}

/// Finds the end of a message by its outer SEQUENCE (RFC 3430, section 2.1). The length has at most 4 octets, and is
/// never left open (RFC 3417, section 8).
fn frame(octets: &[u8]) -> Frame {
    let (header, content) = match *octets {
        [] | [0x30] => return Frame::Unfinished,
        [0x30, short @ 0..=0x7f, ..] => (2, usize::from(short)),
        [0x30, long @ 0x81..=0x84, ref rest @ ..] => {
            let count = usize::from(long & 0x7f);
            let Some(length) = rest.get(..count) else { return Frame::Unfinished };
            let length = length.iter().fold(0_u32, |length, &octet| (length << 8) | u32::from(octet));
            (2 + count, usize::try_from(length).unwrap_or(usize::MAX))
        }
        _ => return Frame::Broken,
    };
    match header.checked_add(content) {
        Some(whole) if whole > MAX_MESSAGE => Frame::Broken,
        Some(whole) if whole <= octets.len() => Frame::Whole(whole),
        Some(_) => Frame::Unfinished,
        None => Frame::Broken,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::super::testing::{TestHost, get};
    use super::*;
    use crate::snmp::known_answers::read;

    const SHORT: Duration = Duration::from_millis(200);
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn start(limits: Limits) -> (SocketAddr, Arc<TestHost>, Arc<Places>) {
        let socket = bind(&Listen::parse("tcp:127.0.0.1:0").expect("a place")).expect("a free port");
        let (address, host, places) = (socket.address, TestHost::new(), Arc::new(Places::new(limits)));
        tokio::spawn(serve(socket, host.clone(), places.clone(), std::future::pending()));
        (address, host, places)
    }

    /// The identifier of the next answer.
    async fn answer(stream: &mut TcpStream) -> i64 {
        let mut octets = Vec::new();
        loop {
            match frame(&octets) {
                Frame::Whole(_) => return read(&octets).id,
                Frame::Unfinished => {
                    octets.push(timeout(PATIENCE, stream.read_u8()).await.expect("in time").expect("one"))
                }
                Frame::Broken => panic!("{octets:x?}"),
            }
        }
    }

    /// Whether the peer closes without another octet.
    async fn closed(stream: &mut TcpStream) -> bool {
        // A reset is as good as an end: what was sent may not have been read.
        timeout(PATIENCE, stream.read_u8()).await.expect("in time").is_err()
    }

    #[test]
    fn messages_end_where_their_sequence_ends() {
        let rows: &[(&[u8], Frame)] = &[
            (&[], Frame::Unfinished),
            (&[0x30], Frame::Unfinished),
            (&[0x30, 0], Frame::Whole(2)),
            (&[0x30, 2, 5], Frame::Unfinished),
            (&[0x30, 2, 5, 0, 0x30], Frame::Whole(4)),
            (&[0x30, 0x81], Frame::Unfinished),
            (&[0x30, 0x82, 0], Frame::Unfinished),
            (&[0x30, 0x84, 0, 0, 0, 1, 9], Frame::Whole(7)),
            (&[0x30, 0x80], Frame::Broken),
            (&[0x30, 0x85], Frame::Broken),
            (&[0x30, 0xff], Frame::Broken),
            (&[0x31], Frame::Broken),
            (b"GET / HTTP/1.1", Frame::Broken),
            // 65,503 octets and a header of 4 are the most.
            (&[0x30, 0x82, 0xff, 0xdf], Frame::Unfinished),
            (&[0x30, 0x82, 0xff, 0xe0], Frame::Broken),
            // 16 MiB, and the most there is.
            (&[0x30, 0x84, 0x01, 0, 0, 0], Frame::Broken),
            (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Frame::Broken),
        ];
        for (octets, expected) in rows {
            assert_eq!(frame(octets), *expected, "{octets:x?}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn messages_are_answered_in_order_however_they_arrive() {
        let (address, host, _) = start(Limits::default()).await;
        let mut stream = TcpStream::connect(address).await.expect("a listener");
        stream.set_nodelay(true).expect("an option");
        let many: Vec<u8> = (0..100).flat_map(get).collect();
        stream.write_all(&many).await.expect("sent");
        for id in 0..100 {
            assert_eq!(answer(&mut stream).await, id);
        }
        for octet in get(200) {
            stream.write_all(&[octet]).await.expect("sent");
            tokio::task::yield_now().await;
        }
        assert_eq!(answer(&mut stream).await, 200);
        // One and a half, then the rest; the peer then says that it has no more.
        let two: Vec<u8> = [get(201), get(202)].concat();
        stream.write_all(&two[..two.len() - 9]).await.expect("sent");
        assert_eq!(answer(&mut stream).await, 201);
        stream.write_all(&two[two.len() - 9..]).await.expect("sent");
        stream.shutdown().await.expect("half closed");
        assert_eq!(answer(&mut stream).await, 202);
        assert!(closed(&mut stream).await);
        assert_eq!(host.counters.value(Counter::TcpBroken), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_no_message_closes() {
        let (address, host, _) = start(Limits::default()).await;
        let rows: &[&[u8]] = &[b"GET / HTTP/1.1\r\n\r\n", &[0x30, 0x84, 0x01, 0, 0, 0], &[0x30, 0x80], &[0]];
        for octets in rows {
            let mut stream = TcpStream::connect(address).await.expect("a listener");
            stream.write_all(octets).await.expect("sent");
            assert!(closed(&mut stream).await, "{octets:x?}");
        }
        assert_eq!(host.counters.value(Counter::TcpBroken), 4);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_wait_ends() {
        let limits = Limits { idle: SHORT, arrival: SHORT, taking: SHORT, ..Limits::default() };
        let (address, host, places) = start(limits).await;
        let mut idle = TcpStream::connect(address).await.expect("a listener");
        let mut slow = TcpStream::connect(address).await.expect("a listener");
        slow.write_all(&get(1)[..5]).await.expect("sent");
        assert!(closed(&mut idle).await);
        assert!(closed(&mut slow).await);
        assert_eq!(host.counters.value(Counter::TcpBroken), 2);
        // A peer that asks and reads nothing is given up once the kernel's buffers are full.
        let mut deaf = TcpStream::connect(address).await.expect("a listener");
        let questions: Vec<u8> = (0..1000).flat_map(get).collect();
        while let Ok(Ok(())) = timeout(PATIENCE, deaf.write_all(&questions)).await {}
        assert_eq!(host.counters.value(Counter::SendFailures), 1);
        assert!(places.taken.lock().expect("no panic holds it").is_empty());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_source_has_so_many_places() {
        let (address, host, _) = start(Limits { connections: 3, per_source: 2, ..Limits::default() }).await;
        let mut held = Vec::new();
        for id in 0..2 {
            let mut stream = TcpStream::connect(address).await.expect("a listener");
            stream.write_all(&get(id)).await.expect("sent");
            assert_eq!(answer(&mut stream).await, id);
            held.push(stream);
        }
        let mut third = TcpStream::connect(address).await.expect("a listener");
        assert!(closed(&mut third).await);
        assert_eq!(host.counters.value(Counter::TcpRefused), 1);
        // Another source has one of the three, a fourth connection none.
        let other = |ip: &'static str| async move {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind(format!("{ip}:0").parse().expect("an address")).expect("a local address");
            socket.connect(address).await.expect("a listener")
        };
        let mut second = other("127.0.0.2").await;
        second.write_all(&get(9)).await.expect("sent");
        assert_eq!(answer(&mut second).await, 9);
        assert!(closed(&mut other("127.0.0.3").await).await);
        assert_eq!(host.counters.value(Counter::TcpRefused), 2);
        assert_eq!(host.counters.value(Counter::TcpConnections), 3);
    }

    #[test]
    fn a_network_of_64_bits_is_one_source() {
        let source = |text: &str| source(text.parse().expect("an address")).to_string();
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(source("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(source("192.0.2.1"), "192.0.2.1");
    }
}
