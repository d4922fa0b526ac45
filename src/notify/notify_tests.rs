//! The worker and its journal, against a socket that stands in for a receiver.

use tokio::net::UdpSocket;

use super::outbox::tests::event;
use super::*;
use crate::health::Severity;
use crate::health::alarm::EventKind;

fn sender() -> Sender {
    let root: crate::mib::oid::Oid = "1.3.6.1.4.1.32473.1".parse().expect("an OID");
    Sender { object_id: root.child(&[3, 1]), root }
}

fn config(target: String) -> Config {
    let target = SnmpTarget { name: "nms".into(), target, ..SnmpTarget::default() };
    Config { snmp: vec![target] }
}

fn worker(store: &Arc<Store>, config: &Config) -> (Notifier, Worker) {
    let journal = Journal::read(store).expect("a journal");
    let counters = Arc::new(Counters::default());
    Worker::new(Some(store.clone()), journal, config, sender(), counters, Instant::now())
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
    let config = config(format!("udp:{}", socket.local_addr().expect("bound")));
    for start in 0..2 {
        let (notifier, worker) = worker(&store, &config);
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
    let (notifier, away) = worker(&store, &config("udp:nobody.invalid:162".into()));
    notifier.post(Memory { last_sequence: 1, ..Memory::default() }, raised());
    notifier.stop();
    away.run().await;
    let socket = UdpSocket::bind("[::1]:0").await.expect("a socket");
    let (notifier, back) = worker(&store, &config(format!("udp:{}", socket.local_addr().expect("bound"))));
    let running = tokio::spawn(back.run());
    let trap = received(&socket).await.expect("the trap of before");
    assert!(trap.windows(4).any(|octets| octets == b"full"));
    notifier.stop();
    running.await.expect("it ends");
}
