//! One message answered after another, whatever carried it: the engine, the moment, what becomes of a SET, and the line
//! in the query log.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::query_log::{Line, QueryLog};
use super::{Host, Transport};
use crate::metric::Now;
use crate::mib::{Counter, EngineClock, Live, Settings, View};
use crate::snmp::{Engine, Moment, Record, Request, Scratch, Verdict};

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
        Turn { host, scratch, engine, view, settings, uptime, clock, transport, log }
    }
}

impl Turn<'_> {
    /// Answers one message of this sender in at most `max_response` octets; false when nothing is to be sent. A SET is
    /// stored before this returns.
    pub fn answer(&mut self, message: &[u8], sender: IpAddr, max_response: usize, out: &mut Vec<u8>) -> bool {
        let counters = self.host.counters();
        let begun = self.log.as_ref().map(|_| self.host.now());
        let live = Live { uptime: self.uptime, engine: self.clock, counters };
        let request = Request { datagram: message, sender, max_response };
        let moment = Moment { view: &self.view, settings: &self.settings, live: &live };
        let (engine, scratch) = (&self.engine, &mut *self.scratch);
        // A fault in answering one request must not silence the agent; every buffer is emptied before it is used.
        let handled = catch_unwind(AssertUnwindSafe(|| engine.handle(request, moment, scratch, out)));
        let verdict = match handled {
            Ok(Verdict::Commit(commit)) => {
                let stored = blocking(|| self.host.commit(&self.settings, commit.settings()));
                let answer = commit.answer(stored, &live, out);
                (self.view, self.settings) = self.host.moment();
                self.engine = self.host.engine();
                answer
            }
            Ok(verdict) => verdict,
            Err(_) => {
                counters.add(Counter::Panics, 1);
                Verdict::Silence
            }
        };
        let answered = matches!(verdict, Verdict::Answer);
        if let (Some(log), Some(begun)) = (&self.log, begun) {
            let record = Record { result: if answered { "answered" } else { "silence" }, ..Record::default() };
            log.write(line(record, begun, self.host.now(), sender, self.transport), counters);
        }
        answered
    }
}

/// What the query log is told of a message that was handled between these moments.
fn line(record: Record, begun: Now, ended: Now, sender: IpAddr, transport: Transport) -> Line {
    let duration = ended.monotonic.saturating_sub(begun.monotonic);
    Line { time: begun.wall, source: sender.to_canonical(), transport, record, duration }
}

/// Runs what may block; where the runtime has other threads, they take over its other tasks.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
