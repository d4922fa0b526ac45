//! Load: a closed loop with a window of outstanding requests, an open loop at a fixed rate, and a walk beside them.
//!
//! Every answer is judged; none is counted that isn't what was asked for. Requests go out and answers come in by the
//! batch, so that the generator is not what limits a fast agent.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

use super::packets::{Community, FIRST_ID, Messages, Question, oid};

/// How long an answer may take before it is counted as lost.
const PATIENCE: Duration = Duration::from_secs(1);
/// Room for the largest datagram.
const DATAGRAM_OCTETS: usize = 65_536;

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Good answers.
    pub answers: u64,
    /// The variable bindings in them.
    pub varbinds: u64,
    /// Requests without an answer.
    pub lost: u64,
    /// Answers that aren't what was asked for.
    pub bad: u64,
    /// How long it took.
    pub seconds: f64,
    /// Each good answer's time, in nanoseconds, sorted; of an open loop, from when its request was due.
    pub latencies: Vec<u64>,
    /// The same from when the request was sent; of an open loop only.
    pub since_sent: Vec<u64>,
    /// How late the generator itself sent each request of an open loop, in nanoseconds, sorted.
    pub delays: Vec<u64>,
}

/// The value that this share of sorted values doesn't exceed; 0 without any.
pub fn percentile(sorted: &[u64], per_thousand: usize) -> u64 {
    let place = (sorted.len() * per_thousand).div_ceil(1000).saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0)
}

/// A socket for this target.
pub fn connect(target: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(if target.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" })?;
    socket.connect(target)?;
    Ok(socket)
}

/// A request that waits for its answer.
#[derive(Clone, Copy)]
struct Outstanding {
    id: u32,
    sent: Instant,
}

/// Keeps `window` requests outstanding for this long.
pub fn closed(
    target: SocketAddr,
    messages: &mut dyn Messages,
    question: &Question,
    window: usize,
    duration: Duration,
) -> io::Result<Load> {
    let socket = connect(target)?;
    // The kernel counts this in ticks; it only decides how soon a loss is seen.
    socket.set_read_timeout(Some(PATIENCE))?;
    let descriptor = socket.as_raw_fd();
    let step = u32::try_from(window).unwrap_or(1);
    let mut buffers = vec![vec![0_u8; DATAGRAM_OCTETS]; window];
    let mut requests = vec![Vec::new(); window];
    let nobody: Vec<Option<SockaddrStorage>> = vec![None; window];
    let mut received = MultiHeaders::<SockaddrStorage>::preallocate(window, None);
    let mut sending = MultiHeaders::<SockaddrStorage>::preallocate(window, None);
    let mut lengths = Vec::with_capacity(window);
    let mut load = Load::default();
    load.latencies.reserve(1 << 20);
    let start = Instant::now();
    let mut slots: Vec<Outstanding> = (0..step).map(|slot| Outstanding { id: FIRST_ID + slot, sent: start }).collect();
    // The slots whose next request is to be sent.
    let mut free: Vec<usize> = (0..window).collect();
    loop {
        let now = Instant::now();
        for (request, &slot) in requests.iter_mut().zip(&free) {
            slots[slot].sent = now;
            messages.write(slots[slot].id, request);
        }
        let mut rest: &[Vec<u8>] = &requests[..free.len()];
        while !rest.is_empty() {
            let slices: Vec<[IoSlice; 1]> = rest.iter().map(|request| [IoSlice::new(request)]).collect();
            let sent = sendmmsg(descriptor, &mut sending, &slices, &nobody, [], MsgFlags::empty())?.count();
            rest = &rest[sent..];
        }
        free.clear();
        lengths.clear();
        {
            let mut slices: Vec<[IoSliceMut; 1]> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            match recvmmsg(descriptor, &mut received, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None) {
                Ok(datagrams) => lengths.extend(datagrams.map(|datagram| datagram.bytes)),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let now = Instant::now();
        for (buffer, &length) in buffers.iter_mut().zip(&lengths) {
            let answer = messages.read(&mut buffer[..length]).filter(|answer| question.is_answered_by(answer));
            let Some(answer) = answer else {
                load.bad += 1;
                continue;
            };
            let slot = usize::try_from(answer.id.wrapping_sub(FIRST_ID) % step).unwrap_or(0);
            // An answer that comes after its request was given up is nobody's.
            if slots[slot].id != answer.id {
                load.bad += 1;
                continue;
            }
            load.answers += 1;
            load.varbinds += u64::try_from(answer.varbinds).unwrap_or(0);
            load.latencies.push(nanoseconds(now - slots[slot].sent));
            slots[slot].id += step;
            free.push(slot);
        }
        // After the end nothing more is asked, so that all that was measured has been answered.
        if now - start >= duration {
            break;
        }
        if lengths.is_empty() || load.bad > 0 {
            for (place, slot) in slots.iter_mut().enumerate() {
                if now - slot.sent > PATIENCE && !free.contains(&place) {
                    load.lost += 1;
                    slot.id += step;
                    free.push(place);
                }
            }
        }
    }
    load.seconds = start.elapsed().as_secs_f64();
    load.latencies.sort_unstable();
    Ok(load)
}

/// Sends at a fixed rate, whatever comes back. Latency counts from the moment when a request was due, so that an agent
/// that stalls is charged for all that should have been sent meanwhile.
pub fn open(
    target: SocketAddr,
    messages: &mut (dyn Messages + Send),
    question: &Question,
    rate: u32,
    duration: Duration,
) -> io::Result<Load> {
    let socket = connect(target)?;
    let period = Duration::from_secs(1) / rate.max(1);
    let count = u32::try_from(duration.as_nanos() / period.as_nanos().max(1)).unwrap_or(u32::MAX);
    let requests: Vec<Vec<u8>> = (0..count)
        .map(|place| {
            let mut request = Vec::new();
            messages.write(FIRST_ID + place, &mut request);
            request
        })
        .collect();
    let receiving = socket.try_clone()?;
    receiving.set_read_timeout(Some(Duration::from_millis(100)))?;
    let start = Instant::now() + Duration::from_millis(50);
    let due = |place: u32| start + period * place;
    let done = AtomicBool::new(false);
    let delays: Vec<AtomicU64> = requests.iter().map(|_| AtomicU64::new(0)).collect();
    let _preferred = Preferred::new();
    thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut load = Load::default();
            let mut open = vec![true; requests.len()];
            let mut buffer = vec![0; DATAGRAM_OCTETS];
            loop {
                let length = match receiving.recv(&mut buffer) {
                    Ok(length) => length,
                    Err(error) if waits(&error) && !done.load(Ordering::Relaxed) => continue,
                    Err(error) if waits(&error) => break,
                    Err(error) => return Err(error),
                };
                let now = Instant::now();
                let answer = messages.read(&mut buffer[..length]).filter(|answer| question.is_answered_by(answer));
                let place = answer.and_then(|answer| answer.id.checked_sub(FIRST_ID));
                let known = place.and_then(|place| {
                    let index = usize::try_from(place).ok()?;
                    Some((place, open.get_mut(index)?, delays.get(index)?))
                });
                match known {
                    Some((place, open, delay)) if *open => {
                        *open = false;
                        let latency = nanoseconds(now - due(place));
                        load.answers += 1;
                        load.latencies.push(latency);
                        load.since_sent.push(latency.saturating_sub(delay.load(Ordering::Acquire)));
                    }
                    _ => load.bad += 1,
                }
            }
            load.lost = u64::try_from(open.iter().filter(|open| **open).count()).unwrap_or(0);
            Ok(load)
        });
        let mut failed = None;
        for ((place, request), delay) in (0..).zip(&requests).zip(&delays) {
            let due = due(place);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            delay.store(nanoseconds(due.elapsed()), Ordering::Release);
            if let Err(error) = socket.send(request) {
                failed = Some(error);
                break;
            }
        }
        thread::sleep(PATIENCE);
        done.store(true, Ordering::Relaxed);
        let mut load = receiver.join().map_err(|_| io::Error::other("the receiver panicked"))??;
        if let Some(error) = failed {
            return Err(error);
        }
        load.delays = delays.iter().map(|delay| delay.load(Ordering::Acquire)).collect();
        load.delays.sort_unstable();
        load.latencies.sort_unstable();
        load.since_sent.sort_unstable();
        load.seconds = duration.as_secs_f64();
        Ok(load)
    })
}

/// While it lives, the thread that made it and those that this one starts go before others on the processor, where that
/// is allowed: a generator that shares the machine's processors with the agent should measure the agent's waits, not its
/// own. What is started later isn't preferred.
struct Preferred;

impl Preferred {
    fn new() -> Preferred {
        renice("-10");
        Preferred
    }
}

impl Drop for Preferred {
    fn drop(&mut self) {
        renice("0");
    }
}

/// Of a process identifier, renice(1) changes the main thread alone, which is where open loops are run.
fn renice(niceness: &str) {
    renice_thread(niceness, &std::process::id().to_string());
}

/// A walker gives way to everything else, for the same reason: the machine that walks an agent is another one.
fn give_way() {
    if let Ok(thread) = fs::read_link("/proc/thread-self")
        && let Some(identifier) = thread.file_name().and_then(|name| name.to_str())
    {
        renice_thread("10", identifier);
    }
}

fn renice_thread(niceness: &str, identifier: &str) {
    let mut command = Command::new("renice");
    command.args(["-n", niceness, "-p", identifier]).stdout(Stdio::null()).stderr(Stdio::null());
    // Without the permission it is measured as it is, and the generator's own lateness is shown.
    let _ = command.status();
}

/// What a walker did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walked {
    /// Whole walks.
    pub walks: u64,
    /// The instances of the last whole walk, or those so far without any.
    pub instances: u64,
}

/// Walks everything with GETBULK, again and again, one request at a time, until it is told to stop or `most` walks are
/// done. The thread that calls this gives way to others from then on.
pub fn walk(target: SocketAddr, stop: &AtomicBool, most: u64) -> io::Result<Walked> {
    give_way();
    let socket = connect(target)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = vec![0; DATAGRAM_OCTETS];
    let mut request = Vec::new();
    let mut walked = Walked::default();
    let mut id = FIRST_ID;
    while walked.walks < most && !stop.load(Ordering::Relaxed) {
        let mut name = oid(&[1, 3]);
        let mut instances = 0;
        while !stop.load(Ordering::Relaxed) {
            let mut messages = Community::new(&Question::get_bulk(name.clone(), 50));
            messages.write(id, &mut request);
            socket.send(&request)?;
            let length = match socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if waits(&error) => continue,
                Err(error) => return Err(error),
            };
            let answer = messages.read(&mut buffer[..length]).filter(|answer| answer.id == id);
            id += 1;
            let Some(answer) = answer else { continue };
            if answer.exception || answer.varbinds == 0 || answer.error_status != 0 {
                walked.walks += 1;
                walked.instances = instances;
                break;
            }
            instances += u64::try_from(answer.varbinds).unwrap_or(0);
            name = answer.last_name.to_vec();
        }
        if walked.walks == 0 {
            walked.instances = instances;
        }
    }
    Ok(walked)
}

fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
