//! SNMP over UDP: datagrams are received, answered and sent in batches, and an answer leaves from the address that was
//! asked, also where the socket is bound to all of them (RFC 3417, section 3; RFC 3542, section 6).
//!
//! A batch is one recvmmsg(2) and one sendmmsg(2), whatever is waiting up to [`BATCH`]. All of a batch is answered from
//! one published moment, unless a SET in it publishes another.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    self, AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockFlag, SockType,
    SockaddrStorage, setsockopt, sockopt,
};
use tokio::io::Interest;
use tokio::time::sleep;

use super::exchange::Exchange;
use super::{Host, Listen, Transport, explain};
use crate::mib::Counter;
use crate::snmp::MAX_DATAGRAM;

/// How many datagrams one system call receives: more than the 16 that a busy manager has outstanding.
const BATCH: usize = 32;
/// Room for the largest datagram; pages that no datagram needs are never touched.
const DATAGRAM_OCTETS: usize = 65_536;
/// What the kernel may hold while a batch is answered, in octets: thousands of requests. The kernel may grant less.
const RECEIVE_BUFFER_OCTETS: usize = 1 << 20;
/// How long a socket that failed stays closed at first; each attempt that fails doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How far that goes: managers poll every minute or so, and a log line every half minute is bearable.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A bound socket that nobody serves yet.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    /// Where it is bound, with the real port.
    pub address: SocketAddr,
}

/// Binds. An IPv6 socket takes IPv6 only.
///
/// # Errors
/// Says which address, and who has it or what to do where that is known.
pub fn bind(listen: &Listen) -> io::Result<Socket> {
    let socket = open(listen.address).map_err(|errno| explain(listen, &errno.into()))?;
    let address = socket.local_addr()?;
    Ok(Socket { socket, address })
}

fn open(address: SocketAddr) -> nix::Result<UdpSocket> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket::socket(family, SockType::Datagram, flags, None)?;
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    // A socket bound to one address answers from that one anyway.
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?,
        IpAddr::V6(ip) if ip.is_unspecified() => setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?,
        _ => {}
    }
    // Less than asked for is no reason not to serve.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER_OCTETS);
    socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(UdpSocket::from(socket))
}

/// Answers until `shutdown` is ready. Must run on a runtime with I/O. A SET is stored before anything behind it is
/// answered. Nothing that a sender does ends this; a socket that the kernel no longer serves is opened again.
///
/// # Errors
/// Only when the runtime can't take the socket.
pub async fn serve(socket: Socket, host: Arc<dyn Host>, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let mut shutdown = std::pin::pin!(shutdown);
    let listen = Listen { transport: Transport::Udp, address: socket.address };
    let mut server = Server::new(host);
    let mut socket = tokio::net::UdpSocket::from_std(socket.socket)?;
    loop {
        let error = tokio::select! {
            () = &mut shutdown => return Ok(()),
            error = answer_until_broken(&socket, &mut server) => error,
        };
        tracing::error!(%listen, %error, "a listener failed and is opened again");
        // The address is free only when nobody holds it.
        drop(socket);
        socket = tokio::select! {
            () = &mut shutdown => return Ok(()),
            opened = open_again(&listen) => tokio::net::UdpSocket::from_std(opened.socket)?,
        };
        tracing::info!(%listen, "a listener is open again");
    }
}

/// Answers until the socket fails.
async fn answer_until_broken(socket: &tokio::net::UdpSocket, server: &mut Server) -> io::Error {
    loop {
        if let Err(error) = socket.readable().await {
            return error;
        }
        let mut outcome = Ok(0);
        // A batch that isn't full emptied the socket: saying so here spares the call that would find nothing.
        let _ = socket.try_io(Interest::READABLE, || {
            outcome = server.exchange(socket.as_raw_fd());
            let emptied = outcome.map_or_else(|errno| errno == Errno::EAGAIN, |received| received < BATCH);
            if emptied { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match outcome {
            Ok(received) if received == BATCH => tokio::task::yield_now().await,
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
            // The kernel is short of memory, or reports an earlier answer's ICMP error, once: the next call goes on.
            Err(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::ENOMEM | Errno::ENOBUFS) => {
                tokio::task::yield_now().await;
            }
            Err(errno) => return errno.into(),
        }
    }
}

/// Tries until the address can be had, less and less often.
async fn open_again(listen: &Listen) -> Socket {
    let mut pause = FIRST_PAUSE;
    loop {
        // Also before the first attempt: a socket that fails at once whenever it is opened must not keep a core busy.
        sleep(pause).await;
        match bind(listen) {
            Ok(socket) => return socket,
            Err(error) => tracing::warn!(%error, "a listener is still closed"),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The address that was asked, where the socket has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    V4(Ipv4Addr),
    /// With the interface, which a link-local address needs.
    V6(Ipv6Addr, u32),
}

/// A datagram that was received.
struct Arrived {
    octets: usize,
    sender: Option<SockaddrStorage>,
    asked: Option<Asked>,
}

/// An answer that is in the buffer of this place.
struct Reply {
    place: usize,
    to: SockaddrStorage,
    from: Option<Asked>,
}

/// Buffers for a batch.
struct Server {
    host: Arc<dyn Host>,
    datagrams: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
    exchange: Exchange,
}

impl Server {
    fn new(host: Arc<dyn Host>) -> Server {
        let datagrams = (0..BATCH).map(|_| vec![0; DATAGRAM_OCTETS]).collect();
        Server {
            exchange: Exchange::new(host.clone(), Transport::Udp),
            host,
            datagrams,
            answers: vec![Vec::new(); BATCH],
        }
    }

    /// Receives what waits, answers, sends. How many were received.
    fn exchange(&mut self, descriptor: RawFd) -> nix::Result<usize> {
        let arrived = receive(descriptor, &mut self.datagrams)?;
        let replies = self.answer(&arrived);
        send(descriptor, &self.answers, &replies, &*self.host);
        Ok(arrived.len())
    }

    fn answer(&mut self, arrived: &[Arrived]) -> Vec<Reply> {
        let mut turn = self.exchange.turn();
        let mut replies = Vec::with_capacity(arrived.len());
        for (place, (arrived, out)) in arrived.iter().zip(&mut self.answers).enumerate() {
            let Some((to, sender)) = arrived.sender.and_then(|to| Some((to, ip(&to)?))) else { continue };
            let datagram =
                self.datagrams.get(place).and_then(|buffer| buffer.get(..arrived.octets)).unwrap_or_default();
            if turn.answer(datagram, sender, MAX_DATAGRAM, out) {
                replies.push(Reply { place, to, from: arrived.asked });
            }
        }
        replies
    }
}

fn receive(descriptor: RawFd, datagrams: &mut [Vec<u8>]) -> nix::Result<Vec<Arrived>> {
    let control = nix::cmsg_space!(libc::in_pktinfo, libc::in6_pktinfo);
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(datagrams.len(), Some(control));
    let mut slices: Vec<[IoSliceMut; 1]> = datagrams.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
    let received = socket::recvmmsg(descriptor, &mut headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None)?;
    let arrived =
        received.map(|message| Arrived { octets: message.bytes, sender: message.address, asked: asked(&message) });
    Ok(arrived.collect())
}

fn asked(message: &RecvMsg<SockaddrStorage>) -> Option<Asked> {
    message.cmsgs().ok()?.find_map(|control| match control {
        // ipi_spec_dst is the local address even where a broadcast was sent.
        ControlMessageOwned::Ipv4PacketInfo(packet) => {
            Some(Asked::V4(Ipv4Addr::from(packet.ipi_spec_dst.s_addr.to_ne_bytes())))
        }
        ControlMessageOwned::Ipv6PacketInfo(packet) => {
            let address = Ipv6Addr::from(packet.ipi6_addr.s6_addr);
            // Nothing can be sent from a multicast address; routing decides on the interface of a global one.
            let interface = if address.is_unicast_link_local() { packet.ipi6_ifindex } else { 0 };
            (!address.is_multicast()).then_some(Asked::V6(address, interface))
        }
        _ => None,
    })
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// Sends the answers; those that leave from one address go in one system call.
fn send(descriptor: RawFd, answers: &[Vec<u8>], replies: &[Reply], host: &dyn Host) {
    for group in replies.chunk_by(|left, right| left.from == right.from) {
        let mut rest = group;
        while !rest.is_empty() {
            let (sent, failed) = match send_group(descriptor, answers, rest) {
                Ok(sent) => (sent, 0),
                Err(Errno::EINTR) => (0, 0),
                // The kernel's buffer is full: waiting would delay everyone, and managers ask again.
                Err(Errno::EAGAIN | Errno::ENOBUFS) => (0, rest.len()),
                // Only the first one failed: its receiver can't be reached.
                Err(_) => (0, 1),
            };
            host.counters().add(Counter::SendFailures, u64::try_from(failed).unwrap_or(0));
            rest = rest.get(sent + failed..).unwrap_or_default();
        }
    }
}

fn send_group(descriptor: RawFd, answers: &[Vec<u8>], replies: &[Reply]) -> nix::Result<usize> {
    let slices: Vec<[IoSlice; 1]> = replies
        .iter()
        .map(|reply| [IoSlice::new(answers.get(reply.place).map(Vec::as_slice).unwrap_or_default())])
        .collect();
    let addresses: Vec<Option<SockaddrStorage>> = replies.iter().map(|reply| Some(reply.to)).collect();
    let flags = MsgFlags::MSG_DONTWAIT;
    let post = |control: Option<Vec<u8>>, messages: &[ControlMessage]| {
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(replies.len(), control);
        socket::sendmmsg(descriptor, &mut headers, &slices, &addresses, messages, flags).map(Iterator::count)
    };
    match replies.first().and_then(|reply| reply.from) {
        None => post(None, &[]),
        Some(Asked::V4(address)) => {
            let source = libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) };
            let packet = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: source };
            post(Some(nix::cmsg_space!(libc::in_pktinfo)), &[ControlMessage::Ipv4PacketInfo(&packet)])
        }
        Some(Asked::V6(address, interface)) => {
            let source = libc::in6_addr { s6_addr: address.octets() };
            let packet = libc::in6_pktinfo { ipi6_addr: source, ipi6_ifindex: interface };
            post(Some(nix::cmsg_space!(libc::in6_pktinfo)), &[ControlMessage::Ipv6PacketInfo(&packet)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TestHost, get};
    use super::*;
    use crate::mib::Value;
    use crate::snmp::known_answers::{read, request};

    fn start(text: &str) -> (SocketAddr, Arc<TestHost>) {
        let socket = bind(&Listen::parse(text).expect("a place")).expect("a free port");
        let (address, host) = (socket.address, TestHost::new());
        tokio::spawn(serve(socket, host.clone(), std::future::pending()));
        (address, host)
    }

    /// Asks from a connected socket, which takes an answer only from the address that it asked.
    async fn ask(target: SocketAddr, datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let local = if target.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = tokio::net::UdpSocket::bind(local).await.expect("a free port");
        socket.connect(target).await.expect("a local address");
        for datagram in datagrams {
            socket.send(datagram).await.expect("sent");
        }
        let mut answers = Vec::new();
        for _ in datagrams {
            let mut buffer = vec![0; 65_536];
            let received = tokio::time::timeout(Duration::from_secs(5), socket.recv(&mut buffer)).await;
            buffer.truncate(received.expect("in time").expect("received"));
            answers.push(buffer);
        }
        answers
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_answer_leaves_from_the_address_that_was_asked() {
        let (any, _host) = start("udp:0.0.0.0:0");
        for ip in ["127.0.0.1", "127.0.0.2", "127.9.8.7"] {
            let target = SocketAddr::new(ip.parse().expect("an address"), any.port());
            assert_eq!(read(&ask(target, &[get(5)]).await[0]).id, 5, "{ip}");
        }
        // Where the kernel has no IPv6 there is nothing to ask.
        if bind(&Listen::parse("udp:[::1]:0").expect("a place")).is_ok() {
            let (any, _host) = start("udp:[::]:0");
            let target = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), any.port());
            assert_eq!(read(&ask(target, &[get(5)]).await[0]).id, 5);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_requests_are_each_answered() {
        let (address, host) = start("udp:127.0.0.1:0");
        let datagrams: Vec<Vec<u8>> = (0..200).map(get).collect();
        let mut ids: Vec<i64> = ask(address, &datagrams).await.iter().map(|answer| read(answer).id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..200).collect::<Vec<_>>());
        assert_eq!(host.counters.value(Counter::OutPkts), 200);
        let name = Value::OctetString(b"renamed".to_vec());
        let set = request(1, b"private", 0xa3, 1, 0, 0, &[("1.3.6.1.2.1.1.5.0", Some(name))]);
        assert_eq!(read(&ask(address, &[set]).await[0]).status, 0);
        assert_eq!(host.moment().1.name, "renamed");
    }

    #[test]
    fn an_address_in_use_is_said_so() {
        let first = bind(&Listen::parse("udp:127.0.0.1:0").expect("a place")).expect("a free port");
        let listen = Listen { transport: Transport::Udp, address: first.address };
        let error = bind(&listen).expect_err("it is in use").to_string();
        assert!(error.contains(&first.address.to_string()) && error.contains("in use"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_socket_that_fails_is_opened_again() {
        // Receiving from a socket that listens for connections fails, once there is something to receive.
        let wrong = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        wrong.set_nonblocking(true).expect("a flag");
        let address = wrong.local_addr().expect("bound");
        let socket = Socket { socket: UdpSocket::from(std::os::fd::OwnedFd::from(wrong)), address };
        tokio::spawn(serve(socket, TestHost::new(), std::future::pending()));
        // It is closed at once, perhaps before this has ended.
        let _ = tokio::net::TcpStream::connect(address).await;
        let asker = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let mut buffer = vec![0; 65_536];
        for _ in 0..100 {
            asker.send_to(&get(7), address).await.expect("sent");
            if let Ok(received) = tokio::time::timeout(Duration::from_millis(100), asker.recv(&mut buffer)).await {
                buffer.truncate(received.expect("received"));
                assert_eq!(read(&buffer).id, 7);
                return;
            }
        }
        panic!("it stayed closed");
    }
}
