//! The control socket: how the command line asks the running agent.
//!
//! A unix socket that only its owner may open. A client writes one line and reads one JSON document until the end: for
//! `status` the report, for `notify status` and `notify test NAME` how targets do, for an order such as `engine reset` what
//! was done, or why nothing was. Anything else gets one line that says so.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time;

use crate::notify::Notifier;
use crate::notify::telling::{self, Tested};
use crate::snmp::engine_id::EngineId;

/// The longest line that a client may write.
const MAX_LINE: u64 = 256;
/// How long a client may take to ask and to read, and most answers to be made.
const TIME: Duration = Duration::from_secs(5);
/// How long a test of targets may take, which waits for acknowledgements: more than it bounds itself to.
const TEST_TIME: Duration = telling::MOST_TESTING.saturating_add(TIME);
/// How many clients are served at once; others wait in the kernel's queue.
const CLIENTS: usize = 8;

/// Answers questions.
pub trait Answer: Send + Sync {
    /// The JSON document for `status`.
    fn status(&self) -> serde_json::Result<String>;
    /// Who tells targets; `None` before the agent is put together.
    fn notifier(&self) -> Option<Notifier>;
    /// The engine's identity, in hexadecimal.
    fn engine_id(&self) -> EngineId;
}

/// What the agent is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Open SNMPv3 although boots were lost.
    ResetEngine,
}

/// An order, and where what came of it goes: a sentence either way.
pub type Ordered = (Order, oneshot::Sender<Result<String, String>>);

/// What came of an order, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done(String),
    /// Nothing changed.
    Error(String),
}

/// Listens on `path`. A socket that a dead agent left behind is replaced; the state directory's lock has already made
/// sure that no other agent lives.
///
/// # Errors
/// What the kernel says.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if std::os::unix::fs::FileTypeExt::is_socket(&there.file_type()) => std::fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is not a socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until it is dropped.
pub async fn serve(listener: UnixListener, answer: Arc<dyn Answer>, orders: mpsc::Sender<Ordered>) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (answer, orders) = (answer.clone(), orders.clone());
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(error) = exchange(stream, answer.as_ref(), &orders).await {
                        tracing::debug!(%error, "a client of the control socket went away");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket refused a client");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn exchange(mut stream: UnixStream, answer: &dyn Answer, orders: &mpsc::Sender<Ordered>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = Vec::new();
    time::timeout(TIME, BufReader::new(read.take(MAX_LINE)).read_until(b'\n', &mut line)).await??;
    let line = String::from_utf8_lossy(&line);
    let mut text = match line.trim_ascii() {
        "status" => answer.status()?,
        "engine reset" => serde_json::to_string(&time::timeout(TIME, obey(Order::ResetEngine, orders)).await?)?,
        "notify status" => {
            let targets = answer.notifier().map(|notifier| notifier.status()).unwrap_or_default();
            serde_json::to_string(&Targets { engine: answer.engine_id(), targets })?
        }
        "notify test" => test(None, answer).await?,
        other => match other.strip_prefix("notify test ") {
            Some(name) => test(Some(name), answer).await?,
            None => r#"{"error":"the control socket knows: status, engine reset, notify status, notify test [NAME]"}"#
                .into(),
        },
    };
    text.push('\n');
    time::timeout(TIME, write.write_all(text.as_bytes())).await?
}

/// How targets do, or did in a test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Targets<T> {
    /// The engine's identity.
    pub engine: EngineId,
    /// By name.
    pub targets: Vec<T>,
}

/// Tests the target of this name, or all.
async fn test(name: Option<&str>, answer: &dyn Answer) -> io::Result<String> {
    let targets: Vec<Tested> = match answer.notifier() {
        Some(notifier) => time::timeout(TEST_TIME, notifier.test(name)).await?,
        None => Vec::new(),
    };
    Ok(serde_json::to_string(&Targets { engine: answer.engine_id(), targets })?)
}

/// Passes an order to the loop that owns what changes.
async fn obey(order: Order, orders: &mpsc::Sender<Ordered>) -> Outcome {
    let (reply, replied) = oneshot::channel();
    let ending = || Outcome::Error("the agent is ending".into());
    if orders.send((order, reply)).await.is_err() {
        return ending();
    }
    match replied.await {
        Ok(Ok(done)) => Outcome::Done(done),
        Ok(Err(reason)) => Outcome::Error(reason),
        Err(_) => ending(),
    }
}
