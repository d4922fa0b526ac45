//! The agents that are measured: the floor, Net-SNMP's snmpd where it is installed, and vitalsd. Each is a process of
//! its own on loopback, with a private configuration and state, and ends with its value.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::load::connect;
use super::packets::{Community, FIRST_ID, Messages, Question};

/// How long an agent may take to answer first, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The kernel counts a process's CPU time in these, whatever its own ticks are: times(2), sysconf(_SC_CLK_TCK).
const TICKS_PER_SECOND: f64 = 100.0;
/// sysUpTime.0, which every agent has.
pub const UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
/// The v3 user that agents are configured with, where they can be.
pub const USER: &str = "bench";
/// Its passwords, for authentication and for privacy.
pub const PASSWORDS: (&str, &str) = ("authentic-passphrase", "private-passphrase");

/// A running agent.
pub struct Agent {
    /// What the report calls it.
    pub name: &'static str,
    /// Where it answers.
    pub address: SocketAddr,
    child: Child,
    directory: Option<tempfile::TempDir>,
}

/// What vitalsd is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How often everything is collected.
    pub interval: &'static str,
    /// Another root than the machine's own.
    pub root: Option<PathBuf>,
}

impl Agent {
    /// Starts the floor.
    pub fn floor() -> io::Result<Agent> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--as-floor")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let mut agent = Agent { name: "floor", address: loopback(0), child, directory: None };
        agent.address = loopback(line.trim().parse().map_err(io::Error::other)?);
        Ok(agent)
    }

    /// Starts Net-SNMP's agent; `None` where it isn't installed.
    pub fn snmpd(program: Option<&Path>) -> io::Result<Option<Agent>> {
        let found = program.map(Path::to_path_buf).or_else(|| in_path("snmpd"));
        let Some(program) = found else { return Ok(None) };
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        let address = loopback(free_port()?);
        let (authentication, privacy) = PASSWORDS;
        let text = format!(
            "agentAddress udp:{address}\n\
             rocommunity public 127.0.0.1\n\
             createUser {USER} SHA-256 {authentication} AES {privacy}\n\
             rouser {USER} priv\n\
             # It would write a line for each request otherwise.\n\
             dontLogTCPWrappersConnects yes\n"
        );
        write_private(&path.join("snmpd.conf"), &text)?;
        let mut command = Command::new(program);
        command
            .env("SNMP_PERSISTENT_DIR", path)
            .env("MIBS", ":")
            // Without -I -smux it listens on port 199 of every address.
            .args(["-f", "-C", "-I", "-smux,mteTrigger,mteTriggerConf"])
            .arg("-c")
            .arg(path.join("snmpd.conf"))
            .arg("-Lf")
            .arg(path.join("log"));
        Agent::start("snmpd", command, address, directory).map(Some)
    }

    /// Starts vitalsd.
    pub fn vitalsd(program: &Path, settings: &Settings) -> io::Result<Agent> {
        let (authentication, privacy) = PASSWORDS;
        let user = format!(
            "[[snmp.user]]\nname = \"{USER}\"\nauth = \"sha256\"\nauth_password = \"{authentication}\"\n\
             priv = \"aes128\"\npriv_password = \"{privacy}\"\n"
        );
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        let address = loopback(free_port()?);
        let interval = settings.interval;
        let root = settings.root.as_deref().unwrap_or(Path::new("/"));
        let text = format!(
            "[agent]\nstate_dir = {state:?}\nroot = {root:?}\n\
             [snmp]\nlisten = [\"udp:{address}\"]\n[[snmp.community]]\nname = \"public\"\n{user}\
             [collect]\ninterval = \"{interval}\"\n[collect.process]\ninterval = \"{interval}\"\n\
             [collect.interface]\nexclude = []\n",
            state = path.join("state"),
        );
        write_private(&path.join("vitalsd.toml"), &text)?;
        let mut command = Command::new(program);
        command.env_remove("STATE_DIRECTORY").env_remove("NOTIFY_SOCKET").arg("run");
        command.arg("--config").arg(path.join("vitalsd.toml"));
        Agent::start("vitalsd", command, address, directory)
    }

    fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        directory: tempfile::TempDir,
    ) -> io::Result<Agent> {
        let output = fs::File::create(directory.path().join("output"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let child = command.spawn().map_err(|error| io::Error::other(format!("{command:?}: {error}")))?;
        let mut agent = Agent { name, address, child, directory: Some(directory) };
        agent.wait_until_it_answers()?;
        Ok(agent)
    }

    fn wait_until_it_answers(&mut self) -> io::Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("{} ended with {status}: {}", self.name, self.output())));
            }
            if ask(self.address, &Question::get(&[UP_TIME])).is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::other(format!("{} doesn't answer: {}", self.name, self.output())))
    }

    /// What it wrote to standard error.
    pub fn output(&self) -> String {
        let file = self.directory.as_ref().map(|directory| directory.path().join("output"));
        file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default()
    }

    /// The CPU time that the process has used so far, in seconds: utime and stime of /proc/PID/stat.
    pub fn cpu_seconds(&self) -> io::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold anything, blanks too; utime and stime are the 12th and 13th behind it.
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        Ok((ticks(11) + ticks(12)) / TICKS_PER_SECOND)
    }

    /// Resident memory in megabytes: VmRSS of /proc/PID/status.
    pub fn resident_megabytes(&self) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks once, briefly: the last name of a good answer, as BER's content octets.
pub fn ask(target: SocketAddr, question: &Question) -> Option<Vec<u8>> {
    let socket = connect(target).ok()?;
    socket.set_read_timeout(Some(Duration::from_millis(200))).ok()?;
    let mut messages = Community::new(question);
    let mut buffer = Vec::new();
    messages.write(FIRST_ID, &mut buffer);
    socket.send(&buffer).ok()?;
    buffer.resize(65_536, 0);
    let length = socket.recv(&mut buffer).ok()?;
    let answer = messages.read(&mut buffer[..length])?;
    question.is_answered_by(&answer).then(|| answer.last_name.to_vec())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind(loopback(0))?.local_addr()?.port())
}

/// The program of this name in `PATH`, or where daemons are.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories =
        std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    directories.map(|directory| directory.join(name)).find(|file| {
        fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

/// Communities and passwords are nobody else's.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}
