//! The worker and its journal, against a socket that stands in for a receiver.

use std::time::Instant;

use tokio::net::UdpSocket;

use super::config::SnmpTarget;
use super::outbox::tests::event;
use super::snmp::Origin;
use super::*;
use crate::health::Severity;
use crate::health::alarm::EventKind;
use crate::mib::EngineClock;
use crate::mib::counters::Counters;
use crate::secret::Secret;
use crate::snmp::Engine;
use crate::snmp::engine_id::EngineId;
use crate::snmp::notification::Kind;

/// An agent without users.
struct Nobody;

impl Origin for Nobody {
    fn uptime(&self) -> u32 {
        4711
    }

    fn identity(&self) -> (EngineId, EngineClock) {
        (EngineId::from_digest(b"nobody"), EngineClock { boots: 1, time: 0 })
    }

    fn engine(&self) -> Arc<Engine> {
        Arc::new(Engine::new(&crate::snmp::Config::default(), None, &|_| None).expect("an engine"))
    }
}

fn means() -> Means {
    let root: crate::mib::oid::Oid = "1.3.6.1.4.1.32473.1".parse().expect("an OID");
    let sender = Sender { object_id: root.child(&[3, 1]), root };
    Means::new(sender, Arc::new(Nobody), Arc::new(Counters::default())).expect("random numbers")
}

fn target(target: String) -> SnmpTarget {
    SnmpTarget { name: "nms".into(), target, community: Some(Secret::new("traps")), ..SnmpTarget::default() }
}

fn worker(store: &Arc<Store>, target: &SnmpTarget) -> (Notifier, Worker) {
    let journal = Journal::read(store).expect("a journal");
    let targets = super::target::compile(std::slice::from_ref(target), &[]).expect("a target");
    Worker::new(Some(store.clone()), journal, targets, means())
}

fn raised() -> Vec<Event> {
    vec![event(1, EventKind::Raised, Severity::Warning, Severity::Warning)]
}

async fn received(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut octets = vec![0; 65_536];
    let received = tokio::time::timeout(Duration::from_secs(5), socket.recv(&mut octets)).await;
    let count = received.ok()?.ok()?;
    octets.truncate(count);
    Some(octets)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_sends_nothing_twice() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Arc::new(Store::open(directory.path()).expect("a store"));
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let target = target(format!("udp:{}", socket.local_addr().expect("bound")));
    for start in 0..2 {
        let (notifier, worker) = worker(&store, &target);
        let running = tokio::spawn(worker.run());
        assert!(received(&socket).await.is_some(), "coldStart");
        if start == 0 {
            notifier.post(Memory { last_sequence: 1, ..Memory::default() }, raised());
            let trap = received(&socket).await.expect("a trap");
            assert!(trap.windows(4).any(|octets| octets == b"full"));
        }
        notifier.stop();
        running.await.expect("it ends");
        let journal = Journal::read(&store).expect("a journal");
        assert_eq!((journal.memory.last_sequence, journal.outbox.pending("nms")), (1, 0));
    }
    let mut more = [0; 1];
    assert!(socket.try_recv(&mut more).is_err(), "nothing else was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_is_sent_after_a_restart() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Arc::new(Store::open(directory.path()).expect("a store"));
    let (notifier, away) = worker(&store, &target("udp:nobody.invalid:162".into()));
    notifier.post(Memory { last_sequence: 1, ..Memory::default() }, raised());
    notifier.stop();
    away.run().await;
    let socket = UdpSocket::bind("[::1]:0").await.expect("a socket");
    let (notifier, back) = worker(&store, &target(format!("udp:{}", socket.local_addr().expect("bound"))));
    let running = tokio::spawn(back.run());
    let trap = received(&socket).await.expect("the trap of before");
    assert!(trap.windows(4).any(|octets| octets == b"full"));
    notifier.stop();
    running.await.expect("it ends");
}

/// What answers an inform: the same with another tag.
fn acknowledge(inform: &[u8]) -> Vec<u8> {
    let mut answer = inform.to_vec();
    let tag = answer.windows(5).position(|octets| octets == b"traps").expect("a community") + 5;
    assert_eq!(answer[tag], 0xa6, "an InformRequest-PDU");
    answer[tag] = 0xa2;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inform_is_sent_again_until_the_right_answer_comes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Arc::new(Store::open(directory.path()).expect("a store"));
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let written = target(format!("udp:{}", socket.local_addr().expect("bound")));
    let timeout = Some(crate::metric::Interval(Duration::from_millis(200)));
    let written = SnmpTarget { kind: Kind::Inform, timeout, retries: Some(1), ..written };
    let (notifier, worker) = worker(&store, &written);
    let counters = worker.means.counters.clone();
    let running = tokio::spawn(worker.run());
    let mut octets = vec![0; 65_536];
    let mut informs = Vec::new();
    // Two tries, then the outbox's wait, then another two.
    for _ in 0..3 {
        let (count, peer) = socket.recv_from(&mut octets).await.expect("an inform");
        informs.push(octets[..count].to_vec());
        let right = acknowledge(&octets[..count]);
        // Of another community, cut, and the inform itself.
        let mut other = right.clone();
        other[right.len() - count + 8] ^= 1;
        for wrong in [&other[..], &right[..right.len() - 1], &octets[..count]] {
            socket.send_to(wrong, peer).await.expect("sent");
        }
    }
    assert!(informs.iter().all(|inform| *inform == informs[0]), "the same request-id, also after the wait");
    let (count, peer) = socket.recv_from(&mut octets).await.expect("an inform");
    assert_eq!(notifier.status()[0].pending, 1);
    socket.send_to(&acknowledge(&octets[..count]), peer).await.expect("sent");
    let acknowledged = || notifier.status()[0].acknowledged == 1;
    let waited = tokio::time::timeout(Duration::from_secs(5), async {
        while !acknowledged() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("acknowledged");
    let status = &notifier.status()[0];
    assert_eq!((status.pending, status.failures, status.is_failing), (0, 1, false));
    let last_error = status.last_error.as_deref().unwrap_or_default();
    assert!(last_error.starts_with("no acknowledgement after 2 tries in 0.6 s"), "{last_error}");
    assert_eq!(counters.value(Counter::InformTimeouts), 2);
    assert_eq!(counters.value(Counter::InformAnswersIgnored), 9);
    notifier.stop();
    running.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_authentications_are_told_once_a_minute() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let written = target(format!("udp:{}", socket.local_addr().expect("bound")));
    let targets = super::target::compile(&[written], &[]).expect("a target");
    let (notifier, worker) = Worker::new(None, Journal::default(), targets, means());
    let counters = worker.means.counters.clone();
    let running = tokio::spawn(worker.run());
    assert!(received(&socket).await.is_some(), "coldStart");
    (0..5).for_each(|_| notifier.authentication_failure([192, 0, 2, 1].into()));
    let trap = received(&socket).await.expect("a trap");
    // The value of snmpTrapOID.0, in octets.
    assert!(trap.ends_with(&[0x2b, 6, 1, 6, 3, 1, 1, 5, 5]));
    notifier.stop();
    running.await.expect("it ends");
    assert_eq!(counters.value(Counter::AuthenTrapsLeftOut), 4);
    let mut more = [0; 1];
    assert!(socket.try_recv(&mut more).is_err(), "nothing else was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_target_delays_no_other() {
    let [silent, good] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0"));
    let (silent, good) = (silent.await.expect("a socket"), good.await.expect("a socket"));
    let address = |socket: &UdpSocket| format!("udp:{}", socket.local_addr().expect("bound"));
    let written =
        [SnmpTarget { name: "silent".into(), kind: Kind::Inform, ..target(address(&silent)) }, target(address(&good))];
    let targets = super::target::compile(&written, &[]).expect("targets");
    let (notifier, worker) = Worker::new(None, Journal::default(), targets, means());
    let running = tokio::spawn(worker.run());
    assert!(received(&silent).await.is_some() && received(&good).await.is_some(), "coldStart");
    for sequence in 1..=40 {
        notifier.post(Memory { last_sequence: sequence, ..Memory::default() }, raised());
        assert!(received(&good).await.is_some());
    }
    let pending = notifier.status().iter().find(|status| status.name == "silent").map(|status| status.pending);
    assert!(pending >= Some(40), "{pending:?}");
    notifier.stop();
    running.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_the_end_is_not_sent_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Arc::new(Store::open(directory.path()).expect("a store"));
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let written = SnmpTarget { kind: Kind::Inform, ..target(format!("udp:{}", socket.local_addr().expect("bound"))) };
    let (notifier, worker) = worker(&store, &written);
    (0..3).for_each(|_| notifier.post(Memory::default(), raised()));
    let running = tokio::spawn(worker.run());
    let mut octets = vec![0; 65_536];
    for _ in 0..2 {
        let (count, peer) = socket.recv_from(&mut octets).await.expect("an inform");
        socket.send_to(&acknowledge(&octets[..count]), peer).await.expect("sent");
    }
    // The third is on its way, and stays unanswered.
    socket.recv_from(&mut octets).await.expect("an inform");
    notifier.stop();
    running.await.expect("it ends");
    assert_eq!(Journal::read(&store).expect("a journal").outbox.pending("nms"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_waits_for_no_answer() {
    let [silent, good] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0"));
    let (silent, good) = (silent.await.expect("a socket"), good.await.expect("a socket"));
    let at = |socket: &UdpSocket| {
        let written = target(format!("udp:{}", socket.local_addr().expect("bound")));
        super::target::compile(&[SnmpTarget { kind: Kind::Inform, ..written }], &[]).expect("a target")
    };
    let (notifier, worker) = Worker::new(None, Journal::default(), at(&silent), means());
    let sender = worker.means.sender.clone();
    let running = tokio::spawn(worker.run());
    assert!(received(&silent).await.is_some(), "coldStart");
    let begun = Instant::now();
    notifier.reload(at(&good), sender);
    let mut octets = vec![0; 65_536];
    for start in [1, 2] {
        let (count, peer) = good.recv_from(&mut octets).await.expect("an inform");
        assert!(octets[..count].ends_with(&[0x2b, 6, 1, 6, 3, 1, 1, 5, start]), "coldStart, then warmStart");
        good.send_to(&acknowledge(&octets[..count]), peer).await.expect("sent");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    notifier.stop();
    running.await.expect("it ends");
}
