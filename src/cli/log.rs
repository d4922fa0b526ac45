//! The agent's log: standard error, which may be a pipe that nobody empties: no answer waits for it.
//!
//! Lines go through a bounded queue to a thread of their own; those that find no room are lost, and how many were is told
//! as soon as there is room again. The journal is sent its messages from such a thread too: one that is stopped takes
//! nothing, and a send to it waits.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
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
        Lines::with(out, |lost| format!("{}\n", sentence(lost)).into_bytes())
    }

    /// The same with another form for what tells that lines were lost.
    fn with(out: impl Write + Send + 'static, told: impl Fn(u64) -> Vec<u8> + Send + 'static) -> io::Result<Lines> {
        let (queue, lines) = sync_channel(MOST_LINES);
        let count = Arc::new(Count::default());
        let own = count.clone();
        thread::Builder::new().name("log".into()).spawn(move || own.write(&lines, out, told))?;
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

fn sentence(lost: u64) -> String {
    format!("{lost} lines of the log were lost: nobody read them in time")
}

impl Count {
    /// Writes until nobody can say anything any more. Who doesn't read loses lines, not the agent.
    fn write(&self, lines: &Receiver<Vec<u8>>, mut out: impl Write, told: impl Fn(u64) -> Vec<u8>) {
        while let Ok(line) = lines.recv() {
            let _ = out.write_all(&line);
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let _ = out.write_all(&told(lost));
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

/// Where systemd's journal takes messages (systemd's documentation, JOURNAL_NATIVE_PROTOCOL).
const JOURNAL: &str = "/run/systemd/journal/socket";

/// The journal: each line is one message of it.
#[derive(Debug, Clone)]
pub struct Journal {
    lines: Lines,
    /// As syslog counts them.
    priority: u8,
}

/// One datagram a message.
struct Datagrams(UnixDatagram);

impl Journal {
    /// Connects, and starts the thread that sends.
    ///
    /// # Errors
    /// When the journal isn't there.
    pub fn open() -> io::Result<Journal> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(JOURNAL)?;
        Ok(Journal {
            lines: Lines::with(Datagrams(socket), |lost| message(4, sentence(lost).as_bytes()))?,
            priority: 6,
        })
    }

    /// Where lines wait.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }
}

/// A message with these octets: its length stands before it, so that it may have several lines.
fn message(priority: u8, octets: &[u8]) -> Vec<u8> {
    let text = octets.strip_suffix(b"\n").unwrap_or(octets);
    let length = u64::try_from(text.len()).unwrap_or(0).to_le_bytes();
    let head = format!("PRIORITY={priority}\nSYSLOG_IDENTIFIER=vitalsd\nMESSAGE\n");
    [head.as_bytes(), &length, text, b"\n"].concat()
}

impl Write for Journal {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.lines.write_all(&message(self.priority, octets))?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Datagrams {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // A journal that was started anew has another socket.
        if self.0.send(octets).is_err() {
            self.0.connect(JOURNAL)?;
            self.0.send(octets)?;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Journal;

    fn make_writer(&'a self) -> Journal {
        self.clone()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Journal {
        let priority = match *event.level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        Journal { priority, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_journal_may_have_several_lines() {
        let head = b"PRIORITY=4\nSYSLOG_IDENTIFIER=vitalsd\nMESSAGE\n";
        assert_eq!(message(4, b"a\nb\n"), [&head[..], &[3, 0, 0, 0, 0, 0, 0, 0], b"a\nb\n"].concat());
    }

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
