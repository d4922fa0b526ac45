//! A live agent with a configuration, a state directory and ports of its own, and the programs that talk to it.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the tests' own files are.
pub fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The program.
pub fn vitalsd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitalsd"));
    command.env_remove("STATE_DIRECTORY").env_remove("NOTIFY_SOCKET");
    command
}

/// Configuration by which everything is collected once only, so that one walk is as long as the next: a rate, for one, is
/// there once a second collection is.
pub fn still() -> String {
    let sections =
        ["cpu", "disk", "filesystem", "host", "hwmon", "interface", "memory", "process", "service", "package"];
    sections.map(|section| format!("[collect.{section}]\ninterval = \"1h\"\n")).concat()
}

/// A running agent; it is ended with the value.
pub struct Agent {
    pub directory: tempfile::TempDir,
    pub port: u16,
    pub http: u16,
    child: Child,
}

impl Agent {
    /// Starts an agent on a copy of the fake root, with more configuration.
    pub fn on_fixture(more: &str) -> Agent {
        let directory = directory();
        copy(&tests().join("fixtures/root"), &directory.path().join("root"));
        Agent::start(directory, true, more)
    }

    /// Starts an agent on this machine's own facts.
    pub fn on_this_machine(more: &str) -> Agent {
        Agent::start(directory(), false, more)
    }

    fn start(directory: tempfile::TempDir, fixture: bool, more: &str) -> Agent {
        let (port, http) = (free_udp_port(), free_tcp_port());
        let path = directory.path().display();
        let root = if fixture { format!("{path}/root") } else { "/".into() };
        let text = format!(
            r#"
            [agent]
            state_dir = "{path}/state"
            root = "{root}"
            [system]
            name = "sensor-07"
            contact = "ops"
            [snmp]
            listen = ["udp:127.0.0.1:{port}", "udp:[::1]:{port}"]
            allow = ["127.0.0.0/8", "::1/128"]
            [[snmp.community]]
            name = "public"
            [[snmp.community]]
            name = "private"
            access = "write"
            [[snmp.community]]
            name = "system-only"
            view = "system"
            [[snmp.community]]
            name = "elsewhere"
            from = ["192.0.2.0/24"]
            [[snmp.view]]
            name = "system"
            include = ["1.3.6.1.2.1.1"]
            exclude = ["1.3.6.1.2.1.1.9"]
            [http]
            listen = "127.0.0.1:{http}"
            [collect]
            interval = "1s"
            {more}
            "#
        );
        let file = directory.path().join("vitalsd.toml");
        fs::write(&file, text).expect("a configuration");
        // It holds communities.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
        let child = spawn(directory.path());
        let mut agent = Agent { directory, port, http, child };
        agent.wait_until_collected();
        agent
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("vitalsd.toml")
    }

    /// A file of the fake root.
    pub fn root(&self, relative: &str) -> PathBuf {
        self.directory.path().join("root").join(relative)
    }

    /// What the agent wrote to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// The process identifier.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Kills the agent outright and starts it anew on the same state.
    pub fn kill_and_restart(&mut self) {
        self.signal("KILL");
        self.child.wait().expect("a child");
        self.restart();
    }

    /// Starts an agent that has ended anew on the same state.
    pub fn restart(&mut self) {
        self.child = spawn(self.directory.path());
        self.wait_until_collected();
    }

    /// Asks the agent to end and waits; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        self.signal("TERM");
        wait_for("the agent to end", || self.child.try_wait().expect("a child")).code()
    }

    /// `tool ARGUMENTS 127.0.0.1:PORT OIDS` of net-snmp, its standard output; numbers, not names.
    pub fn snmp(&self, tool: &str, arguments: &[&str], oids: &[&str]) -> String {
        let output = self.snmp_output(tool, arguments, oids);
        assert!(output.status.success(), "{tool} {arguments:?} {oids:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// The same, whatever comes of it.
    pub fn snmp_output(&self, tool: &str, arguments: &[&str], oids: &[&str]) -> Output {
        let mut command = Command::new(tool);
        command.env("MIBS", "").args(["-t", "2", "-r", "1", "-On"]).args(arguments);
        command.arg(format!("127.0.0.1:{}", self.port)).args(oids);
        run(&mut command)
    }

    /// A page of the agent's HTTP server, fetched by curl.
    pub fn page(&self, path: &str) -> String {
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let output = run(Command::new("curl").args(["--silent", "--fail", "--noproxy", "*", &url]));
        assert!(output.status.success(), "{url}: {}", stderr(&output));
        stdout(&output)
    }

    fn wait_until_collected(&mut self) {
        wait_for("the first collection", || {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the agent ended with {status}: {}", self.log());
            }
            let output = run(Command::new("curl")
                .args(["--silent", "--fail", "--noproxy", "*"])
                .arg(format!("http://127.0.0.1:{}/metrics", self.http)));
            let text = stdout(&output);
            let pending = text.lines().any(|line| line.contains("state=\"pending\"") && line.ends_with(" 1"));
            (text.contains("vitals_section_state") && !pending).then_some(())
        });
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &Path) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).expect("a log");
    vitalsd()
        .arg("run")
        .arg("--config")
        .arg(directory.join("vitalsd.toml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the agent")
}

/// A temporary directory.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A UDP port that was free a moment ago, on both loopback addresses, and for TCP too: tests have an agent listen there
/// later. What curl closed may hold a port for TCP a minute long.
pub fn free_udp_port() -> u16 {
    wait_for("a free port", || {
        let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
        let port = socket.local_addr().ok()?.port();
        let others =
            (UdpSocket::bind(("::1", port)), TcpListener::bind(("127.0.0.1", port)), TcpListener::bind(("::1", port)));
        matches!(others, (Ok(_), Ok(_), Ok(_))).then_some(port)
    })
}

fn free_tcp_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.local_addr().expect("an address").port()
}

/// Runs a program to its end. One that isn't there fails the test: `tests/setup` installs it.
pub fn run(command: &mut Command) -> Output {
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?}: {error}; tests/setup installs what the tests need"),
    }
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until there is what is looked for.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            let points_to = fs::read_link(entry.path()).expect("a link");
            std::os::unix::fs::symlink(points_to, target).expect("a link");
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
