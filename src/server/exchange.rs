//! One message answered after another, whatever carried it: the engine, the moment, and what becomes of a SET.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Host;
use crate::mib::{Counter, EngineClock, Live, Settings, View};
use crate::snmp::{Engine, Moment, Request, Scratch, Verdict};

/// Answers messages, with buffers that are used again.
pub struct Exchange {
    host: Arc<dyn Host>,
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
}

impl Exchange {
    /// Answers for this agent.
    pub fn new(host: Arc<dyn Host>) -> Exchange {
        Exchange { host, scratch: Scratch::default() }
    }

    /// Takes up the present moment.
    pub fn turn(&mut self) -> Turn<'_> {
        let host = &*self.host;
        let (view, settings) = host.moment();
        let (engine, uptime, clock) = (host.engine(), host.uptime(), host.engine_clock());
        Turn { host, scratch: &mut self.scratch, engine, view, settings, uptime, clock }
    }
}

impl Turn<'_> {
    /// Answers one message of this sender in at most `max_response` octets; false when nothing is to be sent. A SET is
    /// stored before this returns.
    pub fn answer(&mut self, message: &[u8], sender: IpAddr, max_response: usize, out: &mut Vec<u8>) -> bool {
        let counters = self.host.counters();
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
        matches!(verdict, Verdict::Answer)
    }
}

/// Runs what may block; where the runtime has other threads, they take over its other tasks.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
