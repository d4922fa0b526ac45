//! The agent's log on standard error, which may be a pipe that nobody empties: no answer waits for it.
//!
//! Lines go through a bounded queue to a thread of their own; those that find no room are lost, and how many were is told
//! as soon as there is room again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// How many lines may wait: far above what the agent says in the time that a reader needs to come back.
const MOST_LINES: usize = 1_024;
/// How long the end waits for lines to be written.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the end looks.
const LOOK: Duration = Duration::from_millis(2);

/// Where lines are handed over. Never waits.
#[derive(Debug, Clone)]
pub struct Lines {
    queue: SyncSender<Vec<u8>>,
    count: Arc<Count>,
}

#[derive(Debug, Default)]
struct Count {
    waiting: AtomicUsize,
    lost: AtomicU64,
}

impl Lines {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to(out: impl Write + Send + 'static) -> io::Result<Lines> {
        let (queue, lines) = sync_channel(MOST_LINES);
        let count = Arc::new(Count::default());
        let own = count.clone();
        thread::Builder::new().name("log".into()).spawn(move || own.write(&lines, out))?;
        Ok(Lines { queue, count })
    }

    /// Waits, for a bounded time, until everything is written.
    pub fn finish(&self) {
        let end = Instant::now() + FAREWELL;
        while self.count.waiting.load(Ordering::Acquire) > 0 && Instant::now() < end {
            thread::sleep(LOOK);
        }
    }
}

impl Count {
    /// Writes until nobody can say anything any more. Who doesn't read loses lines, not the agent.
    fn write(&self, lines: &Receiver<Vec<u8>>, mut out: impl Write) {
        while let Ok(line) = lines.recv() {
            let _ = out.write_all(&line);
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let _ = writeln!(out, "{lost} lines of the log were lost: nobody read them in time");
            }
            self.waiting.fetch_sub(1, Ordering::Release);
        }
    }
}

/// The formatter writes one whole line at a time.
impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.count.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(octets.to_vec()).is_err() {
            self.count.waiting.fetch_sub(1, Ordering::Relaxed);
            self.count.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_loses_lines_and_is_told() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut lines = Lines::to(writer).expect("a thread");
        let line = [b'x'; 99].into_iter().chain([b'\n']).collect::<Vec<u8>>();
        for _ in 0..5_000 {
            assert_eq!(lines.write(&line).ok(), Some(100));
        }
        lines.finish();
        let read = thread::spawn(move || {
            let mut text = String::new();
            io::Read::read_to_string(&mut reader, &mut text).map(|_| text)
        });
        lines.finish();
        assert_eq!(lines.count.waiting.load(Ordering::Acquire), 0);
        drop(lines);
        let text = read.join().expect("a thread that ends").expect("text");
        let (whole, told): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('x'));
        let lost: usize = told.iter().filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum();
        assert!(whole.len() >= MOST_LINES && whole.len() + lost == 5_000, "{} and {told:?}", whole.len());
    }
}
