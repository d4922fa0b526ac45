//! The present, made here and handed to everything that needs it.

use std::time::Instant;

use jiff::Timestamp;

use crate::metric::Now;

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

    /// The agent's uptime in hundredths of a second; wraps after 497 days, as TimeTicks do.
    pub fn up_time(self) -> u32 {
        let hundredths = self.started.elapsed().as_millis() / 10;
        u32::try_from(hundredths & u128::from(u32::MAX)).unwrap_or(0)
    }
}
