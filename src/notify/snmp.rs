//! SNMP notifications over UDP, in version 1, 2c or 3: traps are sent, informs sent again until they are acknowledged.
//!
//! Of a trap, sent is all that can be known. An inform keeps its request-id through all retries, also after a restart, so
//! that receivers can tell repeats; in SNMPv3 each transmission has a msgID of its own (RFC 3412, section 6.2). One inform
//! to a target is on its way at a time: the order holds. What the messages look like is `snmp::outgoing`'s.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::time::timeout_at;

use super::content::{Sender, content};
use super::outbox::Item;
use super::target::{Security, Target};
use crate::mib::EngineClock;
use crate::mib::counters::{Counter, Counters};
use crate::snmp::notification::{Content, Kind, pdu, version_1, version_2c};
use crate::snmp::outgoing::{Answer, Envelope, Refusal, Signer, Waiting, community_answer};
use crate::snmp::usm::Salts;
use crate::snmp::{Engine, MAX_DATAGRAM};

/// The longest that looking up a target's name may take.
const LOOKUP: Duration = Duration::from_secs(5);

/// The longest wait for one acknowledgement: waits double, but a reload or an end is not to be held up for ever.
const MOST_WAITING: Duration = Duration::from_secs(60);

/// How often one inform may be sent anew at once as its receiver told of its engine: who it is, its time, and both again
/// where it restarts meanwhile.
const MOST_LESSONS: usize = 6;

/// How long after a socket's error it is listened to again.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// What notifications are sent with, as the agent has it at the moment.
pub trait Origin: Send + Sync {
    /// sysUpTime, in hundredths of a second.
    fn uptime(&self) -> u32;
    /// snmpEngineID, snmpEngineBoots and snmpEngineTime.
    fn identity(&self) -> (crate::snmp::engine_id::EngineId, EngineClock);
    /// Whose users sign traps, with the keys that they have now.
    fn engine(&self) -> Arc<Engine>;
}

/// What sending needs beside a target.
#[derive(Clone)]
pub struct Means {
    /// What notifications say of their sender.
    pub sender: Sender,
    /// The agent.
    pub origin: Arc<dyn Origin>,
    /// Where is counted what is sent.
    pub counters: Arc<Counters>,
    /// For informs that are encrypted: their keys are the receivers', so these need not be the engine's.
    pub salts: Arc<Salts>,
    /// Since when monotonic time is told.
    pub started: Instant,
}

impl Means {
    /// With salts that begin anywhere.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(sender: Sender, origin: Arc<dyn Origin>, counters: Arc<Counters>) -> io::Result<Means> {
        let salts = Arc::new(Salts::starting_at(getrandom::u64().map_err(io::Error::other)?));
        Ok(Means { sender, origin, counters, salts, started: Instant::now() })
    }
}

/// The number of the last item that was sent, or acknowledged where that is asked; zero before the first. Kept outside,
/// so that it is known also of a sending that is broken off.
pub type Progress = Arc<AtomicU64>;

/// Sends the items in order, up to the first that fails.
///
/// # Errors
/// Why that one failed.
pub async fn send(target: &Target, means: &Means, items: &[Item], progress: &Progress) -> Result<(), String> {
    let reached = reach(target).await.map_err(|error| error.to_string())?;
    for item in items {
        // Request identifiers wrap.
        let request_id = i32::try_from(item.number % (1 << 31)).unwrap_or(0);
        let content = content(&means.sender, &item.notice);
        match target.kind {
            Kind::Trap => reached.trap(target, means, &content, request_id).await?,
            Kind::Inform => reached.inform(target, means, &content, request_id).await?,
        }
        progress.store(item.number, Ordering::Relaxed);
    }
    Ok(())
}

/// A way to one of a target's addresses.
struct Reached {
    socket: UdpSocket,
    peer: SocketAddr,
    /// The IPv4 address that the host has towards the peer, which SNMPv1 names; 0.0.0.0 over IPv6.
    agent: [u8; 4],
}

/// The first of the target's addresses to which there is a way.
///
/// For traps the socket isn't connected: on a connected one, the refusal of one trap would be told as the failure of the
/// next, which would then be sent twice. For informs it is: nobody else's answer gets in, and a closed port is told.
async fn reach(target: &Target) -> io::Result<Reached> {
    let lookup = tokio::time::timeout(LOOKUP, tokio::net::lookup_host(&target.address)).await;
    let peers = lookup.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "looking up its name took too long"))??;
    let mut failure = io::Error::other("its name has no address");
    for peer in peers {
        match connected(peer).await {
            Ok(connected) => {
                let agent = match connected.local_addr()?.ip() {
                    IpAddr::V4(address) => address.octets(),
                    IpAddr::V6(_) => [0; 4],
                };
                let socket = match target.kind {
                    Kind::Inform => connected,
                    Kind::Trap => UdpSocket::bind(any_like(peer)).await?,
                };
                return Ok(Reached { socket, peer, agent });
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn any_like(peer: SocketAddr) -> SocketAddr {
    match peer.ip() {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Fails where there is no way to the peer.
async fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(any_like(peer)).await?;
    socket.connect(peer).await?;
    Ok(socket)
}

impl Reached {
    async fn trap(&self, target: &Target, means: &Means, content: &Content, request_id: i32) -> Result<(), String> {
        let uptime = means.origin.uptime();
        let message = match &target.security {
            Security::V1(community) => version_1(community.expose().as_bytes(), uptime, content, self.agent),
            Security::V2c(community) => {
                version_2c(community.expose().as_bytes(), pdu(Kind::Trap, uptime, content, request_id))
            }
            Security::V3 { user, .. } => {
                let engine = means.origin.engine();
                let (Some(users), Some(salts)) = (engine.users(), engine.salts()) else {
                    return Err("SNMPv3 is closed: the log says why".into());
                };
                let user = users.find(user.as_bytes()).ok_or("its user is gone")?;
                let (id, clock) = means.origin.identity();
                let signer = Signer::from(&**user);
                let id = id.octets();
                let message_id = random()?;
                let envelope =
                    Envelope { engine_id: id, clock, context: id, signer: &signer, message_id, is_reportable: false };
                let sealed = envelope.seal(pdu(Kind::Trap, uptime, content, request_id), salts);
                sealed.ok_or("its user's keys do not fit")?
            }
        };
        self.socket.send_to(&message, self.peer).await.map_err(|error| error.to_string())?;
        means.counters.add(Counter::OutPkts, 1);
        means.counters.add(Counter::OutTraps, 1);
        Ok(())
    }

    /// Sends an inform until it is acknowledged, refused, or given up.
    async fn inform(&self, target: &Target, means: &Means, content: &Content, request_id: i32) -> Result<(), String> {
        let inform = Inform {
            pdu: pdu(Kind::Inform, means.origin.uptime(), content, request_id),
            context: means.origin.identity().0.octets().to_vec(),
        };
        let begun = Instant::now();
        let mut waiting = Waiting { request_id, message_ids: Vec::new() };
        let mut buffer = vec![0; MAX_DATAGRAM];
        let (mut wait, mut lessons, mut last_error) = (target.timeout, 0, None);
        for attempt in 0..=target.retries {
            if attempt > 0 {
                means.counters.add(Counter::InformTimeouts, 1);
            }
            loop {
                let message = inform.message(target, means, &mut waiting)?;
                let deadline = tokio::time::Instant::now() + wait;
                match self.socket.send(&message).await {
                    Ok(_) => means.counters.add(Counter::OutPkts, 1),
                    // It may be what an earlier message met.
                    Err(error) => last_error = Some(error),
                }
                let heard = timeout_at(deadline, self.answer(target, means, &waiting, &mut buffer, &mut last_error));
                match heard.await {
                    Ok(Answer::Acknowledged) => {
                        means.counters.add(Counter::InformsAcknowledged, 1);
                        return Ok(());
                    }
                    Ok(Answer::Refused(refusal)) => return Err(refusal.to_string()),
                    Ok(_) if lessons < MOST_LESSONS => lessons += 1,
                    Ok(_) => return Err("its engine and time cannot be learnt: it says another each time".into()),
                    Err(_) => break,
                }
            }
            wait = wait.saturating_mul(2).min(MOST_WAITING);
        }
        let (tries, seconds) = (target.retries + 1, begun.elapsed().as_secs_f32());
        let because = match (last_error, &target.security) {
            (Some(error), _) => format!(": {error}"),
            (None, Security::V3 { receiver: Some(receiver), .. })
                if receiver.lock().unwrap_or_else(PoisonError::into_inner).has_signed() =>
            {
                "; the receiver has the authentication key, but may have another privacy key, or not authorize the user"
                    .into()
            }
            (None, _) => String::new(),
        };
        Err(format!("no acknowledgement after {tries} tries in {seconds:.1} s{because}"))
    }

    /// The next answer that means something.
    async fn answer(
        &self,
        target: &Target,
        means: &Means,
        waiting: &Waiting,
        buffer: &mut [u8],
        last_error: &mut Option<io::Error>,
    ) -> Answer {
        loop {
            let datagram = match self.socket.recv(buffer).await {
                Ok(octets) => buffer.get(..octets).unwrap_or_default(),
                // A closed port, say: it may be open at the next try.
                Err(error) => {
                    *last_error = Some(error);
                    tokio::time::sleep(AFTER_ERROR).await;
                    continue;
                }
            };
            let answer = match &target.security {
                Security::V1(_) => Answer::Ignored,
                Security::V2c(community) => {
                    community_answer(datagram, community.expose().as_bytes(), waiting.request_id)
                }
                Security::V3 { receiver, .. } => receiver.as_ref().map_or(Answer::Ignored, |receiver| {
                    let mut receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
                    receiver.read(datagram, waiting, means.started.elapsed())
                }),
            };
            means.counters.add(Counter::InPkts, 1);
            if matches!(answer, Answer::Acknowledged | Answer::Refused(Refusal::ErrorStatus(_))) {
                means.counters.add(Counter::InGetResponses, 1);
            }
            if answer != Answer::Ignored {
                return answer;
            }
            means.counters.add(Counter::InformAnswersIgnored, 1);
        }
    }
}

/// What is informed, the same in each transmission.
struct Inform {
    pdu: rasn_snmp::v2::Pdus,
    context: Vec<u8>,
}

impl Inform {
    fn message(&self, target: &Target, means: &Means, waiting: &mut Waiting) -> Result<Vec<u8>, String> {
        match &target.security {
            Security::V1(_) => Err("SNMPv1 has no informs".into()),
            Security::V2c(community) => Ok(version_2c(community.expose().as_bytes(), self.pdu.clone())),
            Security::V3 { receiver, .. } => {
                let receiver = receiver.as_ref().ok_or("its user's keys are not known")?;
                let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
                let now = means.started.elapsed();
                let message = receiver.message(&self.pdu, &self.context, random()?, &means.salts, waiting, now);
                message.ok_or_else(|| "its user's keys do not fit".into())
            }
        }
    }
}

/// A number that nobody guesses, from 0 to 2^31 - 1.
pub(super) fn random() -> Result<i32, String> {
    let number = getrandom::u32().map_err(|error| format!("no random numbers are to be had: {error}"))?;
    Ok(i32::try_from(number & 0x7fff_ffff).unwrap_or(0))
}
