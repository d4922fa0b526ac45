//! One message answered after another, whatever carried it: the engine, the moment, what becomes of a SET, and the line
//! in the query log.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::query_log::{Line, QueryLog};
use super::{Host, Refused, Transport};
use crate::metric::Now;
use crate::mib::{Counter, Counters, EngineClock, Live, Settings, View};
use crate::snmp::{Engine, Moment, Request, Scratch, Verdict, Version, claimed_user};

/// How often a SET is worked on that others overtake: they are as many as there are listeners.
const MOST_ATTEMPTS: u32 = 64;

/// Answers messages, with buffers that are used again.
pub struct Exchange {
    host: Arc<dyn Host>,
    transport: Transport,
    scratch: Scratch,
}

/// Messages that are answered from one published moment, unless a SET among them publishes another.
pub struct Turn<'a> {
    host: &'a dyn Host,
    scratch: &'a mut Scratch,
    engine: Arc<Engine>,
    view: Arc<View>,
    settings: Arc<Settings>,
    uptime: u32,
    clock: EngineClock,
    now: Now,
    transport: Transport,
    log: Option<Arc<QueryLog>>,
}

impl Exchange {
    /// Answers for this agent what this transport carries.
    pub fn new(host: Arc<dyn Host>, transport: Transport) -> Exchange {
        Exchange { host, transport, scratch: Scratch::default() }
    }

    /// Takes up the present moment.
    pub fn turn(&mut self) -> Turn<'_> {
        let host = &*self.host;
        let (view, settings) = host.moment();
        let (engine, uptime, clock) = (host.engine(), host.uptime(), host.engine_clock());
        let (scratch, transport, log) = (&mut self.scratch, self.transport, host.query_log());
        Turn { host, scratch, engine, view, settings, uptime, clock, now: host.now(), transport, log }
    }
}

impl Turn<'_> {
    /// Answers one message of this sender in at most `max_response` octets; false when nothing is to be sent. A SET is
    /// stored before this returns.
    pub fn answer(&mut self, message: &[u8], sender: IpAddr, max_response: usize, out: &mut Vec<u8>) -> bool {
        let counters = self.host.counters();
        let begun = self.log.as_ref().map(|_| self.host.now());
        let now = begun.unwrap_or(self.now).monotonic;
        let request =
            Request { datagram: message, sender, max_response, bulk_octets: self.transport.bulk_octets(), now };
        let mut verdict = self.handle(request, counters, out);
        for attempt in 1.. {
            let Verdict::Commit(commit) = verdict else { break };
            let before = self.settings.clone();
            let stored = blocking(|| self.host.commit(&before, commit.settings()));
            (self.view, self.settings) = self.host.moment();
            self.engine = self.host.engine();
            if !stored && *self.settings != *before && attempt < MOST_ATTEMPTS {
                // It was valid for settings that are no more: it is worked on as if it had come after the other.
                let anew = Counters::default();
                verdict = self.handle(request, &anew, out);
                counters.add_all(&anew, &[Counter::InPkts, Counter::InSetRequests]);
                continue;
            }
            let live = Live { uptime: self.uptime, engine: self.clock, counters };
            verdict = commit.answer(stored, &live, self.scratch, out);
        }
        if self.engine.notices(&request, self.scratch.record()) {
            self.tell(&request);
        }
        if let (Some(log), Some(begun)) = (&self.log, begun) {
            log.write(self.line(&request, begun), counters);
        }
        matches!(verdict, Verdict::Answer)
    }

    fn handle(&mut self, request: Request, counters: &Counters, out: &mut Vec<u8>) -> Verdict {
        let live = Live { uptime: self.uptime, engine: self.clock, counters };
        let moment = Moment { view: &self.view, settings: &self.settings, live: &live };
        let (engine, scratch) = (&self.engine, &mut *self.scratch);
        // A fault in answering one request must not silence the agent; every buffer is emptied before it is used.
        let handled = catch_unwind(AssertUnwindSafe(|| engine.handle(request, moment, scratch, out)));
        handled.unwrap_or_else(|_| {
            counters.add(Counter::Panics, 1);
            Verdict::Silence
        })
    }

    fn tell(&self, request: &Request) {
        let record = *self.scratch.record();
        let user = match record.version {
            Some(Version::V3) => claimed_user(request.datagram).map(|name| String::from_utf8_lossy(name).into_owned()),
            _ => None,
        };
        self.host.refused(&Refused { source: request.sender.to_canonical(), user, record });
    }

    /// What the query log is told of a message that was taken up then.
    fn line(&self, request: &Request, begun: Now) -> Line {
        let record = *self.scratch.record();
        Line {
            time: begun.wall,
            source: request.sender.to_canonical(),
            transport: self.transport,
            record,
            identity: self.engine.name(record.who),
            oids: self.scratch.names().take(Line::MOST_NAMES).collect(),
            names: self.scratch.names().count(),
            duration: self.host.now().monotonic.saturating_sub(begun.monotonic),
        }
    }
}

/// Runs what may block; where the runtime has other threads, they take over its other tasks.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::testing::TestHost;
    use super::*;
    use crate::mib::Value;
    use crate::snmp::known_answers::{read, request};

    #[test]
    fn who_is_overtaken_is_not_refused() {
        const EACH: u64 = 300;
        let host = TestHost::new();
        let sets = |object: &'static str, host: Arc<TestHost>| {
            let mut exchange = Exchange::new(host, Transport::Udp);
            for number in 0..EACH {
                let value = Value::OctetString(number.to_string().into_bytes());
                let set = request(1, b"private", 0xa3, 7, 0, 0, &[(object, Some(value))]);
                let mut out = Vec::new();
                assert!(exchange.turn().answer(&set, [127, 0, 0, 1].into(), 1_400, &mut out));
                assert_eq!(read(&out).status, 0, "{object}");
            }
        };
        thread::scope(|scope| {
            for object in ["1.3.6.1.2.1.1.4.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"] {
                let host = host.clone();
                scope.spawn(move || sets(object, host));
            }
        });
        let settings = super::super::Host::moment(&*host).1;
        assert_eq!([&settings.contact, &settings.name, &settings.location], ["299", "299", "299"]);
        for counter in [Counter::InPkts, Counter::InSetRequests, Counter::OutPkts, Counter::InTotalSetVars] {
            assert_eq!(host.counters.value(counter), 3 * EACH, "{counter:?}");
        }
    }
}
