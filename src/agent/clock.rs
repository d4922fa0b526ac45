//! The present, made here and handed to everything that needs it.

use std::time::Instant;

use jiff::Timestamp;

use crate::metric::Now;
use crate::mib::segment::EngineClock;

/// snmpEngineTime begins anew after so many seconds.
const MOST_ENGINE_TIME: u64 = 1 << 31;

/// Both clocks since the agent started.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts counting.
    pub fn start() -> Clock {
        Clock { started: Instant::now() }
    }

    /// The present.
    pub fn now(self) -> Now {
        Now { wall: Timestamp::now(), monotonic: self.started.elapsed() }
    }

    /// snmpEngineBoots and snmpEngineTime. Past 2^31 - 1 seconds, 68 years, boots rises as at a start (RFC 3414, section
    /// 2.2.2), and where it can't it stays at the number that refuses everything.
    pub fn engine(self, boots: u32) -> EngineClock {
        let seconds = self.started.elapsed().as_secs();
        let past = u32::try_from(seconds / MOST_ENGINE_TIME).unwrap_or(u32::MAX);
        let boots = boots.saturating_add(past).min(EngineClock::LATCHED);
        EngineClock { boots, time: u32::try_from(seconds % MOST_ENGINE_TIME).unwrap_or(0) }
    }

    /// The agent's uptime in hundredths of a second; wraps after 497 days, as TimeTicks do.
    pub fn up_time(self) -> u32 {
        let hundredths = self.started.elapsed().as_millis() / 10;
        u32::try_from(hundredths & u128::from(u32::MAX)).unwrap_or(0)
    }
}
